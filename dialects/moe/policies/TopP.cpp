// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"
#include "dialects/moe/policies/Dynamic.h"
#include "dialects/moe/policies/Ranking.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace moec::moe;

unsigned TopPAttr::getNumParams() const { return getP() ? 0 : 1; }

int64_t TopPAttr::getMaxSlots(ArrayRef<int64_t> widths) const {
  return getVariableSlots(getMax(), widths);
}

LogicalResult
TopPAttr::verifyPolicy(function_ref<InFlightDiagnostic()> emitError,
                       ArrayRef<int64_t> widths) const {
  if (getP() && !(getP().getValueAsDouble() >= 0.0))
    return emitError() << "top_p expects p >= 0, got "
                       << getP().getValueAsDouble();
  if (failed(verifyVariableSlots(emitError, "top_p", getMax(), widths)))
    return failure();
  int64_t slots = getMaxSlots(widths);
  if (getMin() < 0 || getMin() > slots)
    return emitError() << "top_p expects min from 0 to " << slots << ", got "
                       << getMin();
  return success();
}

void TopPAttr::selectRow(ReferenceRow &row) const {
  double p = row.round(getP() ? getP().getValueAsDouble() : row.params[0]);
  SmallVector<int64_t> order =
      rank(row.scores[0], row.mask, row.scores[0].size());
  llvm::fill(row.ids, -1);
  double sum = 0.0;
  bool isWithin = sum <= p;
  for (auto [slot, expert] : llvm::enumerate(order)) {
    if (slot == row.ids.size())
      return;
    sum = row.round(sum + row.scores[0][expert]);
    bool isNextWithin = isWithin && sum <= p;
    bool stays = getCrossing() == Crossing::Inclusive ? isWithin : isNextWithin;
    if (!stays && static_cast<int64_t>(slot) >= getMin())
      return;
    row.ids[slot] = expert;
    isWithin = isNextWithin;
  }
}

void TopPAttr::buildRow(OpBuilder &builder, Location loc,
                        const RowOperands &row) const {
  using arith::CmpFPredicate;
  Value scores = row.scores[0];
  FloatType type = getRankingType(scores);
  Value experts = builder.createOrFold<memref::DimOp>(loc, scores, 0);
  int64_t slots = cast<MemRefType>(row.ids.getType()).getDimSize(0);
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     builder.getFloatAttr(type, value));
  };
  Value p = getP() ? number(getP().getValueAsDouble())
                   : castFloat(builder, loc, row.params[0], type);
  Value min = arith::ConstantIndexOp::create(builder, loc, getMin());
  Value none = number(0.0);
  Value isWithin =
      arith::CmpFOp::create(builder, loc, CmpFPredicate::OLE, none, p);
  auto isForced = [&](OpBuilder &b, Location loc, Value rank) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, rank, min);
  };
  // Carried: the sum so far, and whether no sum has crossed p.
  buildRanking(
      builder, loc, experts, slots, type,
      [&](OpBuilder &b, Location loc, Value expert) -> Candidate {
        return {loadScore(b, loc, scores, expert),
                loadMask(b, loc, row.mask, expert)};
      },
      ValueRange{none, isWithin},
      [&](OpBuilder &b, Location loc, const Winner &winner,
          ValueRange carried) -> SmallVector<Value> {
        Value sum = arith::AddFOp::create(b, loc, carried[0], winner.score);
        Value fits = arith::CmpFOp::create(b, loc, CmpFPredicate::OLE, sum, p);
        Value next = arith::AndIOp::create(b, loc, carried[1], fits);
        Value stays = arith::OrIOp::create(
            b, loc, getCrossing() == Crossing::Inclusive ? carried[1] : next,
            isForced(b, loc, winner.rank));
        Winner kept = winner;
        kept.found = arith::AndIOp::create(b, loc, winner.found, stays);
        storeId(b, loc, row.ids, kept);
        return {sum, next};
      },
      [&](OpBuilder &b, Location loc, Value rank, ValueRange carried) -> Value {
        return arith::OrIOp::create(b, loc, carried[1], isForced(b, loc, rank));
      },
      row.ids);
}
