// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The 16 barriers of a block: bar.sync, bar.arrive and bar.red. Arrival gives
// what a warp has done to the barrier, release gives all of it to those who
// waited.

#include "test/ptx/Machine.h"

#include <bit>

using namespace moec::ptx;

bool Block::releaseBarriers() {
  unsigned live = 0;
  bool released = false;
  for (Warp &warp : warps)
    live += warp.live != 0;
  for (size_t i = 0; i < barriers.size(); ++i) {
    Barrier &barrier = barriers[i];
    if (barrier.arrived == 0 ||
        barrier.arrived < (barrier.expected ? barrier.expected : 32 * live))
      continue;
    Barrier done = std::move(barrier);
    barrier = {};
    for (auto &take : done.waiting)
      take(done);
    for (Warp &warp : warps)
      if (warp.barrier == int(i)) {
        warp.barrier = -1;
        join(warp.clocks, done.clocks);
        join(warp.fenced, done.fenced);
        ++warp.clocks[warp.index];
      }
    released = true;
  }
  return released;
}

static unsigned threadsOf(const Block &block) {
  return block.launch.size.x * block.launch.size.y * block.launch.size.z;
}

/// Adds the warp; returns null where it may not arrive.
static Barrier *arrive(Warp &warp, uint64_t id, uint64_t expected) {
  Block &block = *warp.block;
  if (id >= block.barriers.size()) {
    block.fail(warp, 0, "barrier " + std::to_string(id) + ", expected 0 to 15");
    return nullptr;
  }
  // A block of 48 threads counts as whole warps.
  if (expected % 32 && expected != threadsOf(block)) {
    block.fail(warp, 0,
               "barrier of " + std::to_string(expected) +
                   " threads, expected a multiple of 32");
    return nullptr;
  }
  Barrier &barrier = block.barriers[id];
  unsigned rounded = (expected + 31) / 32 * 32;
  if (barrier.arrived && barrier.expected != rounded) {
    block.fail(warp, 0,
               "barrier " + std::to_string(id) + " of " +
                   std::to_string(expected) +
                   " threads, others wait at it for " +
                   std::to_string(barrier.expected));
    return nullptr;
  }
  barrier.expected = rounded;
  barrier.arrived += 32;
  join(barrier.clocks, warp.clocks);
  join(barrier.fenced, warp.fenced);
  if (block.launch.options.count)
    ++block.launch.counters.barriers;
  return &barrier;
}

/// bar.sync a{, b}, bar.arrive a, b and bar.red.op.type d, a{, b}, {!}c.
Execute moec::ptx::decodeBarrier(const Statement &s) {
  std::vector<std::string> w = s.opcode;
  bool isAligned = w[0] == "bar" || std::erase(w, "aligned");
  std::erase(w, "cta");
  size_t count = s.operands.size(), words = w.size();
  if ((w[0] != "bar" && w[0] != "barrier") || !isAligned || words < 2)
    return {};
  bool syncs = w[1] == "sync" && words == 2;
  bool arrives = w[1] == "arrive" && words == 2 && count == 2;
  bool reduces = w[1] == "red" && words == 4;
  size_t first = reduces;
  std::string reduction = reduces ? w[2] : "";
  if (!(syncs && (count == 1 || count == 2)) && !arrives &&
      !(reduces && (count == 3 || count == 4) &&
        (reduction == "and" || reduction == "or" || reduction == "popc")))
    return {};
  bool hasCount = count - first - reduces == 2;
  return [=, o = s.operands](Warp &warp, uint32_t mask) {
    unsigned l = std::countr_zero(mask);
    uint64_t id = operandValue(warp, o[first], l);
    uint64_t expected = hasCount ? operandValue(warp, o[first + 1], l) : 0;
    Barrier *barrier = arrive(warp, id, expected);
    if (!barrier)
      return;
    if (arrives) {
      ++warp.clocks[warp.index];
    } else {
      warp.barrier = id;
    }
    if (!reduces)
      return;
    for (unsigned i = 0; i < 32; ++i)
      if (mask >> i & 1)
        barrier->votes += operandValue(warp, o.back(), i) != 0;
    unsigned threads = expected ? expected : threadsOf(*warp.block);
    barrier->waiting.push_back([=, &warp](const Barrier &done) {
      uint64_t result = reduction == "popc"  ? done.votes
                        : reduction == "and" ? done.votes == threads
                                             : done.votes > 0;
      for (unsigned i = 0; i < 32; ++i)
        if (mask >> i & 1)
          warp.at(o[0].reg, i) = result;
    });
  };
}
