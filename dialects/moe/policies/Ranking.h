// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dialect's order (higher score first, then lower id, NaN never) over any
// list of candidates, as numbers and as code. Policies say what the candidates
// are and what happens to each winner.

#ifndef MOEC_DIALECTS_MOE_POLICIES_RANKING_H
#define MOEC_DIALECTS_MOE_POLICIES_RANKING_H

#include "dialects/moe/Policy.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

namespace moec::moe {

/// The best `ranks` of `scores`, best first; entries that are NaN or not
/// `eligible` (empty: all are) do not take part, so the result may be shorter.
llvm::SmallVector<int64_t> rank(llvm::ArrayRef<double> scores,
                                llvm::ArrayRef<bool> eligible, int64_t ranks);

/// A candidate as code.
struct Candidate {
  mlir::Value score;    ///< float of the ranking's type
  mlir::Value eligible; ///< i1, or null where it always takes part
};

/// The winner of one rank as code.
struct Winner {
  mlir::Value rank;  ///< index
  mlir::Value id;    ///< index of the candidate; 0 where none is left
  mlir::Value found; ///< i1, false where no candidate is left
  mlir::Value score; ///< float, -inf where none is left
};

using CandidateFn = llvm::function_ref<Candidate(
    mlir::OpBuilder &, mlir::Location, mlir::Value index)>;
using WinnerFn = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::OpBuilder &, mlir::Location, const Winner &,
    mlir::ValueRange carried)>;

using ProceedFn =
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                   mlir::Value rank, mlir::ValueRange carried)>;

/// Emits a ranking of the candidates 0 .. `count` (an index). `take` is called
/// once, in a loop over ranks, and returns the carried values' successors; the
/// last ones are the result. Where `proceed`, if given, is false, the rank has
/// no winner. `list`, if given, is memory of `ranks` i32 for one pass over the
/// candidates; `take` may overwrite entry `rank`. Without it, and for few
/// ranks, each rank is a search over the candidates, left out where `proceed`
/// is false.
llvm::SmallVector<mlir::Value>
buildRanking(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value count,
             int64_t ranks, mlir::FloatType type, CandidateFn candidate,
             mlir::ValueRange init, WinnerFn take, ProceedFn proceed = nullptr,
             mlir::Value list = nullptr);

/// The float type that a row of `memref` is ranked in: f64 stays, others become
/// f32.
mlir::FloatType getRankingType(mlir::Value memref);

/// A float as another float type.
mlir::Value castFloat(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value, mlir::FloatType type);

/// Loads `memref[index]` as the ranking type.
mlir::Value loadScore(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value memref, mlir::Value index);

/// Loads `mask[index]`; null stays null.
mlir::Value loadMask(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value mask, mlir::Value index);

/// Stores the winner's id, or -1, as `ids[rank]`.
void storeId(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value ids,
             const Winner &winner);

} // namespace moec::moe

#endif // MOEC_DIALECTS_MOE_POLICIES_RANKING_H
