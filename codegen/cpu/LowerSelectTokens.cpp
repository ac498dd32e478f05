// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.select_tokens: a task an expert lists its candidates and sorts them
// where that decides something. Rows of tokens are never touched.

#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cpu/Sorting.h"

using namespace mlir;
using namespace moec::cpu;
using namespace moec::grouped;

namespace {
/// Emits the choice of one expert. Lists are tokens as i32.
class TokenChooser {
public:
  TokenChooser(ImplicitLocOpBuilder &b, SelectTokensOp op, Value expert);
  void build();

private:
  /// Lists the candidates in ascending order; the result is their number.
  Value listCandidates();
  /// Keeps the best of each segment; the result is the number left.
  Value limitSegments(Value count);
  /// Marks and writes out the first `count` of the list.
  void emit(Value count);

  Value allocate(Type element) {
    return memref::AllocOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, element), tokens,
        b.getI64IntegerAttr(kScratchAlignment));
  }
  Value toIndex(Value entry) {
    return arith::IndexCastOp::create(b, b.getIndexType(), entry);
  }
  Value keyOf(Value token) { return memref::LoadOp::create(b, keys, token); }
  Value segmentOf(Value token) {
    return memref::LoadOp::create(b, op.getSegments(), token);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, predicate, x, y);
  }
  Value both(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
  Value either(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
  /// Higher score first, then lower token.
  Value isBetter(Value x, Value y);
  void storeChosen(Value token, bool value) {
    memref::StoreOp::create(b,
                            arith::ConstantOp::create(b, b.getBoolAttr(value)),
                            chosen, ValueRange{token, expert});
  }
  /// Emits a loop that counts from `start`; `body` says whether to.
  Value countWhere(Value begin, Value end, Value start,
                   llvm::function_ref<Value(Value, Value)> body);

  ImplicitLocOpBuilder &b;
  SelectTokensOp op;
  Value expert, ids, chosen, tokens, width, zero;
  Value capacity, keys, list, spare;
};
} // namespace

TokenChooser::TokenChooser(ImplicitLocOpBuilder &b, SelectTokensOp op,
                           Value expert)
    : b(b), op(op), expert(expert), ids(op.getInits()[0]),
      chosen(op.getInits()[1]), tokens(sizeOf(b, op.getScores(), 0)),
      width(sizeOf(b, ids, 1)), zero(index(b, 0)) {
  Value taken = op.getCapacity();
  if (isa<MemRefType>(taken.getType()))
    taken = memref::LoadOp::create(b, taken, expert);
  Value none = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
  capacity = toIndex(arith::MaxSIOp::create(b, taken, none));
  keys = allocate(cast<MemRefType>(op.getScores().getType()).getElementType());
  list = allocate(b.getI32Type());
  spare = allocate(b.getI32Type());
}

Value TokenChooser::countWhere(Value begin, Value end, Value start,
                               llvm::function_ref<Value(Value, Value)> body) {
  auto loop = scf::ForOp::create(b, begin, end, index(b, 1), ValueRange{start});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value count = loop.getRegionIterArgs()[0];
  Value counts = body(loop.getInductionVar(), count);
  scf::YieldOp::create(b, plusFlag(b, count, counts));
  return loop.getResult(0);
}

Value TokenChooser::listCandidates() {
  return countWhere(zero, tokens, zero, [&](Value token, Value count) {
    Value score =
        memref::LoadOp::create(b, op.getScores(), ValueRange{token, expert});
    memref::StoreOp::create(b, score, keys, token);
    storeChosen(token, false);
    Value isCandidate =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, score, score);
    if (op.getMask())
      isCandidate =
          both(isCandidate, memref::LoadOp::create(b, op.getMask(),
                                                   ValueRange{token, expert}));
    // The entry behind the last is overwritten or not part of the list.
    storeIndex(b, token, list, count);
    return isCandidate;
  });
}

Value TokenChooser::isBetter(Value x, Value y) {
  Value first = keyOf(toIndex(x)), second = keyOf(toIndex(y));
  Value isHigher =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, first, second);
  Value isEqual =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, first, second);
  return either(isHigher,
                both(isEqual, compare(arith::CmpIPredicate::ult, x, y)));
}

Value TokenChooser::limitSegments(Value count) {
  emitMergeSort(b, list, spare, zero, count, [&](Value x, Value y) {
    Value segment = segmentOf(toIndex(x)), other = segmentOf(toIndex(y));
    Value isLower = compare(arith::CmpIPredicate::slt, segment, other);
    Value isSame = compare(arith::CmpIPredicate::eq, segment, other);
    return either(isLower, both(isSame, isBetter(x, y)));
  });
  // Carried: the number kept, and where the segment at hand begins in `spare`,
  // which keeps the sorted list while the kept ones are moved to the front.
  forEach(b, zero, count, 1, [&](Value i) {
    Value token = memref::LoadOp::create(b, list, i);
    memref::StoreOp::create(b, token, spare, i);
  });
  auto loop =
      scf::ForOp::create(b, zero, count, index(b, 1), ValueRange{zero, zero});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value place = loop.getInductionVar();
  Value kept = loop.getRegionIterArgs()[0], start = loop.getRegionIterArgs()[1];
  Value token = loadIndex(b, spare, place);
  Value isNext = compare(arith::CmpIPredicate::ne, segmentOf(token),
                         segmentOf(loadIndex(b, spare, start)));
  Value first = arith::SelectOp::create(b, isNext, place, start);
  Value hasPlace = compare(arith::CmpIPredicate::ult,
                           arith::SubIOp::create(b, place, first), capacity);
  storeIndex(b, token, list, kept);
  scf::YieldOp::create(b, ValueRange{plusFlag(b, kept, hasPlace), first});
  return loop.getResult(0);
}

void TokenChooser::emit(Value count) {
  forEach(b, zero, count, 1,
          [&](Value place) { storeChosen(loadIndex(b, list, place), true); });
  auto storeId = [&](Value token, Value place) {
    Value id = arith::IndexCastOp::create(b, b.getI32Type(), token);
    memref::StoreOp::create(b, id, ids, ValueRange{expert, place});
  };
  if (op.getByScore())
    forEach(b, zero, count, 1,
            [&](Value place) { storeId(loadIndex(b, list, place), place); });
  else
    countWhere(zero, tokens, zero, [&](Value token, Value place) -> Value {
      Value isChosen =
          memref::LoadOp::create(b, chosen, ValueRange{token, expert});
      emitIf(b, isChosen, [&] { storeId(token, place); }, nullptr);
      return isChosen;
    });
  Value none = arith::ConstantOp::create(b, b.getI32IntegerAttr(-1));
  forEach(b, count, width, 1, [&](Value place) {
    memref::StoreOp::create(b, none, ids, ValueRange{expert, place});
  });
}

void TokenChooser::build() {
  Value count = listCandidates(), limit = width;
  if (op.getSegments())
    count = limitSegments(count);
  else
    limit = arith::MinUIOp::create(b, limit, capacity);
  auto sort = [&] {
    emitMergeSort(b, list, spare, zero, count,
                  [&](Value x, Value y) { return isBetter(x, y); });
  };
  if (op.getByScore())
    sort();
  else
    emitIf(b, compare(arith::CmpIPredicate::ugt, count, limit), sort, nullptr);
  emit(arith::MinUIOp::create(b, count, limit));
}

void moec::cpu::lowerSelectTokens(ImplicitLocOpBuilder &b, SelectTokensOp op) {
  Value experts = sizeOf(b, op.getScores(), 1);
  forEachTask(b, experts, isNested(op),
              [&](Value expert) { TokenChooser(b, op, expert).build(); });
}
