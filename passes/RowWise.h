// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_PASSES_ROWWISE_H
#define MOEC_PASSES_ROWWISE_H

#include "mlir/IR/Operation.h"
#include <optional>

namespace moec {

/// How an operation computes rows (dimension 0) of its results.
struct RowWise {
  /// For each operand: whether row i of it (and no other row) goes into row i
  /// of the results. Other operands are read whole.
  llvm::SmallVector<bool> isSliced;
};

/// How the operation computes its rows independently of each other, or nothing
/// if rows depend on each other, on their number or on their position.
std::optional<RowWise> getRowWise(mlir::Operation *op);

} // namespace moec

#endif // MOEC_PASSES_ROWWISE_H
