// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.sort: the assignments are few (tokens x slots) against the work that
// they cause, so one thread orders them in two passes.

#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

/// Emits `body(id as index)` if the id is in [0, limit). A negative id is a
/// large unsigned number.
static void ifInRange(ImplicitLocOpBuilder &b, Value id, Value limit,
                      llvm::function_ref<void(Value)> body) {
  Value wide = arith::IndexCastOp::create(b, b.getIndexType(), id);
  Value inRange =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, wide, limit);
  emitIf(b, inRange, [&] { body(wide); }, nullptr);
}

static void store(ImplicitLocOpBuilder &b, Value number, Value table,
                  Value position) {
  Value entry = arith::IndexCastOp::create(b, b.getI32Type(), number);
  memref::StoreOp::create(b, entry, table, position);
}

/// Ids are experts: histogram, scan, stable placement. The offsets themselves
/// serve as cursors; placing moves each to the start of the next group, so they
/// are shifted back at the end.
static void sortTokens(ImplicitLocOpBuilder &b, SortOp op) {
  Value ids = op.getIds(), offsets = op.getInits()[0],
        tokens = op.getInits()[1], slots = op.getInits()[2];
  Value zero = index(b, 0), one = index(b, 1);
  Value groups = numGroups(b, offsets);
  Value end = plus(b, groups, 1);
  auto forEachId = [&](llvm::function_ref<void(Value, Value, Value)> body) {
    forEach(b, zero, sizeOf(b, ids, 0), 1, [&](Value token) {
      forEach(b, zero, sizeOf(b, ids, 1), 1, [&](Value slot) {
        Value id = memref::LoadOp::create(b, ids, ValueRange{token, slot});
        ifInRange(b, id, groups,
                  [&](Value group) { body(token, slot, group); });
      });
    });
  };
  forEach(b, zero, end, 1, [&](Value e) { store(b, zero, offsets, e); });
  forEachId([&](Value, Value, Value group) {
    Value at = plus(b, group, 1);
    store(b, plus(b, loadIndex(b, offsets, at), 1), offsets, at);
  });
  forEach(b, one, end, 1, [&](Value e) {
    Value before = loadIndex(b, offsets, plus(b, e, -1));
    Value sum = arith::AddIOp::create(b, before, loadIndex(b, offsets, e));
    store(b, sum, offsets, e);
  });
  forEachId([&](Value token, Value slot, Value group) {
    Value row = loadIndex(b, offsets, group);
    store(b, token, tokens, row);
    store(b, slot, slots, row);
    store(b, plus(b, row, 1), offsets, group);
  });
  forEach(b, zero, groups, 1, [&](Value i) {
    Value e = arith::SubIOp::create(b, groups, i);
    store(b, loadIndex(b, offsets, plus(b, e, -1)), offsets, e);
  });
  store(b, zero, offsets, zero);
}

/// Ids are the tokens of each expert: they are ordered within their group by
/// insertion, which is linear where they are ordered already.
static void sortByExpert(ImplicitLocOpBuilder &b, SortOp op) {
  Value ids = op.getIds(), offsets = op.getInits()[0],
        tokens = op.getInits()[1], slots = op.getInits()[2];
  Value zero = index(b, 0);
  store(b, zero, offsets, zero);
  forEach(b, zero, sizeOf(b, ids, 0), 1, [&](Value group) {
    Value after = plus(b, group, 1);
    store(b, loadIndex(b, offsets, group), offsets, after);
    forEach(b, zero, sizeOf(b, ids, 1), 1, [&](Value place) {
      Value id = memref::LoadOp::create(b, ids, ValueRange{group, place});
      ifInRange(b, id, op.getTokenCount(), [&](Value token) {
        Value begin = loadIndex(b, offsets, group);
        Value end = loadIndex(b, offsets, after);
        auto search = scf::WhileOp::create(b, TypeRange{b.getIndexType()},
                                           ValueRange{end});
        {
          OpBuilder::InsertionGuard guard(b);
          Block *before = b.createBlock(&search.getBefore(), {},
                                        {b.getIndexType()}, {b.getLoc()});
          Value row = before->getArgument(0);
          Value isFirst =
              arith::CmpIOp::create(b, arith::CmpIPredicate::ule, row, begin);
          // The first row of the group has none before it to compare with.
          Value previous = arith::SelectOp::create(
              b, isFirst, row,
              arith::SubIOp::create(b, row, index(b, 1)).getResult());
          auto choice = scf::IfOp::create(
              b, isFirst,
              [&](OpBuilder &inner, Location loc) {
                Value no = arith::ConstantOp::create(inner, loc,
                                                     inner.getBoolAttr(false));
                scf::YieldOp::create(inner, loc, no);
              },
              [&](OpBuilder &inner, Location loc) {
                ImplicitLocOpBuilder nested(loc, inner);
                Value larger = arith::CmpIOp::create(
                    nested, arith::CmpIPredicate::ugt,
                    loadIndex(nested, tokens, previous), token);
                scf::YieldOp::create(nested, larger);
              });
          scf::ConditionOp::create(b, choice.getResult(0), ValueRange{row});
          Block *body = b.createBlock(&search.getAfter(), {},
                                      {b.getIndexType()}, {b.getLoc()});
          Value moved = plus(b, body->getArgument(0), -1);
          store(b, loadIndex(b, tokens, moved), tokens, body->getArgument(0));
          scf::YieldOp::create(b, moved);
        }
        store(b, token, tokens, search.getResult(0));
        store(b, group, slots, end);
        store(b, plus(b, end, 1), offsets, after);
      });
    });
  });
}

void moec::cpu::lowerSort(ImplicitLocOpBuilder &b, SortOp op) {
  if (op.getTokenCount())
    sortByExpert(b, op);
  else
    sortTokens(b, op);
}
