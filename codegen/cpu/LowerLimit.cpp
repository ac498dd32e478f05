// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.limit: assignments are bucketed by expert in the order in which they
// claim places, as far as that is a matter of positions; a task an expert then
// orders those buckets that overflow by the rest and drops what is behind the
// capacity.

#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/Sorting.h"
#include <limits>

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

namespace {
/// Emits one limit. An assignment is its flat index in the ids.
class LimitBuilder {
public:
  LimitBuilder(ImplicitLocOpBuilder &b, LimitOp op)
      : b(b), op(op), ids(op.getIds()), kept(op.getInits()[0]),
        slots(sizeOf(b, ids, 1)) {}
  void build();

private:
  void bucket();
  void limitExpert(Value begin, Value end);
  Value precedes(Value x, Value y);
  void drop(Value flat) {
    Value none = arith::ConstantOp::create(b, b.getI32IntegerAttr(-1));
    memref::StoreOp::create(b, none, kept, at(flat));
  }

  Value allocate(int64_t size, ValueRange dynamic) {
    return memref::AllocOp::create(b, MemRefType::get({size}, b.getI32Type()),
                                   dynamic,
                                   b.getI64IntegerAttr(kScratchAlignment));
  }
  /// Entry of a table of i32, as index.
  Value toIndex(Value entry) {
    return arith::IndexCastOp::create(b, b.getIndexType(), entry);
  }
  /// Token and slot of a flat index.
  SmallVector<Value> at(Value flat) {
    return {arith::DivUIOp::create(b, flat, slots),
            arith::RemUIOp::create(b, flat, slots)};
  }
  Value segmentOf(Value flat) {
    return memref::LoadOp::create(b, op.getSegments(), at(flat)[0]);
  }
  /// The priority of an assignment; NaN is the lowest.
  Value priorityOf(Value flat);
  /// Its number in the permutation.
  Value randomOf(Value flat);
  Value mix(Value number);
  Value constant64(uint64_t value) {
    return arith::ConstantOp::create(
        b, b.getI64IntegerAttr(static_cast<int64_t>(value)));
  }

  ImplicitLocOpBuilder &b;
  LimitOp op;
  Value ids, kept, slots;
  Value offsets, entries, spare, capacity;
};
} // namespace

void LimitBuilder::bucket() {
  Value zero = index(b, 0), tokens = sizeOf(b, ids, 0);
  Value experts = index(b, op.getNumExperts());
  Value outer = op.getBySlot() ? slots : tokens;
  Value inner = op.getBySlot() ? tokens : slots;
  emitCountingSort(
      b, offsets,
      [&](VisitFn visit) {
        forEach(b, zero, outer, 1, [&](Value i) {
          forEach(b, zero, inner, 1, [&](Value j) {
            Value token = op.getBySlot() ? j : i, slot = op.getBySlot() ? i : j;
            Value id = memref::LoadOp::create(b, ids, ValueRange{token, slot});
            Value flat = arith::AddIOp::create(
                b, arith::MulIOp::create(b, token, slots), slot);
            ifInRange(b, id, experts,
                      [&](Value group) { visit({flat}, group); });
          });
        });
      },
      [&](ValueRange flat, Value row) {
        storeIndex(b, flat[0], entries, row);
      });
  forEach(b, zero, tokens, 1, [&](Value token) {
    forEach(b, zero, slots, 1, [&](Value slot) {
      Value id = memref::LoadOp::create(b, ids, ValueRange{token, slot});
      Value wide = arith::IndexCastOp::create(b, b.getIndexType(), id);
      Value inRange =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ult, wide, experts);
      Value none = arith::ConstantOp::create(b, b.getI32IntegerAttr(-1));
      memref::StoreOp::create(b, arith::SelectOp::create(b, inRange, id, none),
                              kept, ValueRange{token, slot});
    });
  });
}

Value LimitBuilder::priorityOf(Value flat) {
  Value score = memref::LoadOp::create(b, op.getPriority(), at(flat));
  auto type = cast<FloatType>(score.getType());
  Value lowest = arith::ConstantOp::create(
      b, b.getFloatAttr(type, -std::numeric_limits<double>::infinity()));
  Value isNumber =
      arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, score, score);
  return arith::SelectOp::create(b, isNumber, score, lowest);
}

/// The finaliser of splitmix64: a fixed permutation of 64-bit numbers.
Value LimitBuilder::mix(Value number) {
  auto fold = [&](Value value, int64_t shift) -> Value {
    Value high = arith::ShRUIOp::create(b, value, constant64(shift));
    return arith::XOrIOp::create(b, value, high);
  };
  Value value =
      arith::AddIOp::create(b, number, constant64(0x9e3779b97f4a7c15));
  value =
      arith::MulIOp::create(b, fold(value, 30), constant64(0xbf58476d1ce4e5b9));
  value =
      arith::MulIOp::create(b, fold(value, 27), constant64(0x94d049bb133111eb));
  return fold(value, 31);
}

Value LimitBuilder::randomOf(Value flat) {
  Value seed = mix(constant64(*op.getRandom()));
  Value number = arith::IndexCastOp::create(b, b.getI64Type(), flat);
  return mix(arith::XOrIOp::create(b, seed, number));
}

/// What positions do not decide: segments, then the priority.
Value LimitBuilder::precedes(Value x, Value y) {
  Value first = toIndex(x), second = toIndex(y), result;
  if (op.getPriority())
    result = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                   priorityOf(first), priorityOf(second));
  else if (op.getRandom())
    result = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                   randomOf(first), randomOf(second));
  if (!op.getSegments())
    return result;
  Value segment = segmentOf(first), other = segmentOf(second);
  Value isLower =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, segment, other);
  if (!result)
    return isLower;
  Value isSame =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, segment, other);
  return arith::OrIOp::create(b, isLower,
                              arith::AndIOp::create(b, isSame, result));
}

void LimitBuilder::limitExpert(Value begin, Value end) {
  if (op.getPriority() || op.getRandom() || op.getSegments())
    emitMergeSort(b, entries, spare, begin, end,
                  [&](Value x, Value y) { return precedes(x, y); });
  if (!op.getSegments())
    return forEach(b, arith::AddIOp::create(b, begin, capacity), end, 1,
                   [&](Value row) { drop(loadIndex(b, entries, row)); });
  // Carried: where the segment at hand begins.
  auto loop = scf::ForOp::create(b, begin, end, index(b, 1), ValueRange{begin});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value row = loop.getInductionVar(), start = loop.getRegionIterArgs()[0];
  Value flat = loadIndex(b, entries, row);
  Value isNext =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ne, segmentOf(flat),
                            segmentOf(loadIndex(b, entries, start)));
  Value first = arith::SelectOp::create(b, isNext, row, start);
  Value place = arith::SubIOp::create(b, row, first);
  Value overflows =
      arith::CmpIOp::create(b, arith::CmpIPredicate::uge, place, capacity);
  emitIf(b, overflows, [&] { drop(flat); }, nullptr);
  scf::YieldOp::create(b, first);
}

void LimitBuilder::build() {
  Value count = arith::MulIOp::create(b, sizeOf(b, ids, 0), slots);
  offsets = allocate(op.getNumExperts() + 1, {});
  entries = allocate(ShapedType::kDynamic, count);
  bool sorts = op.getPriority() || op.getRandom() || op.getSegments();
  if (sorts)
    spare = allocate(ShapedType::kDynamic, count);
  Value none = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
  capacity = toIndex(arith::MaxSIOp::create(b, op.getCapacity(), none));
  bucket();
  forEachTask(b, index(b, op.getNumExperts()), isNested(op), [&](Value expert) {
    Value begin = loadIndex(b, offsets, expert);
    Value end = loadIndex(b, offsets, plus(b, expert, 1));
    Value overflows =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ugt,
                              arith::SubIOp::create(b, end, begin), capacity);
    emitIf(b, overflows, [&] { limitExpert(begin, end); }, nullptr);
  });
}

void moec::cpu::lowerLimit(ImplicitLocOpBuilder &b, LimitOp op) {
  LimitBuilder(b, op).build();
}
