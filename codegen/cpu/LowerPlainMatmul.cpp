// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.matmul whose weights are as the checkpoint keeps them. A task owns
// some columns and walks all rows in order, one sum at a time.

#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// Columns of one task.
static constexpr int64_t kTaskColumns = 16;

/// `scalar` as f32.
static Value toF32(ImplicitLocOpBuilder &b, Value scalar) {
  unsigned width = scalar.getType().getIntOrFloatBitWidth();
  if (width < 32)
    return arith::ExtFOp::create(b, b.getF32Type(), scalar);
  if (width > 32)
    return arith::TruncFOp::create(b, b.getF32Type(), scalar);
  return scalar;
}

/// The sums over k of lhs[source, k] * rhs_p[group, column, k].
static SmallVector<Value> emitSums(ImplicitLocOpBuilder &b, MatmulOp op,
                                   Value group, Value source, Value column) {
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0.0f));
  SmallVector<Value> zeros(op.getRhs().size(), zero);
  auto loop = scf::ForOp::create(b, index(b, 0), sizeOf(b, op.getLhs(), 1),
                                 index(b, 1), zeros);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value k = loop.getInductionVar();
  Value left = memref::LoadOp::create(b, op.getLhs(), ValueRange{source, k});
  SmallVector<Value> sums;
  for (auto [weight, sum] :
       llvm::zip_equal(op.getRhs(), loop.getRegionIterArgs())) {
    SmallVector<Value> at;
    if (cast<MemRefType>(weight.getType()).getRank() == 3)
      at.push_back(group);
    if (op.getLayout() == RhsLayout::NK)
      at.append({column, k});
    else
      at.append({k, column});
    Value right = toF32(b, memref::LoadOp::create(b, weight, at));
    sums.push_back(math::FmaOp::create(b, left, right, sum));
  }
  scf::YieldOp::create(b, sums);
  return loop.getResults();
}

void moec::cpu::lowerPlainMatmul(ImplicitLocOpBuilder &b, MatmulOp op) {
  Value init = op.getInits()[0], zero = index(b, 0);
  Epilogue epilogue(op.getEpilogue().front(), op.getExtras(), op.getMaps());
  Value columns = sizeOf(b, init, 1);
  Value count = ceilDiv(b, columns, kTaskColumns);
  forEachTask(b, count, isNested(op), [&](Value task) {
    Value first = times(b, task, kTaskColumns);
    Value last =
        arith::MinUIOp::create(b, plus(b, first, kTaskColumns), columns);
    auto emitRow = [&](const RowPosition &position) {
      epilogue.beginRow(b, position);
      Value source = op.getGather() ? position.token : position.row;
      forEach(b, first, last, 1, [&](Value column) {
        SmallVector<Value> sums =
            emitSums(b, op, position.group, source, column);
        Value value = epilogue.emit(b, column, /*width=*/0, sums);
        SmallVector<Value> to{op.getReduce() ? position.token : position.row,
                              column};
        if (op.getReduce())
          value = arith::AddFOp::create(
              b, memref::LoadOp::create(b, init, to).getResult(), value);
        memref::StoreOp::create(b, value, init, to);
      });
    };
    if (!op.isGrouped()) {
      forEach(b, zero, sizeOf(b, init, 0), 1,
              [&](Value row) { emitRow({zero, row, row, zero}); });
      return;
    }
    Value offsets = op.getOffsets();
    forEach(b, zero, numGroups(b, offsets), 1, [&](Value group) {
      Value begin = loadIndex(b, offsets, group);
      Value end = loadIndex(b, offsets, plus(b, group, 1));
      forEach(b, begin, end, 1, [&](Value row) {
        emitRow({group, row, loadIndex(b, op.getTokens(), row),
                 loadIndex(b, op.getSlots(), row)});
      });
    });
  });
}
