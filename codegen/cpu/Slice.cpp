// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Slice.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

Value moec::cpu::recompute(Value value, OpBuilder &builder, IRMapping &mapping,
                           llvm::function_ref<Value(Value)> leaf,
                           Value &culprit) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  if (Value found = leaf(value)) {
    mapping.map(value, found);
    return found;
  }
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() || !isMemoryEffectFree(op)) {
    culprit = value;
    return {};
  }
  for (Value operand : op->getOperands())
    if (!recompute(operand, builder, mapping, leaf, culprit))
      return {};
  builder.clone(*op, mapping);
  return mapping.lookup(value);
}

int64_t moec::cpu::elementBytes(Type type) {
  if (isa<IndexType>(type))
    return 8;
  return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

Value moec::cpu::bufferBytes(OpBuilder &builder, Location loc, MemRefType type,
                             ValueRange sizes) {
  int64_t fixed = elementBytes(type.getElementType());
  for (int64_t dim : type.getShape())
    if (!ShapedType::isDynamic(dim))
      fixed *= dim;
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  if (sizes.empty())
    return constant(llvm::alignTo(fixed, kBufferAlignment));
  Value bytes = constant(fixed);
  for (Value size : sizes)
    bytes = arith::MulIOp::create(builder, loc, bytes, size);
  Value padded = arith::AddIOp::create(builder, loc, bytes,
                                       constant(kBufferAlignment - 1));
  return arith::AndIOp::create(builder, loc, padded,
                               constant(-kBufferAlignment));
}
