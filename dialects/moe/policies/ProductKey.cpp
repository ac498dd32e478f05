// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"
#include "dialects/moe/policies/Ranking.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace moec::moe;

/// Ids are i32: the largest side whose square is one.
static constexpr int64_t kMaxSide = 46340;

/// Scores of one row that can be part of a selected pair.
static int64_t getKept(ProductKeyAttr policy) {
  return std::min(policy.getK(), policy.getSide());
}

unsigned ProductKeyAttr::getNumScores() const { return 2; }

int64_t ProductKeyAttr::getMaxSlots(ArrayRef<int64_t>) const { return getK(); }

int64_t ProductKeyAttr::getNumExperts(ArrayRef<int64_t>) const {
  return getSide() * getSide();
}

bool ProductKeyAttr::yieldsScores() const { return true; }

bool ProductKeyAttr::takesMask() const { return false; }

int64_t ProductKeyAttr::getScratchSize(ArrayRef<int64_t>) const {
  return 3 * getKept(*this);
}

LogicalResult
ProductKeyAttr::verifyPolicy(function_ref<InFlightDiagnostic()> emitError,
                             ArrayRef<int64_t> widths) const {
  if (getSide() < 1 || getSide() > kMaxSide)
    return emitError() << "product_key expects side from 1 to " << kMaxSide
                       << ", got " << getSide();
  for (int64_t width : widths)
    if (width != getSide())
      return emitError() << "product_key expects scores of width " << getSide()
                         << " on both sides, got "
                         << (ShapedType::isDynamic(width)
                                 ? "a dynamic one"
                                 : std::to_string(width));
  if (getK() < 1 || getK() > getSide() * getSide())
    return emitError() << "product_key expects k from 1 to "
                       << getSide() * getSide() << ", the number of pairs, got "
                       << getK();
  return success();
}

void ProductKeyAttr::selectRow(ReferenceRow &row) const {
  SmallVector<int64_t> sides[2];
  for (auto [side, scores] : llvm::zip_equal(sides, row.scores)) {
    side = rank(scores, {}, getKept(*this));
    llvm::sort(side);
  }
  SmallVector<double> sums;
  SmallVector<int32_t> pairs;
  for (int64_t first : sides[0])
    for (int64_t second : sides[1]) {
      sums.push_back(row.round(row.scores[0][first] + row.scores[1][second]));
      pairs.push_back(first * getSide() + second);
    }
  llvm::fill(row.ids, -1);
  llvm::fill(row.selectedScores, 0.0);
  for (auto [slot, best] : llvm::enumerate(rank(sums, {}, getK()))) {
    row.ids[slot] = pairs[best];
    row.selectedScores[slot] = sums[best];
  }
}

namespace {
/// Emits the parts of one row. Scratch has three lists of `kept` ids: the best
/// of each row in ascending order, so that candidates are in the order of their
/// ids, and those of the row at work in rank order.
struct PairBuilder {
  const RowOperands &row;
  FloatType type;
  int64_t kept, side;

  Value index(OpBuilder &b, Location loc, int64_t value) const {
    return arith::ConstantIndexOp::create(b, loc, value);
  }

  Value number(OpBuilder &b, Location loc, int64_t value) const {
    return arith::ConstantIntOp::create(b, loc, value, 32);
  }

  /// Entry `position` of list `list`.
  Value at(OpBuilder &b, Location loc, int64_t list, Value position) const {
    return arith::AddIOp::create(b, loc, index(b, loc, list * kept), position);
  }

  void forEach(OpBuilder &b, Location loc,
               function_ref<void(OpBuilder &, Location, Value)> body) const {
    scf::ForOp::create(b, loc, index(b, loc, 0), index(b, loc, kept),
                       index(b, loc, 1), ValueRange(),
                       [&](OpBuilder &b, Location loc, Value i, ValueRange) {
                         body(b, loc, i);
                         scf::YieldOp::create(b, loc);
                       });
  }

  /// The best ids of row `list`, ascending, then -1.
  void rankSide(OpBuilder &b, Location loc, int64_t list) const {
    Value scores = row.scores[list];
    buildRanking(
        b, loc, index(b, loc, side), kept, type,
        [&](OpBuilder &b, Location loc, Value key) -> Candidate {
          return {castFloat(b, loc, loadScore(b, loc, scores, key), type),
                  Value()};
        },
        /*init=*/{},
        [&](OpBuilder &b, Location loc, const Winner &winner,
            ValueRange) -> SmallVector<Value> {
          storeId(b, loc, row.scratch,
                  {at(b, loc, 2, winner.rank), winner.id, winner.found, {}});
          memref::StoreOp::create(b, loc, number(b, loc, -1), row.scratch,
                                  at(b, loc, list, winner.rank));
          return {};
        });
    forEach(b, loc, [&](OpBuilder &b, Location loc, Value i) {
      Value id = memref::LoadOp::create(b, loc, row.scratch, at(b, loc, 2, i));
      // Its place is the number of smaller ids; -1 is the largest unsigned one.
      Value place =
          scf::ForOp::create(
              b, loc, index(b, loc, 0), index(b, loc, kept), index(b, loc, 1),
              index(b, loc, 0),
              [&](OpBuilder &b, Location loc, Value j, ValueRange carried) {
                Value other = memref::LoadOp::create(b, loc, row.scratch,
                                                     at(b, loc, 2, j));
                Value isSmaller = arith::CmpIOp::create(
                    b, loc, arith::CmpIPredicate::ult, other, id);
                Value more =
                    arith::AddIOp::create(b, loc, carried[0], index(b, loc, 1));
                Value next = arith::SelectOp::create(b, loc, isSmaller, more,
                                                     carried[0]);
                scf::YieldOp::create(b, loc, next);
              })
              .getResult(0);
      memref::StoreOp::create(b, loc, id, row.scratch, at(b, loc, list, place));
    });
  }

  /// The id of row `list` in a pair, and whether there is one.
  std::pair<Value, Value> loadKey(OpBuilder &b, Location loc, int64_t list,
                                  Value position) const {
    Value id =
        memref::LoadOp::create(b, loc, row.scratch, at(b, loc, list, position));
    Value zero = number(b, loc, 0);
    Value isThere =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, id, zero);
    Value safe = arith::SelectOp::create(b, loc, isThere, id, zero);
    return {arith::IndexCastOp::create(b, loc, b.getIndexType(), safe),
            isThere};
  }

  /// The keys of candidate `pair`, and whether both are there.
  std::pair<std::array<Value, 2>, Value> loadPair(OpBuilder &b, Location loc,
                                                  Value pair) const {
    Value width = index(b, loc, kept);
    auto [first, isFirst] =
        loadKey(b, loc, 0, arith::DivUIOp::create(b, loc, pair, width));
    auto [second, isSecond] =
        loadKey(b, loc, 1, arith::RemUIOp::create(b, loc, pair, width));
    return {{first, second}, arith::AndIOp::create(b, loc, isFirst, isSecond)};
  }

  Candidate candidate(OpBuilder &b, Location loc, Value pair) const {
    auto [keys, isThere] = loadPair(b, loc, pair);
    SmallVector<Value, 2> scores;
    for (auto [memref, key] : llvm::zip_equal(row.scores, keys))
      scores.push_back(castFloat(b, loc, loadScore(b, loc, memref, key), type));
    return {arith::AddFOp::create(b, loc, scores[0], scores[1]), isThere};
  }

  void take(OpBuilder &b, Location loc, const Winner &winner) const {
    auto [keys, isThere] = loadPair(b, loc, winner.id);
    Value expert = arith::AddIOp::create(
        b, loc, arith::MulIOp::create(b, loc, keys[0], index(b, loc, side)),
        keys[1]);
    storeId(b, loc, row.ids, {winner.rank, expert, winner.found, {}});
    Value none = arith::ConstantOp::create(b, loc, b.getFloatAttr(type, 0.0));
    Value sum =
        arith::SelectOp::create(b, loc, winner.found, winner.score, none);
    auto stored = cast<FloatType>(
        cast<MemRefType>(row.selectedScores.getType()).getElementType());
    memref::StoreOp::create(b, loc, castFloat(b, loc, sum, stored),
                            row.selectedScores, winner.rank);
  }
};
} // namespace

void ProductKeyAttr::buildRow(OpBuilder &builder, Location loc,
                              const RowOperands &row) const {
  FloatType type = getRankingType(row.scores[0]);
  if (FloatType other = getRankingType(row.scores[1]);
      other.getWidth() > type.getWidth())
    type = other;
  PairBuilder pairs{row, type, getKept(*this), getSide()};
  for (int64_t list : {0, 1})
    pairs.rankSide(builder, loc, list);
  buildRanking(
      builder, loc, pairs.index(builder, loc, pairs.kept * pairs.kept), getK(),
      type,
      [&](OpBuilder &b, Location loc, Value pair) {
        return pairs.candidate(b, loc, pair);
      },
      /*init=*/{},
      [&](OpBuilder &b, Location loc, const Winner &winner,
          ValueRange) -> SmallVector<Value> {
        pairs.take(b, loc, winner);
        return {};
      },
      /*proceed=*/nullptr, row.ids);
}
