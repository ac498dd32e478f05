// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.sort. Ids that are experts are few (tokens x slots) against the work
// that they cause: one thread orders them in two passes. Ids that are tokens
// are as many as experts may take: a task an expert.

#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/Sorting.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

static void sortTokens(ImplicitLocOpBuilder &b, SortOp op) {
  Value ids = op.getIds(), offsets = op.getInits()[0],
        tokens = op.getInits()[1], slots = op.getInits()[2];
  Value zero = index(b, 0), groups = numGroups(b, offsets);
  emitCountingSort(
      b, offsets,
      [&](VisitFn visit) {
        forEach(b, zero, sizeOf(b, ids, 0), 1, [&](Value token) {
          forEach(b, zero, sizeOf(b, ids, 1), 1, [&](Value slot) {
            Value id = memref::LoadOp::create(b, ids, ValueRange{token, slot});
            ifInRange(b, id, groups,
                      [&](Value group) { visit({token, slot}, group); });
          });
        });
      },
      [&](ValueRange entry, Value row) {
        storeIndex(b, entry[0], tokens, row);
        storeIndex(b, entry[1], slots, row);
      });
}

static void sortByExpert(ImplicitLocOpBuilder &b, SortOp op) {
  Value ids = op.getIds(), offsets = op.getInits()[0],
        tokens = op.getInits()[1], slots = op.getInits()[2];
  Value zero = index(b, 0), experts = sizeOf(b, ids, 0),
        width = sizeOf(b, ids, 1);
  auto forEachExpert = [&](llvm::function_ref<void(Value)> body) {
    forEachTask(b, experts, isNested(op), body);
  };
  // Calls `take(id, rows)` for each id of the expert, where `rows` counts those
  // in range from `start` on.
  auto forEachId = [&](Value expert, Value start,
                       llvm::function_ref<void(Value, Value, Value)> take) {
    auto loop =
        scf::ForOp::create(b, zero, width, index(b, 1), ValueRange{start});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value id = memref::LoadOp::create(
        b, ids, ValueRange{expert, loop.getInductionVar()});
    Value wide = arith::IndexCastOp::create(b, b.getIndexType(), id);
    Value inRange = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, wide,
                                          op.getTokenCount());
    Value rows = loop.getRegionIterArgs()[0];
    take(wide, inRange, rows);
    scf::YieldOp::create(b, plusFlag(b, rows, inRange));
    return loop.getResult(0);
  };
  storeIndex(b, zero, offsets, zero);
  forEachExpert([&](Value expert) {
    Value count = forEachId(expert, zero, [](Value, Value, Value) {});
    storeIndex(b, count, offsets, plus(b, expert, 1));
  });
  scanCounts(b, offsets);
  forEachExpert([&](Value expert) {
    Value begin = loadIndex(b, offsets, expert);
    Value end =
        forEachId(expert, begin, [&](Value id, Value inRange, Value row) {
          emitIf(b, inRange, [&] { storeIndex(b, id, tokens, row); }, nullptr);
        });
    // Until they are set, the slots are spare memory.
    emitMergeSort(b, tokens, slots, begin, end, [&](Value x, Value y) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, x, y);
    });
    forEach(b, begin, end, 1,
            [&](Value row) { storeIndex(b, expert, slots, row); });
  });
}

void moec::cpu::lowerSort(ImplicitLocOpBuilder &b, SortOp op) {
  if (op.getTokenCount())
    sortByExpert(b, op);
  else
    sortTokens(b, op);
}
