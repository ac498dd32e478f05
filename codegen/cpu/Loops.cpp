// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Loops.h"

using namespace mlir;

namespace moec::cpu {

Value index(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value plus(ImplicitLocOpBuilder &b, Value a, int64_t c) {
  return c == 0 ? a : b.createOrFold<arith::AddIOp>(a, index(b, c));
}

Value times(ImplicitLocOpBuilder &b, Value a, int64_t c) {
  return c == 1 ? a : b.createOrFold<arith::MulIOp>(a, index(b, c));
}

Value ceilDiv(ImplicitLocOpBuilder &b, Value a, int64_t c) {
  if (c == 1)
    return a;
  return b.createOrFold<arith::DivUIOp>(plus(b, a, c - 1), index(b, c));
}

void forEach(ImplicitLocOpBuilder &b, Value lower, Value upper, int64_t step,
             llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, lower, upper, index(b, step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void forEachTask(ImplicitLocOpBuilder &b, Value count, bool nested,
                 llvm::function_ref<void(Value)> body) {
  if (nested)
    return forEach(b, index(b, 0), count, 1, body);
  auto loop = scf::ParallelOp::create(
      b, ValueRange{index(b, 0)}, ValueRange{count}, ValueRange{index(b, 1)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVars()[0]);
}

void emitIf(ImplicitLocOpBuilder &b, Value condition,
            llvm::function_ref<void()> then,
            llvm::function_ref<void()> otherwise) {
  auto op = scf::IfOp::create(b, TypeRange(), condition,
                              /*withElseRegion=*/bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  then();
  if (!otherwise)
    return;
  b.setInsertionPointToStart(op.elseBlock());
  otherwise();
}

bool isNested(Operation *op) {
  return op->getParentOfType<scf::ParallelOp>() ||
         op->getParentOfType<scf::ForallOp>();
}

Value sizeOf(ImplicitLocOpBuilder &b, Value memref, int64_t dim) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(dim))
    return index(b, type.getDimSize(dim));
  return memref::DimOp::create(b, memref, index(b, dim));
}

Value loadIndex(ImplicitLocOpBuilder &b, Value table, Value position) {
  Value entry = memref::LoadOp::create(b, table, position);
  return arith::IndexCastOp::create(b, b.getIndexType(), entry);
}

Value numGroups(ImplicitLocOpBuilder &b, Value offsets) {
  return plus(b, sizeOf(b, offsets, 0), -1);
}

Value numRows(ImplicitLocOpBuilder &b, Value offsets) {
  return loadIndex(b, offsets, numGroups(b, offsets));
}

bool hasUnitStride(Value memref) {
  SmallVector<int64_t> strides;
  int64_t offset;
  auto type = cast<MemRefType>(memref.getType());
  return succeeded(type.getStridesAndOffset(strides, offset)) &&
         !strides.empty() && strides.back() == 1;
}

} // namespace moec::cpu
