// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"
#include "dialects/moe/policies/Dynamic.h"
#include "dialects/moe/policies/Ranking.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace moec::moe;

unsigned ThresholdAttr::getNumParams() const { return getT() ? 0 : 1; }

int64_t ThresholdAttr::getMaxSlots(ArrayRef<int64_t> widths) const {
  return getVariableSlots(getMax(), widths);
}

LogicalResult
ThresholdAttr::verifyPolicy(function_ref<InFlightDiagnostic()> emitError,
                            ArrayRef<int64_t> widths) const {
  if (getT() && getT().getValue().isNaN())
    return emitError() << "threshold expects t to be a number, got nan";
  return verifyVariableSlots(emitError, "threshold", getMax(), widths);
}

void ThresholdAttr::selectRow(ReferenceRow &row) const {
  double t = row.round(getT() ? getT().getValueAsDouble() : row.params[0]);
  llvm::fill(row.ids, -1);
  for (auto [slot, expert] :
       llvm::enumerate(rank(row.scores[0], row.mask, row.ids.size())))
    if (row.scores[0][expert] >= t)
      row.ids[slot] = expert;
}

void ThresholdAttr::buildRow(OpBuilder &builder, Location loc,
                             const RowOperands &row) const {
  Value scores = row.scores[0];
  FloatType type = getRankingType(scores);
  Value experts = builder.createOrFold<memref::DimOp>(loc, scores, 0);
  int64_t slots = cast<MemRefType>(row.ids.getType()).getDimSize(0);
  Value t;
  if (getT())
    t = arith::ConstantOp::create(
        builder, loc, builder.getFloatAttr(type, getT().getValueAsDouble()));
  else
    t = castFloat(builder, loc, row.params[0], type);
  // Carried: whether the last rank had a winner.
  buildRanking(
      builder, loc, experts, slots, type,
      [&](OpBuilder &b, Location loc, Value expert) -> Candidate {
        Value score = loadScore(b, loc, scores, expert);
        Value isEnough =
            arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, score, t);
        if (Value allowed = loadMask(b, loc, row.mask, expert))
          isEnough = arith::AndIOp::create(b, loc, isEnough, allowed);
        return {score, isEnough};
      },
      arith::ConstantIntOp::create(builder, loc, 1, 1).getResult(),
      [&](OpBuilder &b, Location loc, const Winner &winner,
          ValueRange) -> SmallVector<Value> {
        storeId(b, loc, row.ids, winner);
        return {winner.found};
      },
      [](OpBuilder &, Location, Value, ValueRange carried) -> Value {
        return carried[0];
      },
      row.ids);
}
