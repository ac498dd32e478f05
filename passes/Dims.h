// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_PASSES_DIMS_H
#define MOEC_PASSES_DIMS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace moec {

/// Size of dimension `dim` of a ranked tensor as an `index`. Looks through
/// destination-style operations, loops, branches that agree and `tensor.empty`,
/// so that sizes end as expressions over `tensor.dim` of function arguments
/// where they can.
mlir::Value getDim(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value tensor, int64_t dim);

/// `tensor.empty` of the type, with `rows` for a dynamic dimension 0 and the
/// sizes of `like` for other dynamic dimensions.
mlir::Value createEmpty(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::RankedTensorType type, mlir::Value rows,
                        mlir::Value like);

} // namespace moec

#endif // MOEC_PASSES_DIMS_H
