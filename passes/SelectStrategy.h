// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_PASSES_SELECTSTRATEGY_H
#define MOEC_PASSES_SELECTSTRATEGY_H

#include "dialects/grouped/Grouped.h"
#include "passes/Strategy.h"
#include "passes/TargetDescription.h"

namespace moec {

/// The shape of a matmul with task panels, as the cost model sees it.
MatmulShape getMatmulShape(grouped::MatmulOp matmul);

/// The most rows that the matmul can have, if that is known: its rows are
/// static, or it stands in a parallel loop over blocks of rows.
std::optional<int64_t> getKnownRows(grouped::MatmulOp matmul);

/// The matmul that makes the lhs of `second`, if the two can run in waves of
/// rows: both over panels and the same tables, the lhs used nowhere else.
grouped::MatmulOp getFirstOfWaves(grouped::MatmulOp second);

/// Whether the matmul runs inside a parallel task.
bool isNested(grouped::MatmulOp matmul);

/// Writes, for each matmul with panels of `module` (before or after
/// moe-select-strategy, while operations are on tensors), which strategy is
/// chosen, when, and what the model predicts for it and for its alternatives.
void explainStrategy(mlir::ModuleOp module, llvm::raw_ostream &stream);

} // namespace moec

#endif // MOEC_PASSES_SELECTSTRATEGY_H
