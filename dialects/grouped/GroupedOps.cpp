// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/grouped/Grouped.h"

using namespace mlir;
using namespace moec::grouped;

#define GET_OP_CLASSES
#include "dialects/grouped/GroupedOps.cpp.inc"

/// On memrefs every operand is read, and inits are written as well. On tensors
/// an operation has no effect.
static void
addEffects(DestinationStyleOpInterface op,
           SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    effects.emplace_back(MemoryEffects::Read::get(), &operand);
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
  }
}

#define MOEC_EFFECTS(OP)                                                       \
  void OP::getEffects(                                                         \
      SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {               \
    addEffects(*this, effects);                                                \
  }
MOEC_EFFECTS(SortOp)
MOEC_EFFECTS(GatherOp)
MOEC_EFFECTS(MapOp)
MOEC_EFFECTS(MatmulOp)
MOEC_EFFECTS(CombineOp)
MOEC_EFFECTS(SlotsOp)
MOEC_EFFECTS(SelectOp)
MOEC_EFFECTS(LimitOp)
MOEC_EFFECTS(SelectTokensOp)
#undef MOEC_EFFECTS
