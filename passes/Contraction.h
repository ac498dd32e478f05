// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_PASSES_CONTRACTION_H
#define MOEC_PASSES_CONTRACTION_H

#include "dialects/grouped/Grouped.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace moec {

/// A linalg operation read as `init[i, j] += lhs[i, k] * rhs[j, k]`.
struct Contraction {
  mlir::OpOperand *lhs; ///< [rows, depth]
  mlir::OpOperand *rhs; ///< the weight, in `layout`
  mlir::OpOperand *init;
  grouped::RhsLayout layout;
};

/// Reads the operation as a contraction of rows with a weight of rank 2:
/// floats, products summed in at most 32 bits, widening casts only. `isRows`
/// tells which operand may be the rows.
std::optional<Contraction>
matchContraction(mlir::linalg::LinalgOp op,
                 llvm::function_ref<bool(mlir::Value)> isRows);

} // namespace moec

#endif // MOEC_PASSES_CONTRACTION_H
