// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/transformer/Transformer.h"

using namespace mlir;
using namespace moec::transformer;

#include "dialects/transformer/TransformerDialect.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/transformer/TransformerOps.cpp.inc"

void TransformerDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/transformer/TransformerOps.cpp.inc"
      >();
}

/// On memrefs every operand is read, and the init is written as well. On
/// tensors an operation has no effect.
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

void AttentionOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffects(*this, effects);
}

void KvAppendOp::getEffects(
    SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  addEffects(*this, effects);
}
