// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.select: the policy emits one row, here stands the loop over rows.

#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "dialects/moe/Policy.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// Rows of one task.
static constexpr int64_t kTaskRows = 16;

/// Row `row` of a memref of rank 2, as a memref of rank 1.
static Value rowOf(ImplicitLocOpBuilder &b, Value memref, Value row) {
  auto type = cast<MemRefType>(memref.getType());
  OpFoldResult one = b.getIndexAttr(1), zero = b.getIndexAttr(0);
  SmallVector<OpFoldResult> offsets{row, zero}, strides{one, one},
      sizes{one, b.getIndexAttr(type.getDimSize(1))};
  MemRefType result = memref::SubViewOp::inferRankReducedResultType(
      {type.getDimSize(1)}, type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, result, memref, offsets, sizes, strides);
}

/// The value of a parameter for `row`: a scalar, one for all rows, or one a
/// row.
static Value paramOf(ImplicitLocOpBuilder &b, Value param, Value row) {
  auto type = dyn_cast<MemRefType>(param.getType());
  if (!type)
    return param;
  SmallVector<Value> at(type.getRank(), index(b, 0));
  if (!at.empty() && type.getDimSize(0) != 1)
    at[0] = row;
  return memref::LoadOp::create(b, param, at);
}

void moec::cpu::lowerSelect(ImplicitLocOpBuilder &b, SelectOp op) {
  auto policy = cast<moec::moe::SelectionPolicyInterface>(op.getPolicy());
  Value total = sizeOf(b, op.getScores()[0], 0);
  SmallVector<int64_t> widths;
  for (Value score : op.getScores())
    widths.push_back(cast<MemRefType>(score.getType()).getDimSize(1));
  int64_t scratchSize = policy.getScratchSize(widths);
  forEachTask(b, ceilDiv(b, total, kTaskRows), isNested(op), [&](Value task) {
    Value scratch;
    if (scratchSize > 0)
      scratch = memref::AllocOp::create(
          b, MemRefType::get({scratchSize}, b.getI32Type()), ValueRange{},
          b.getI64IntegerAttr(kScratchAlignment));
    Value first = times(b, task, kTaskRows);
    Value last = arith::MinUIOp::create(b, plus(b, first, kTaskRows), total);
    forEach(b, first, last, 1, [&](Value row) {
      SmallVector<Value> scores, params;
      for (Value score : op.getScores())
        scores.push_back(rowOf(b, score, row));
      for (Value param : op.getParams())
        params.push_back(paramOf(b, param, row));
      moec::moe::RowOperands operands;
      operands.scores = scores;
      operands.params = params;
      if (op.getMask())
        operands.mask = rowOf(b, op.getMask(), row);
      operands.ids = rowOf(b, op.getInits()[0], row);
      if (op.getInits().size() > 1)
        operands.selectedScores = rowOf(b, op.getInits()[1], row);
      operands.scratch = scratch;
      policy.buildRow(b, b.getLoc(), operands);
    });
  });
}
