// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cp.async and its groups.

#include "test/ptx/Machine.h"

#include <cstring>

using namespace moec::ptx;

/// Ends the copies of a lane that `isDone` names: they are then as if the warp
/// had written them.
template <typename F> static void retire(Warp &warp, F isDone) {
  Block &block = *warp.block;
  std::erase_if(warp.copies, [&](const Copy &copy) {
    if (!isDone(copy))
      return false;
    if (block.launch.options.schedule.lazyCopies)
      block.land(copy);
    block.retire(warp, copy);
    return true;
  });
}

static Execute wait(bool all, unsigned pending) {
  return [=](Warp &warp, uint32_t mask) {
    retire(warp, [&](const Copy &copy) {
      return mask >> copy.lane & 1 &&
             (all || copy.group + pending < warp.groups[copy.lane]);
    });
  };
}

Execute moec::ptx::decodeCopy(const Statement &s) {
  std::string op = spelled(s);
  size_t count = s.operands.size();
  if (op == "cp.async.commit_group" && count == 0)
    return [](Warp &warp, uint32_t mask) {
      for (unsigned l = 0; l < 32; ++l)
        warp.groups[l] += mask >> l & 1;
    };
  if (op == "cp.async.wait_group" && count == 1 &&
      s.operands[0].kind == Operand::Immediate)
    return wait(false, s.operands[0].value);
  if (op == "cp.async.wait_all" && count == 0)
    return wait(true, 0);
  bool hint = op.find(".L2::cache_hint") != op.npos;
  bool cached = op.starts_with("cp.async.ca.shared.global") ||
                op.starts_with("cp.async.ca.shared::cta.global");
  bool bypass = op.starts_with("cp.async.cg.shared.global") ||
                op.starts_with("cp.async.cg.shared::cta.global");
  for (size_t i = 5; i < s.opcode.size(); ++i)
    if (!s.opcode[i].starts_with("L2::"))
      return {};
  if ((!cached && !bypass) || count < 3u + hint || count > 4u + hint ||
      s.operands[0].kind != Operand::Address ||
      s.operands[1].kind != Operand::Address ||
      s.operands[2].kind != Operand::Immediate)
    return {};
  unsigned bytes = s.operands[2].value;
  bool hasSize = count > 3u + hint;
  if (bytes != 16 && (bypass || (bytes != 4 && bytes != 8)))
    return {};
  return [=, o = s.operands](Warp &warp, uint32_t mask) {
    Block &block = *warp.block;
    uint64_t to[32], from[32];
    uint32_t full = 0;
    for (unsigned l = 0; l < 32; ++l) {
      if (!(mask >> l & 1))
        continue;
      to[l] = operandValue(warp, o[0], l);
      from[l] = operandValue(warp, o[1], l);
      uint64_t size = hasSize ? uint32_t(operandValue(warp, o[3], l)) : bytes;
      if (to[l] % bytes || from[l] % bytes || size > bytes)
        return block.fail(warp, l, "cp.async is misaligned or too long");
      if (!block.touchShared(warp, l, to[l], bytes, Access::Write))
        return;
      Copy copy{l, warp.groups[l], uint32_t(to[l]), {}, {}, bytes};
      copy.written.fill(1);
      if (size) {
        const Allocation *a = block.launch.device.find(from[l], size);
        if (!a)
          return block.fail(warp, l,
                            "cp.async reads out of bounds: " +
                                block.launch.device.describe(from[l], size));
        memcpy(copy.value.data(), &a->bytes[from[l] - a->base], size);
        memcpy(copy.written.data(), &a->written[from[l] - a->base], size);
        full |= uint32_t(size == bytes) << l;
        if (size < bytes)
          countAccess(block.launch, Space::Global, 1u << l, from, size, false);
      }
      for (unsigned i = 0; i < bytes; ++i)
        block.shared[to[l] + i].inFlight = true;
      if (!block.launch.options.schedule.lazyCopies)
        block.land(copy);
      warp.copies.push_back(copy);
    }
    countAccess(block.launch, Space::Global, full, from, bytes, false);
    countAccess(block.launch, Space::Shared, mask, to, bytes, true);
  };
}
