// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the warps of a block, each until it waits.

#include "test/ptx/Machine.h"

#include <algorithm>
#include <bit>
#include <numeric>

using namespace moec::ptx;

/// The lanes of `among` with the least program counter.
static uint32_t leastLanes(const Warp &warp, uint32_t among, uint32_t &pc) {
  uint32_t mask = 0;
  pc = ~0u;
  for (unsigned l = 0; l < 32; ++l)
    if (among >> l & 1) {
      if (warp.pc[l] < pc) {
        pc = warp.pc[l];
        mask = 0;
      }
      mask |= uint32_t(warp.pc[l] == pc) << l;
    }
  return mask;
}

/// The lanes with the least program counter go first, so that the others wait
/// where the paths meet; those at a barrier of all lanes wait there.
static uint32_t nextLanes(const Warp &warp, uint32_t &pc) {
  const uint32_t first = leastLanes(warp, warp.live, pc), least = pc;
  const std::vector<Instruction> &code = warp.block->launch.kernel.code;
  uint32_t others = warp.live, mask = first;
  while (code[pc].joinsLanes && (others &= ~mask))
    mask = leastLanes(warp, others, pc);
  if (!code[pc].joinsLanes)
    return mask;
  pc = least;
  return first;
}

static void advance(Warp &warp, const Instruction &i, uint32_t pc,
                    uint32_t mask, uint32_t active) {
  for (unsigned l = 0; l < 32; ++l) {
    if (!(mask >> l & 1))
      continue;
    warp.pc[l] = pc + 1;
    if (i.flow != Instruction::Branch || !(active >> l & 1))
      continue;
    uint64_t which =
        i.targets.size() > 1 ? operandValue(warp, i.selector, l) : 0;
    if (which >= i.targets.size())
      return warp.block->fail(warp, l, "branch to no label");
    warp.pc[l] = i.targets[which];
  }
}

/// Registers of a wgmma are not to be touched before it was waited for, and
/// those that are written need a fence before the next.
static void checkRegisters(Warp &warp, const Instruction &i, uint32_t active) {
  for (const Multiplication &m : warp.multiplications)
    for (int r : m.registers)
      if (std::count(i.registers.begin(), i.registers.end(), r))
        return warp.block->fail(warp, std::countr_zero(active),
                                warp.block->launch.kernel.syntax.registers[r] +
                                    " is used before wgmma.wait_group");
  for (int r : i.destinations)
    warp.unfenced[r] = 1;
}

/// Runs until the warp waits, ends or fails, or has had its turn.
static void runWarp(Warp &warp) {
  Block &block = *warp.block;
  Launch &launch = block.launch;
  warp.yields = false;
  for (unsigned turn = 0; turn < 1u << 16 && warp.live && block.error.empty() &&
                          warp.barrier < 0 && !warp.yields;
       ++turn) {
    uint32_t pc, mask = nextLanes(warp, pc), active = mask;
    const Instruction &i = launch.kernel.code[pc];
    block.line = i.line;
    for (unsigned l = 0; i.guard >= 0 && l < 32; ++l)
      if (bool(warp.at(i.guard, l)) == i.negated)
        active &= ~(1u << l);
    ++launch.counters.warpInstructions;
    launch.counters.threadInstructions += std::popcount(active);
    if (launch.options.count)
      ++launch.counters.opcodes[i.opcode];
    if (launch.counters.warpInstructions > launch.options.maxWarpInstructions)
      return block.fail(warp, std::countr_zero(mask),
                        "more than " +
                            std::to_string(launch.options.maxWarpInstructions) +
                            " warp instructions, the kernel does not end");
    advance(warp, i, pc, mask, active);
    if (launch.kernel.usesWgmma && active && !i.isWgmma)
      checkRegisters(warp, i, active);
    if (i.aligned && active && active != warp.live)
      return block.fail(warp, std::countr_zero(warp.live & ~active),
                        "does not execute what all lanes of the warp must");
    if (i.wholeWarp && active && active != ~0u)
      return block.fail(warp, std::countr_one(active),
                        "has ended; the instruction needs a whole warp");
    if (i.flow == Instruction::Exit) {
      warp.live &= ~active;
      if (!warp.live)
        block.releaseBarriers();
    } else if (i.execute && active) {
      i.execute(warp, active);
    }
  }
}

void moec::ptx::run(Block &block) {
  const Schedule &schedule = block.launch.options.schedule;
  std::vector<unsigned> order(block.warps.size());
  std::iota(order.begin(), order.end(), 0);
  if (schedule.reverse)
    std::reverse(order.begin(), order.end());
  while (block.error.empty()) {
    if (schedule.seed)
      std::shuffle(order.begin(), order.end(), block.launch.random);
    bool live = false, ran = false;
    for (unsigned w : order) {
      Warp &warp = block.warps[w];
      if (warp.live && warp.barrier < 0) {
        runWarp(warp);
        ran = true;
      }
      live |= warp.live != 0;
    }
    ran |= block.releaseBarriers();
    if (!live && !block.bulkCopies.empty() && block.error.empty())
      block.fail(block.warps[0], 0, "ends before its bulk copies have landed");
    if (!live)
      return;
    if (ran)
      continue;
    for (Warp &warp : block.warps)
      if (warp.barrier >= 0) {
        const Barrier &barrier = block.barriers[warp.barrier];
        return block.fail(warp, std::countr_zero(warp.live),
                          "waits at barrier " + std::to_string(warp.barrier) +
                              ", that nobody else will reach: " +
                              std::to_string(barrier.arrived) + " of " +
                              std::to_string(barrier.expected) +
                              " threads have");
      }
  }
}
