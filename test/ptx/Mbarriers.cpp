// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mbarrier objects: threads arrive, copies bring bytes, a phase ends when
// nothing is missing.

#include "test/ptx/Machine.h"

#include <algorithm>

using namespace moec::ptx;

void Block::progress(Mbarrier &barrier, uint32_t arrivals, int64_t bytes) {
  vainWaits = 0;
  barrier.pending -= std::min(arrivals, barrier.pending);
  barrier.bytes += bytes;
  if (barrier.pending || barrier.bytes)
    return;
  ++barrier.phase;
  barrier.pending = barrier.expected;
  barrier.doneClocks = barrier.clocks;
  barrier.doneFenced = barrier.fenced;
}

/// The mbarrier at an address, or null after fail().
static Mbarrier *find(Warp &warp, unsigned lane, uint64_t address) {
  Block &block = *warp.block;
  if (!block.touchShared(warp, lane, address, 8, Access::Atomic))
    return nullptr;
  auto it = block.mbarriers.find(address);
  if (it != block.mbarriers.end())
    return &it->second;
  block.fail(warp, lane,
             "no mbarrier was initialised at shared address " +
                 std::to_string(address));
  return nullptr;
}

static void initialise(Warp &warp, unsigned lane, uint64_t address,
                       uint32_t count) {
  Block &block = *warp.block;
  if (address % 8)
    return block.fail(warp, lane, "misaligned mbarrier");
  if (count == 0 || count >= 1u << 20)
    return block.fail(warp, lane,
                      "mbarrier of " + std::to_string(count) +
                          " arrivals, expected 1 to 2^20 - 1");
  if (!block.touchShared(warp, lane, address, 8, Access::Write))
    return;
  for (unsigned i = 0; i < 8; ++i)
    block.shared[address + i].written = true;
  unsigned agent = 32 + block.mbarriers.size();
  if (auto it = block.mbarriers.find(address); it != block.mbarriers.end())
    agent = it->second.agent;
  if (agent >= std::tuple_size<Clocks>())
    return block.fail(warp, lane, "more than 32 mbarriers");
  Mbarrier barrier;
  barrier.expected = barrier.pending = count;
  barrier.agent = agent;
  block.mbarriers[address] = barrier;
}

static void arrive(Warp &warp, unsigned lane, Mbarrier &barrier,
                   uint32_t arrivals, int64_t bytes) {
  if (arrivals > barrier.pending)
    return warp.block->fail(warp, lane,
                            "arrives at an mbarrier that waits for " +
                                std::to_string(barrier.pending) + " threads");
  join(barrier.clocks, warp.clocks);
  join(barrier.fenced, warp.fenced);
  warp.block->progress(barrier, arrivals, bytes);
}

/// try_wait and test_wait: whether the phase is over. Others run before the
/// next try.
static bool isOver(Warp &warp, unsigned lane, uint64_t address, bool byParity,
                   uint64_t phase) {
  Mbarrier *barrier = find(warp, lane, address);
  if (!barrier)
    return false;
  auto over = [&] {
    return byParity ? (barrier->phase & 1) != phase : barrier->phase > phase;
  };
  Block &block = *warp.block;
  while (!over() && block.landBulk(address))
    ;
  if (over()) {
    join(warp.clocks, barrier->doneClocks);
    join(warp.fenced, barrier->doneFenced);
    return true;
  }
  warp.yields = true;
  if (++block.vainWaits > 4096 * block.warps.size())
    block.fail(warp, lane,
               "waits for an mbarrier in vain: " +
                   std::to_string(barrier->pending) + " arrivals and " +
                   std::to_string(barrier->bytes) + " bytes are missing");
  return false;
}

/// Runs `f` with each lane and the address in `operand`.
template <typename F> static Execute each(const Operand &operand, F f) {
  if (operand.kind != Operand::Address)
    return {};
  return [=](Warp &warp, uint32_t mask) {
    for (unsigned l = 0; l < 32 && warp.block->error.empty(); ++l)
      if (mask >> l & 1)
        f(warp, l, operandValue(warp, operand, l));
    ++warp.clocks[warp.index];
  };
}

Execute moec::ptx::decodeMbarrier(const Statement &s) {
  std::vector<std::string> w = s.opcode;
  if (w[0] != "mbarrier" || s.operands.empty())
    return {};
  for (const char *word : {"shared", "shared::cta", "release", "acquire",
                           "relaxed", "cta", "mbarrier"})
    std::erase(w, word);
  std::string op;
  for (const std::string &word : w)
    op += (op.empty() ? "" : ".") + word;
  const std::vector<Operand> &o = s.operands;
  size_t count = o.size();
  if (op == "init.b64" && count == 2)
    return each(o[0], [=](Warp &warp, unsigned l, uint64_t at) {
      initialise(warp, l, at, operandValue(warp, o[1], l));
    });
  if (op == "inval.b64" && count == 1)
    return each(o[0], [=](Warp &warp, unsigned l, uint64_t at) {
      if (find(warp, l, at))
        warp.block->mbarriers.erase(at);
    });
  if (op == "expect_tx.b64" && count == 2)
    return each(o[0], [=](Warp &warp, unsigned l, uint64_t at) {
      if (Mbarrier *barrier = find(warp, l, at))
        warp.block->progress(*barrier, 0, operandValue(warp, o[1], l));
    });
  bool expects = op == "arrive.expect_tx.b64";
  if (expects || op == "arrive.b64") {
    // The state may be left out.
    size_t first = o[0].kind == Operand::Address ? 0 : 1;
    if (count > first + 2 || count < first + 1 + expects)
      return {};
    return each(o[first], [=](Warp &warp, unsigned l, uint64_t at) {
      Mbarrier *barrier = find(warp, l, at);
      if (!barrier)
        return;
      uint32_t value =
          count > first + 1 ? operandValue(warp, o[first + 1], l) : 1;
      if (first)
        warp.at(o[0].reg, l) = barrier->phase;
      arrive(warp, l, *barrier, expects ? 1 : value, expects ? value : 0);
    });
  }
  bool byParity = op == "try_wait.parity.b64" || op == "test_wait.parity.b64";
  if ((byParity || op == "try_wait.b64" || op == "test_wait.b64") &&
      (count == 3 || count == 4))
    return each(o[1], [=](Warp &warp, unsigned l, uint64_t at) {
      warp.at(o[0].reg, l) =
          isOver(warp, l, at, byParity, operandValue(warp, o[2], l));
    });
  return {};
}
