// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/policies/Ranking.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace moec::moe {

/// Ranks from which one pass with insertions beats a search a rank.
static constexpr int64_t kMinInsertedRanks = 4;

SmallVector<int64_t> rank(ArrayRef<double> scores, ArrayRef<bool> eligible,
                          int64_t ranks) {
  SmallVector<int64_t> order;
  for (int64_t i = 0, e = scores.size(); i < e; ++i)
    if (!std::isnan(scores[i]) && (eligible.empty() || eligible[i]))
      order.push_back(i);
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  });
  if (static_cast<int64_t>(order.size()) > ranks)
    order.resize(ranks);
  return order;
}

static Value constantIndex(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

static Value constantFloat(OpBuilder &b, Location loc, FloatType type,
                           double value) {
  return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
}

static Value andAll(OpBuilder &b, Location loc, Value first, Value second) {
  return second ? arith::AndIOp::create(b, loc, first, second) : first;
}

/// One search a rank: without memory, the previous winner bounds the next
/// search.
static SmallVector<Value> buildSearches(OpBuilder &builder, Location loc,
                                        Value count, int64_t ranks,
                                        FloatType type, CandidateFn candidate,
                                        ValueRange init, WinnerFn take,
                                        ProceedFn proceed) {
  using arith::CmpFPredicate;
  using arith::CmpIPredicate;
  constexpr double kInf = std::numeric_limits<double>::infinity();
  Value zero = constantIndex(builder, loc, 0);
  Value one = constantIndex(builder, loc, 1);
  Value top = constantFloat(builder, loc, type, kInf);
  Value bottom = constantFloat(builder, loc, type, -kInf);
  Value no = arith::ConstantIntOp::create(builder, loc, 0, 1);

  // Carried: the score of the previous winner and the lowest id that may follow
  // at this score. (+inf, 0) lets everything follow, (-inf, count) nothing.
  SmallVector<Value> carried = {top, zero};
  llvm::append_range(carried, init);
  auto overRanks = scf::ForOp::create(
      builder, loc, zero, constantIndex(builder, loc, ranks), one, carried,
      [&](OpBuilder &b, Location loc, Value rank, ValueRange args) {
        Value lastScore = args[0], firstId = args[1], end = count;
        if (proceed)
          end = arith::SelectOp::create(
              b, loc, proceed(b, loc, rank, args.drop_front(2)), count, zero);
        auto search = scf::ForOp::create(
            b, loc, zero, end, one, ValueRange{bottom, zero, no},
            [&](OpBuilder &b, Location loc, Value i, ValueRange best) {
              Candidate c = candidate(b, loc, i);
              // NaN is neither less nor equal, so it never follows.
              Value less = arith::CmpFOp::create(b, loc, CmpFPredicate::OLT,
                                                 c.score, lastScore);
              Value equal = arith::CmpFOp::create(b, loc, CmpFPredicate::OEQ,
                                                  c.score, lastScore);
              Value later =
                  arith::CmpIOp::create(b, loc, CmpIPredicate::uge, i, firstId);
              Value follows = arith::OrIOp::create(
                  b, loc, less, arith::AndIOp::create(b, loc, equal, later));
              follows = andAll(b, loc, follows, c.eligible);
              // -inf may win too, so the first that follows needs no higher
              // score.
              Value higher = arith::CmpFOp::create(b, loc, CmpFPredicate::OGT,
                                                   c.score, best[0]);
              Value none = arith::XOrIOp::create(
                  b, loc, best[2], arith::ConstantIntOp::create(b, loc, 1, 1));
              Value wins = arith::AndIOp::create(
                  b, loc, follows, arith::OrIOp::create(b, loc, higher, none));
              Value score =
                  arith::SelectOp::create(b, loc, wins, c.score, best[0]);
              Value id = arith::SelectOp::create(b, loc, wins, i, best[1]);
              Value found = arith::OrIOp::create(b, loc, best[2], wins);
              scf::YieldOp::create(b, loc, ValueRange{score, id, found});
            });
        Winner winner{rank, search.getResult(1), search.getResult(2),
                      search.getResult(0)};
        SmallVector<Value> next = {
            winner.score,
            arith::SelectOp::create(
                b, loc, winner.found,
                arith::AddIOp::create(b, loc, winner.id, one), count)};
        llvm::append_range(next, take(b, loc, winner, args.drop_front(2)));
        scf::YieldOp::create(b, loc, next);
      });
  return llvm::to_vector_of<Value>(overRanks.getResults().drop_front(2));
}

/// Puts `id` into `list`, whose first `length` entries are in order, and
/// returns the new length. The last entry of a full list is lost.
static Value insertId(OpBuilder &builder, Location loc, Value list,
                      Value length, int64_t ranks, CandidateFn candidate,
                      Value id, Value score) {
  Value zero = constantIndex(builder, loc, 0);
  Value one = constantIndex(builder, loc, 1);
  Value most = constantIndex(builder, loc, ranks);
  Value no = arith::ConstantIntOp::create(builder, loc, 0, 1);
  Value number =
      arith::IndexCastOp::create(builder, loc, builder.getI32Type(), id);
  // Carried: what is to be stored next, and whether `id` has been. Equal scores
  // stay before it: their ids are lower.
  auto shift = scf::ForOp::create(
      builder, loc, zero, length, one, ValueRange{number, no},
      [&](OpBuilder &b, Location loc, Value at, ValueRange carried) {
        Value entry = memref::LoadOp::create(b, loc, list, at);
        Value other =
            arith::IndexCastOp::create(b, loc, b.getIndexType(), entry);
        Value isLower =
            arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT,
                                  candidate(b, loc, other).score, score);
        Value isBehind = arith::OrIOp::create(b, loc, carried[1], isLower);
        Value stored =
            arith::SelectOp::create(b, loc, isBehind, carried[0], entry);
        Value next =
            arith::SelectOp::create(b, loc, isBehind, entry, carried[0]);
        memref::StoreOp::create(b, loc, stored, list, at);
        scf::YieldOp::create(b, loc, ValueRange{next, isBehind});
      });
  Value isOpen = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                       length, most);
  scf::IfOp::create(builder, loc, isOpen, [&](OpBuilder &b, Location loc) {
    memref::StoreOp::create(b, loc, shift.getResult(0), list, length);
    scf::YieldOp::create(b, loc);
  });
  Value longer = arith::AddIOp::create(builder, loc, length, one);
  return arith::SelectOp::create(builder, loc, isOpen, longer, length);
}

/// One pass over the candidates, which fills `list` with the best in order and
/// then -1.
static void buildInsertions(OpBuilder &builder, Location loc, Value count,
                            int64_t ranks, FloatType type,
                            CandidateFn candidate, Value list) {
  Value zero = constantIndex(builder, loc, 0);
  Value one = constantIndex(builder, loc, 1);
  Value most = constantIndex(builder, loc, ranks);
  Value bottom = constantFloat(builder, loc, type,
                               -std::numeric_limits<double>::infinity());
  // Carried: the length of the list, and the lowest score of a full one.
  auto pass = scf::ForOp::create(
      builder, loc, zero, count, one, ValueRange{zero, bottom},
      [&](OpBuilder &b, Location loc, Value i, ValueRange carried) {
        Candidate c = candidate(b, loc, i);
        Value isNumber = arith::CmpFOp::create(
            b, loc, arith::CmpFPredicate::ORD, c.score, c.score);
        Value isOpen = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                             carried[0], most);
        Value isHigher = arith::CmpFOp::create(
            b, loc, arith::CmpFPredicate::OGT, c.score, carried[1]);
        Value enters = arith::AndIOp::create(
            b, loc, isNumber, arith::OrIOp::create(b, loc, isOpen, isHigher));
        enters = andAll(b, loc, enters, c.eligible);
        auto updated = scf::IfOp::create(
            b, loc, enters,
            [&](OpBuilder &b, Location loc) {
              Value length = insertId(b, loc, list, carried[0], ranks,
                                      candidate, i, c.score);
              Value last = arith::SubIOp::create(b, loc, length, one);
              Value entry = memref::LoadOp::create(b, loc, list, last);
              Value id =
                  arith::IndexCastOp::create(b, loc, b.getIndexType(), entry);
              scf::YieldOp::create(
                  b, loc, ValueRange{length, candidate(b, loc, id).score});
            },
            [&](OpBuilder &b, Location loc) {
              scf::YieldOp::create(b, loc, carried);
            });
        scf::YieldOp::create(b, loc, updated.getResults());
      });
  Value none = arith::ConstantIntOp::create(builder, loc, -1, 32);
  scf::ForOp::create(builder, loc, pass.getResult(0), most, one, ValueRange(),
                     [&](OpBuilder &b, Location loc, Value at, ValueRange) {
                       memref::StoreOp::create(b, loc, none, list, at);
                       scf::YieldOp::create(b, loc);
                     });
}

SmallVector<Value> buildRanking(OpBuilder &builder, Location loc, Value count,
                                int64_t ranks, FloatType type,
                                CandidateFn candidate, ValueRange init,
                                WinnerFn take, ProceedFn proceed, Value list) {
  if (!list || ranks < kMinInsertedRanks)
    return buildSearches(builder, loc, count, ranks, type, candidate, init,
                         take, proceed);
  buildInsertions(builder, loc, count, ranks, type, candidate, list);
  Value bottom = constantFloat(builder, loc, type,
                               -std::numeric_limits<double>::infinity());
  auto overRanks = scf::ForOp::create(
      builder, loc, constantIndex(builder, loc, 0),
      constantIndex(builder, loc, ranks), constantIndex(builder, loc, 1), init,
      [&](OpBuilder &b, Location loc, Value rank, ValueRange carried) {
        Value entry = memref::LoadOp::create(b, loc, list, rank);
        Value zero = arith::ConstantIntOp::create(b, loc, 0, 32);
        Value found = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                            entry, zero);
        if (proceed)
          found = arith::AndIOp::create(b, loc, found,
                                        proceed(b, loc, rank, carried));
        Value id = arith::IndexCastOp::create(
            b, loc, b.getIndexType(),
            arith::SelectOp::create(b, loc, found, entry, zero));
        Value score = arith::SelectOp::create(
            b, loc, found, candidate(b, loc, id).score, bottom);
        scf::YieldOp::create(b, loc,
                             take(b, loc, {rank, id, found, score}, carried));
      });
  return llvm::to_vector_of<Value>(overRanks.getResults());
}

FloatType getRankingType(Value memref) {
  Type type = cast<MemRefType>(memref.getType()).getElementType();
  if (type.isF64())
    return cast<FloatType>(type);
  return Float32Type::get(memref.getContext());
}

Value castFloat(OpBuilder &builder, Location loc, Value value, FloatType type) {
  unsigned width = value.getType().getIntOrFloatBitWidth();
  if (width < type.getWidth())
    return arith::ExtFOp::create(builder, loc, type, value);
  if (width > type.getWidth())
    return arith::TruncFOp::create(builder, loc, type, value);
  return value;
}

Value loadScore(OpBuilder &builder, Location loc, Value memref, Value index) {
  Value score = memref::LoadOp::create(builder, loc, memref, index);
  return castFloat(builder, loc, score, getRankingType(memref));
}

Value loadMask(OpBuilder &builder, Location loc, Value mask, Value index) {
  if (!mask)
    return mask;
  return memref::LoadOp::create(builder, loc, mask, index);
}

void storeId(OpBuilder &builder, Location loc, Value ids,
             const Winner &winner) {
  Type i32 = builder.getI32Type();
  Value id = arith::IndexCastOp::create(builder, loc, i32, winner.id);
  Value none = arith::ConstantIntOp::create(builder, loc, -1, 32);
  Value stored = arith::SelectOp::create(builder, loc, winner.found, id, none);
  memref::StoreOp::create(builder, loc, stored, ids, winner.rank);
}

} // namespace moec::moe
