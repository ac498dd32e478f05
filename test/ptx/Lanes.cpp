// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Lanes.h"

using namespace moec::ptx;

Execute moec::ptx::eachLane(const Statement &s, Lane lane) {
  if (!lane || s.operands.size() < 2 || s.operands.size() > 4 ||
      s.operands[0].kind != Operand::Register)
    return {};
  for (const Operand &o : s.operands)
    if (o.kind != Operand::Register && o.kind != Operand::Immediate)
      return {};
  std::vector<Operand> operands = s.operands;
  operands.resize(4);
  return [o = std::move(operands), lane](Warp &warp, uint32_t mask) {
    for (unsigned l = 0; l < 32; ++l)
      if (mask >> l & 1)
        warp.at(o[0].reg, l) =
            lane(operandValue(warp, o[1], l), operandValue(warp, o[2], l),
                 operandValue(warp, o[3], l));
  };
}
