// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strided slices of tensors, checked against their bounds.

#ifndef MOEC_REFERENCE_SLICES_H
#define MOEC_REFERENCE_SLICES_H

#include "reference/Interpreter.h"

namespace moec::reference {

struct Slice {
  llvm::SmallVector<int64_t> offsets, sizes, strides;
};

/// The slice of an operation with offsets, sizes and strides.
template <typename OpTy> Slice getSlice(Interpreter &interpreter, OpTy op) {
  return {interpreter.getSizes(op.getMixedOffsets()),
          interpreter.getSizes(op.getMixedSizes()),
          interpreter.getSizes(op.getMixedStrides())};
}

/// Reads a slice; the result has the slice's sizes. `op` names the place in
/// errors.
llvm::LogicalResult extractSlice(mlir::Operation *op, const Tensor &source,
                                 const Slice &slice, Tensor &result);

/// Writes `source`, which has the slice's element count, into `target`.
llvm::LogicalResult insertSlice(mlir::Operation *op, const Tensor &source,
                                const Slice &slice, Tensor &target);

} // namespace moec::reference

#endif // MOEC_REFERENCE_SLICES_H
