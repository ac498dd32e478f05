// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"
#include "dialects/moe/policies/Dynamic.h"
#include "dialects/moe/policies/Ranking.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace moec::moe;

static bool isOperand(TopKAttr policy) {
  return ShapedType::isDynamic(policy.getK());
}

unsigned TopKAttr::getNumParams() const { return isOperand(*this) ? 1 : 0; }

bool TopKAttr::isCountParam(unsigned) const { return true; }

int64_t TopKAttr::getMaxSlots(ArrayRef<int64_t> widths) const {
  return isOperand(*this) ? getVariableSlots(getMax(), widths) : getK();
}

bool TopKAttr::dependsOnOrderOnly() const { return true; }

LogicalResult
TopKAttr::verifyPolicy(function_ref<InFlightDiagnostic()> emitError,
                       ArrayRef<int64_t> widths) const {
  if (isOperand(*this))
    return verifyVariableSlots(emitError, "top_k", getMax(), widths);
  if (getMax())
    return emitError() << "top_k expects max only where k is ?, got k = "
                       << getK();
  if (getK() < 1)
    return emitError() << "top_k expects k >= 1, got " << getK();
  if (!ShapedType::isDynamic(widths[0]) && getK() > widths[0])
    return emitError() << "top_k expects k <= " << widths[0]
                       << ", the number of experts, got " << getK();
  return success();
}

void TopKAttr::selectRow(ReferenceRow &row) const {
  int64_t slots = row.ids.size();
  int64_t k =
      isOperand(*this) ? std::clamp<int64_t>(row.params[0], 0, slots) : getK();
  llvm::fill(row.ids, -1);
  llvm::copy(rank(row.scores[0], row.mask, k), row.ids.begin());
}

void TopKAttr::buildRow(OpBuilder &builder, Location loc,
                        const RowOperands &row) const {
  Value scores = row.scores[0];
  Value experts = builder.createOrFold<memref::DimOp>(loc, scores, 0);
  int64_t slots = cast<MemRefType>(row.ids.getType()).getDimSize(0);
  auto candidate = [&](OpBuilder &b, Location loc, Value expert) -> Candidate {
    return {loadScore(b, loc, scores, expert),
            loadMask(b, loc, row.mask, expert)};
  };
  auto take = [&](OpBuilder &b, Location loc, const Winner &winner,
                  ValueRange) -> SmallVector<Value> {
    storeId(b, loc, row.ids, winner);
    return {};
  };
  auto isBelowK = [&](OpBuilder &b, Location loc, Value rank,
                      ValueRange) -> Value {
    Value number = arith::IndexCastOp::create(b, loc, b.getI32Type(), rank);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, number,
                                 row.params[0]);
  };
  buildRanking(builder, loc, experts, slots, getRankingType(scores), candidate,
               /*init=*/{}, take,
               isOperand(*this) ? ProceedFn(isBelowK) : ProceedFn(), row.ids);
}
