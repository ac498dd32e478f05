// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"
#include "dialects/moe/policies/Ranking.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace moec::moe;

int64_t RanksAttr::getMaxSlots(ArrayRef<int64_t>) const {
  return getRanks().size();
}

bool RanksAttr::dependsOnOrderOnly() const { return true; }

LogicalResult
RanksAttr::verifyPolicy(function_ref<InFlightDiagnostic()> emitError,
                        ArrayRef<int64_t> widths) const {
  if (getRanks().empty()) // not from text: its parser refuses that
    return emitError() << "ranks expects at least one rank";
  int64_t last = -1;
  for (int64_t rank : getRanks()) {
    if (rank <= last)
      return emitError() << "ranks expects ascending ranks from 0 on, got ["
                         << getRanks() << "]";
    last = rank;
  }
  if (!ShapedType::isDynamic(widths[0]) && last >= widths[0])
    return emitError() << "ranks expects ranks below " << widths[0]
                       << ", the number of experts, got " << last;
  return success();
}

void RanksAttr::selectRow(ReferenceRow &row) const {
  SmallVector<int64_t> order =
      rank(row.scores[0], row.mask, getRanks().back() + 1);
  llvm::fill(row.ids, -1);
  for (auto [slot, rank] : llvm::enumerate(getRanks()))
    if (rank < static_cast<int64_t>(order.size()))
      row.ids[slot] = order[rank];
}

void RanksAttr::buildRow(OpBuilder &builder, Location loc,
                         const RowOperands &row) const {
  Value scores = row.scores[0];
  Value experts = builder.createOrFold<memref::DimOp>(loc, scores, 0);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  // Carried: the next slot.
  buildRanking(
      builder, loc, experts, getRanks().back() + 1, getRankingType(scores),
      [&](OpBuilder &b, Location loc, Value expert) -> Candidate {
        return {loadScore(b, loc, scores, expert),
                loadMask(b, loc, row.mask, expert)};
      },
      zero,
      [&](OpBuilder &b, Location loc, const Winner &winner,
          ValueRange carried) -> SmallVector<Value> {
        Value isWanted = arith::ConstantIntOp::create(b, loc, 0, 1);
        for (int64_t rank : getRanks()) {
          Value wanted = arith::ConstantIndexOp::create(b, loc, rank);
          Value isThis = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                               winner.rank, wanted);
          isWanted = arith::OrIOp::create(b, loc, isWanted, isThis);
        }
        scf::IfOp::create(b, loc, isWanted, [&](OpBuilder &b, Location loc) {
          storeId(b, loc, row.ids,
                  {carried[0], winner.id, winner.found, winner.score});
          scf::YieldOp::create(b, loc);
        });
        Value one = arith::ConstantIndexOp::create(b, loc, 1);
        Value next = arith::AddIOp::create(b, loc, carried[0], one);
        return {arith::SelectOp::create(b, loc, isWanted, next, carried[0])};
      });
}
