// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.select and grouped.sort. A thread selects for one row, by the code
// that the policy emits. The sort of ids that are experts is a count for each
// expert, a scan and a placement for each expert, so that rows of an expert are
// in order without atomics.

#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/SelectRow.h"
#include "codegen/cpu/Sorting.h"
#include "codegen/cuda/LowerGrouped.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::cuda;
using namespace moec::grouped;

void moec::cuda::lowerSelect(ImplicitLocOpBuilder &b, SelectOp op) {
  int64_t scratchSize = getSelectScratchSize(op);
  forEachThread(b, "select", {sizeOf(b, op.getScores()[0], 0)},
                [&](ValueRange at) {
                  Value scratch;
                  if (scratchSize > 0)
                    scratch = memref::AllocaOp::create(
                        b, MemRefType::get({scratchSize}, b.getI32Type()));
                  emitSelectRow(b, op, at[0], scratch);
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
