// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"
#include "dialects/moe/policies/Ranking.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace moec::moe;

/// Code keeps the set of kept groups in one 64-bit integer.
static constexpr int64_t kMaxGroups = 64;

static constexpr double kInf = std::numeric_limits<double>::infinity();

int64_t GroupedTopKAttr::getMaxSlots(ArrayRef<int64_t>) const { return getK(); }

bool GroupedTopKAttr::dependsOnOrderOnly() const {
  // A sum of two scores, or a masked score of 0, is a matter of values.
  return getScore() == GroupScore::Max && getMasked() == MaskedScore::NegInf;
}

LogicalResult
GroupedTopKAttr::verifyPolicy(function_ref<InFlightDiagnostic()> emitError,
                              ArrayRef<int64_t> widths) const {
  int64_t experts = widths[0];
  if (getK() < 1)
    return emitError() << "grouped_top_k expects k >= 1, got " << getK();
  if (getGroups() < 1 || getGroups() > kMaxGroups)
    return emitError() << "grouped_top_k expects 1 to " << kMaxGroups
                       << " groups, got " << getGroups();
  if (getKept() < 1 || getKept() > getGroups())
    return emitError() << "grouped_top_k expects 1 to " << getGroups()
                       << " kept groups, got " << getKept();
  if (ShapedType::isDynamic(experts))
    return emitError() << "grouped_top_k expects a static number of experts";
  if (experts % getGroups())
    return emitError() << "grouped_top_k expects groups of equal size, got "
                       << experts << " experts in " << getGroups() << " groups";
  int64_t size = experts / getGroups();
  if (getScore() == GroupScore::Sum2 && size < 2)
    return emitError()
           << "grouped_top_k expects groups of at least 2 experts for sum2";
  int64_t selectable =
      getMasked() == MaskedScore::Zero ? experts : getKept() * size;
  if (getK() > selectable)
    return emitError() << "grouped_top_k expects k <= " << selectable
                       << ", the number of selectable experts, got " << getK();
  return success();
}

void GroupedTopKAttr::selectRow(ReferenceRow &row) const {
  ArrayRef<double> scores = row.scores[0];
  int64_t size = scores.size() / getGroups();
  SmallVector<double> groupScores;
  for (int64_t group = 0; group < getGroups(); ++group) {
    ArrayRef<double> members = scores.slice(group * size, size);
    ArrayRef<bool> mask =
        row.mask.empty() ? row.mask : row.mask.slice(group * size, size);
    SmallVector<int64_t> best = rank(members, mask, 2);
    double first = best.size() > 0 ? members[best[0]] : -kInf;
    double second = best.size() > 1 ? members[best[1]] : -kInf;
    // In f32, as the code below computes it.
    groupScores.push_back(getScore() == GroupScore::Max
                              ? first
                              : static_cast<float>(first + second));
  }
  SmallVector<bool> kept(getGroups(), false);
  for (int64_t group : rank(groupScores, /*eligible=*/{}, getKept()))
    kept[group] = true;

  SmallVector<double> values(scores);
  SmallVector<bool> eligible(scores.size(), true);
  for (size_t expert = 0; expert < values.size(); ++expert) {
    bool masked = !row.mask.empty() && !row.mask[expert];
    bool loses = !kept[expert / size];
    eligible[expert] =
        !masked && !(loses && getMasked() == MaskedScore::NegInf);
    // A NaN stays one: it is never selected.
    if (loses && !std::isnan(values[expert]))
      values[expert] = 0.0;
  }
  llvm::fill(row.ids, -1);
  llvm::copy(rank(values, eligible, getK()), row.ids.begin());
}

namespace {
/// Emits one row; the attribute's method is too narrow for its helpers.
struct RowBuilder {
  GroupedTopKAttr policy;
  const RowOperands &row;
  Value scores;
  FloatType type;
  Value size; ///< experts in a group

  Value constant(OpBuilder &b, Location loc, double value) const {
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  }

  /// The maximum, or the sum of the two highest, of a group's selectable
  /// scores.
  Value groupScore(OpBuilder &b, Location loc, Value group) const {
    using arith::CmpFPredicate;
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Value bottom = constant(b, loc, -kInf);
    Value begin = arith::MulIOp::create(b, loc, group, size);
    auto loop = scf::ForOp::create(
        b, loc, zero, size, one, ValueRange{bottom, bottom},
        [&](OpBuilder &b, Location loc, Value member, ValueRange best) {
          Value expert = arith::AddIOp::create(b, loc, begin, member);
          Value score = loadScore(b, loc, scores, expert);
          if (Value allowed = loadMask(b, loc, row.mask, expert))
            score = arith::SelectOp::create(b, loc, allowed, score, bottom);
          // Comparisons with NaN are false, so it changes neither.
          Value first =
              arith::CmpFOp::create(b, loc, CmpFPredicate::OGT, score, best[0]);
          Value second =
              arith::CmpFOp::create(b, loc, CmpFPredicate::OGT, score, best[1]);
          Value runnerUp =
              arith::SelectOp::create(b, loc, second, score, best[1]);
          scf::YieldOp::create(
              b, loc,
              ValueRange{
                  arith::SelectOp::create(b, loc, first, score, best[0]),
                  arith::SelectOp::create(b, loc, first, best[0], runnerUp)});
        });
    if (policy.getScore() == GroupScore::Max)
      return loop.getResult(0);
    Value sum =
        arith::AddFOp::create(b, loc, loop.getResult(0), loop.getResult(1));
    if (type.isF32())
      return sum;
    Value rounded = arith::TruncFOp::create(b, loc, b.getF32Type(), sum);
    return arith::ExtFOp::create(b, loc, type, rounded);
  }

  /// The bit of a group in the set of kept groups.
  Value groupBit(OpBuilder &b, Location loc, Value group) const {
    Value shift = arith::IndexCastOp::create(b, loc, b.getI64Type(), group);
    Value one = arith::ConstantIntOp::create(b, loc, 1, 64);
    return arith::ShLIOp::create(b, loc, one, shift);
  }

  /// The set of kept groups as an i64.
  Value keptGroups(OpBuilder &b, Location loc) const {
    Value groups = arith::ConstantIndexOp::create(b, loc, policy.getGroups());
    Value none = arith::ConstantIntOp::create(b, loc, 0, 64);
    return buildRanking(
        b, loc, groups, policy.getKept(), type,
        [&](OpBuilder &b, Location loc, Value group) -> Candidate {
          return {groupScore(b, loc, group), Value()};
        },
        none,
        [&](OpBuilder &b, Location loc, const Winner &winner,
            ValueRange carried) -> SmallVector<Value> {
          Value with = arith::OrIOp::create(b, loc, carried[0],
                                            groupBit(b, loc, winner.id));
          return {
              arith::SelectOp::create(b, loc, winner.found, with, carried[0])};
        })[0];
  }

  Candidate candidate(OpBuilder &b, Location loc, Value expert,
                      Value kept) const {
    Value group = arith::DivUIOp::create(b, loc, expert, size);
    Value bit = arith::AndIOp::create(b, loc, kept, groupBit(b, loc, group));
    Value stays =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, bit,
                              arith::ConstantIntOp::create(b, loc, 0, 64));
    Value score = loadScore(b, loc, scores, expert);
    Value allowed = loadMask(b, loc, row.mask, expert);
    if (policy.getMasked() == MaskedScore::Zero) {
      // A NaN stays one: it is never selected.
      Value isNan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO,
                                          score, score);
      Value asIs = arith::OrIOp::create(b, loc, stays, isNan);
      return {
          arith::SelectOp::create(b, loc, asIs, score, constant(b, loc, 0.0)),
          allowed};
    }
    return {score,
            allowed ? arith::AndIOp::create(b, loc, stays, allowed).getResult()
                    : stays};
  }
};
} // namespace

void GroupedTopKAttr::buildRow(OpBuilder &builder, Location loc,
                               const RowOperands &row) const {
  Value scores = row.scores[0];
  int64_t experts = cast<MemRefType>(scores.getType()).getDimSize(0);
  Value size =
      arith::ConstantIndexOp::create(builder, loc, experts / getGroups());
  RowBuilder rows{*this, row, scores, getRankingType(scores), size};
  Value kept = rows.keptGroups(builder, loc);
  buildRanking(
      builder, loc, arith::ConstantIndexOp::create(builder, loc, experts),
      getK(), rows.type,
      [&](OpBuilder &b, Location loc, Value expert) {
        return rows.candidate(b, loc, expert, kept);
      },
      /*init=*/{},
      [&](OpBuilder &b, Location loc, const Winner &winner,
          ValueRange) -> SmallVector<Value> {
        storeId(b, loc, row.ids, winner);
        return {};
      },
      /*proceed=*/nullptr, row.ids);
}
