// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Sorting.h"

using namespace mlir;

namespace moec::cpu {

void ifInRange(ImplicitLocOpBuilder &b, Value id, Value limit,
               llvm::function_ref<void(Value)> body) {
  Value wide = arith::IndexCastOp::create(b, b.getIndexType(), id);
  Value inRange =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, wide, limit);
  emitIf(b, inRange, [&] { body(wide); }, nullptr);
}

void storeIndex(ImplicitLocOpBuilder &b, Value number, Value table,
                Value position) {
  Value entry = arith::IndexCastOp::create(b, b.getI32Type(), number);
  memref::StoreOp::create(b, entry, table, position);
}

Value plusFlag(ImplicitLocOpBuilder &b, Value number, Value flag) {
  Value one = arith::IndexCastUIOp::create(b, b.getIndexType(), flag);
  return arith::AddIOp::create(b, number, one);
}

void scanCounts(ImplicitLocOpBuilder &b, Value offsets) {
  forEach(b, index(b, 1), sizeOf(b, offsets, 0), 1, [&](Value e) {
    Value before = loadIndex(b, offsets, plus(b, e, -1));
    Value sum = arith::AddIOp::create(b, before, loadIndex(b, offsets, e));
    storeIndex(b, sum, offsets, e);
  });
}

/// Histogram, scan, stable placement. The offsets themselves serve as cursors;
/// placing moves each to the start of the next group, so they are shifted back
/// at the end.
void emitCountingSort(ImplicitLocOpBuilder &b, Value offsets,
                      llvm::function_ref<void(VisitFn visit)> forEachEntry,
                      llvm::function_ref<void(ValueRange, Value)> place) {
  Value zero = index(b, 0);
  Value groups = numGroups(b, offsets);
  forEach(b, zero, sizeOf(b, offsets, 0), 1,
          [&](Value e) { storeIndex(b, zero, offsets, e); });
  forEachEntry([&](ValueRange, Value group) {
    Value at = plus(b, group, 1);
    storeIndex(b, plus(b, loadIndex(b, offsets, at), 1), offsets, at);
  });
  scanCounts(b, offsets);
  forEachEntry([&](ValueRange entry, Value group) {
    Value row = loadIndex(b, offsets, group);
    place(entry, row);
    storeIndex(b, plus(b, row, 1), offsets, group);
  });
  forEach(b, zero, groups, 1, [&](Value i) {
    Value e = arith::SubIOp::create(b, groups, i);
    storeIndex(b, loadIndex(b, offsets, plus(b, e, -1)), offsets, e);
  });
  storeIndex(b, zero, offsets, zero);
}

/// Emits `while (values[0] < end) values = body(values)` over indices.
static void
whileBelow(ImplicitLocOpBuilder &b, Value end, ValueRange init,
           llvm::function_ref<SmallVector<Value>(ValueRange)> body) {
  SmallVector<Type> types(init.size(), b.getIndexType());
  SmallVector<Location> locations(init.size(), b.getLoc());
  auto loop = scf::WhileOp::create(b, types, init);
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore(), {}, types, locations);
  Value isBelow = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                        before->getArgument(0), end);
  scf::ConditionOp::create(b, isBelow, before->getArguments());
  Block *after = b.createBlock(&loop.getAfter(), {}, types, locations);
  scf::YieldOp::create(b, body(after->getArguments()));
}

void emitMergeSort(ImplicitLocOpBuilder &b, Value list, Value spare,
                   Value begin, Value end,
                   llvm::function_ref<Value(Value, Value)> precedes) {
  auto load = [&](Value table, Value at) -> Value {
    return memref::LoadOp::create(b, table, at);
  };
  auto minimum = [&](Value x, Value y) -> Value {
    return arith::MinUIOp::create(b, x, y);
  };
  // The left run moves to the spare memory, so that the merged one can grow in
  // the list; what is left of the right run is in its place already.
  auto merge = [&](Value low, Value middle, Value high) {
    forEach(b, low, middle, 1, [&](Value i) {
      memref::StoreOp::create(b, load(list, i), spare, i);
    });
    Value last = plus(b, high, -1);
    whileBelow(b, middle, ValueRange{low, middle, low}, [&](ValueRange at) {
      Value left = load(spare, at[0]);
      Value right = load(list, minimum(at[1], last));
      Value isThere =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ult, at[1], high);
      Value takesRight =
          arith::AndIOp::create(b, isThere, precedes(right, left));
      Value taken = arith::SelectOp::create(b, takesRight, right, left);
      memref::StoreOp::create(b, taken, list, at[2]);
      Value takesLeft = arith::XOrIOp::create(
          b, takesRight, arith::ConstantOp::create(b, b.getBoolAttr(true)));
      return SmallVector<Value>{plusFlag(b, at[0], takesLeft),
                                plusFlag(b, at[1], takesRight),
                                plus(b, at[2], 1)};
    });
  };
  Value length = arith::SubIOp::create(b, end, begin);
  whileBelow(b, length, index(b, 1), [&](ValueRange width) {
    Value twice = times(b, width[0], 2);
    whileBelow(b, end, begin, [&](ValueRange low) {
      Value middle = arith::AddIOp::create(b, low[0], width[0]);
      Value next = arith::AddIOp::create(b, low[0], twice);
      Value isPair =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ult, middle, end);
      emitIf(
          b, isPair,
          [&] {
            Value isMixed =
                precedes(load(list, middle), load(list, plus(b, middle, -1)));
            emitIf(
                b, isMixed, [&] { merge(low[0], middle, minimum(next, end)); },
                nullptr);
          },
          nullptr);
      return SmallVector<Value>{next};
    });
    return SmallVector<Value>{twice};
  });
}

} // namespace moec::cpu
