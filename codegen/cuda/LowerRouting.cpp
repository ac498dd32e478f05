// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.select and grouped.sort. A thread selects for one row, by the code
// that the policy emits. The sort of ids that are experts is a count for each
// expert, a scan and a placement for each expert, so that rows of an expert are
// in order without atomics.

#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/Sorting.h"
#include "codegen/cuda/LowerGrouped.h"
#include "dialects/moe/Policy.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::cuda;
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

void moec::cuda::lowerSelect(ImplicitLocOpBuilder &b, SelectOp op) {
  auto policy = cast<moec::moe::SelectionPolicyInterface>(op.getPolicy());
  SmallVector<int64_t> widths;
  for (Value score : op.getScores())
    widths.push_back(cast<MemRefType>(score.getType()).getDimSize(1));
  int64_t scratchSize = policy.getScratchSize(widths);
  forEachThread(b, "select", {sizeOf(b, op.getScores()[0], 0)},
                [&](ValueRange at) {
                  Value row = at[0];
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
                  if (scratchSize > 0)
                    operands.scratch = memref::AllocaOp::create(
                        b, MemRefType::get({scratchSize}, b.getI32Type()));
                  policy.buildRow(b, b.getLoc(), operands);
                });
}

/// Emits `visit(token, slot, state)` for each id that is `expert`, in order;
/// `state` is how many there were before, from `start` on. Returns the last.
static Value forEachIdOf(ImplicitLocOpBuilder &b, Value ids, Value expert,
                         Value start,
                         llvm::function_ref<void(Value, Value, Value)> visit) {
  Value zero = index(b, 0), one = index(b, 1);
  auto rows =
      scf::ForOp::create(b, zero, sizeOf(b, ids, 0), one, ValueRange{start});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(rows.getBody());
  auto columns = scf::ForOp::create(b, zero, sizeOf(b, ids, 1), one,
                                    ValueRange{rows.getRegionIterArgs()[0]});
  scf::YieldOp::create(b, columns.getResults());
  b.setInsertionPointToStart(columns.getBody());
  Value token = rows.getInductionVar(), slot = columns.getInductionVar(),
        state = columns.getRegionIterArgs()[0];
  Value id = arith::IndexCastOp::create(
      b, b.getIndexType(),
      memref::LoadOp::create(b, ids, ValueRange{token, slot}));
  Value isOurs = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, id, expert);
  if (visit)
    emitIf(b, isOurs, [&] { visit(token, slot, state); }, nullptr);
  scf::YieldOp::create(b, plusFlag(b, state, isOurs));
  return rows.getResult(0);
}

void moec::cuda::lowerSort(ImplicitLocOpBuilder &b, SortOp op) {
  if (op.getTokenCount())
    return moec::cpu::lowerSort(b, op);
  Value ids = op.getIds(), offsets = op.getInits()[0],
        tokens = op.getInits()[1], slots = op.getInits()[2];
  Value zero = index(b, 0), groups = numGroups(b, offsets);
  forEachThread(b, "count_rows", {groups}, [&](ValueRange at) {
    Value count = forEachIdOf(b, ids, at[0], zero, nullptr);
    storeIndex(b, count, offsets, plus(b, at[0], 1));
  });
  forEachThread(b, "scan_rows", {index(b, 1)}, [&](ValueRange) {
    storeIndex(b, zero, offsets, zero);
    scanCounts(b, offsets);
  });
  forEachThread(b, "place_rows", {groups}, [&](ValueRange at) {
    forEachIdOf(b, ids, at[0], loadIndex(b, offsets, at[0]),
                [&](Value token, Value slot, Value row) {
                  storeIndex(b, token, tokens, row);
                  storeIndex(b, slot, slots, row);
                });
  });
}
