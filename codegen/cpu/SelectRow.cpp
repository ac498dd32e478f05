// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/SelectRow.h"
#include "codegen/cpu/Loops.h"
#include "dialects/moe/Policy.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

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

static moec::moe::SelectionPolicyInterface policyOf(SelectOp op) {
  return cast<moec::moe::SelectionPolicyInterface>(op.getPolicy());
}

int64_t moec::cpu::getSelectScratchSize(SelectOp op) {
  SmallVector<int64_t> widths;
  for (Value score : op.getScores())
    widths.push_back(cast<MemRefType>(score.getType()).getDimSize(1));
  return policyOf(op).getScratchSize(widths);
}

void moec::cpu::emitSelectRow(ImplicitLocOpBuilder &b, SelectOp op, Value row,
                              Value scratch) {
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
  policyOf(op).buildRow(b, b.getLoc(), operands);
}
