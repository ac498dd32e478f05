// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"
#include "dialects/moe/policies/Ranking.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace moec::moe;

int64_t TopKAttr::getMaxSlots(ArrayRef<int64_t>) const { return getK(); }

bool TopKAttr::dependsOnOrderOnly() const { return true; }

LogicalResult
TopKAttr::verifyPolicy(function_ref<InFlightDiagnostic()> emitError,
                       ArrayRef<int64_t> widths) const {
  if (getK() < 1)
    return emitError() << "top_k expects k >= 1, got " << getK();
  if (!ShapedType::isDynamic(widths[0]) && getK() > widths[0])
    return emitError() << "top_k expects k <= " << widths[0]
                       << ", the number of experts, got " << getK();
  return success();
}

void TopKAttr::selectRow(ReferenceRow &row) const {
  llvm::fill(row.ids, -1);
  llvm::copy(rank(row.scores[0], row.mask, getK()), row.ids.begin());
}

void TopKAttr::buildRow(OpBuilder &builder, Location loc,
                        const RowOperands &row) const {
  Value scores = row.scores[0];
  Value experts = builder.createOrFold<memref::DimOp>(loc, scores, 0);
  buildRanking(
      builder, loc, experts, getK(), getRankingType(scores),
      [&](OpBuilder &b, Location loc, Value expert) -> Candidate {
        return {loadScore(b, loc, scores, expert),
                loadMask(b, loc, row.mask, expert)};
      },
      /*init=*/{},
      [&](OpBuilder &b, Location loc, const Winner &winner,
          ValueRange) -> SmallVector<Value> {
        storeId(b, loc, row.ids, winner);
        return {};
      });
}
