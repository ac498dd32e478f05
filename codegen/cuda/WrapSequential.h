// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host code cannot read the memory of the device: what does becomes part of a
// kernel.

#ifndef MOEC_CODEGEN_CUDA_WRAPSEQUENTIAL_H
#define MOEC_CODEGEN_CUDA_WRAPSEQUENTIAL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace moec::cuda {

/// Puts everything in the function that reads or writes buffers outside of
/// parallel loops, with all that needs what it reads, into parallel loops of
/// one iteration.
mlir::LogicalResult wrapSequential(mlir::func::FuncOp function);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_WRAPSEQUENTIAL_H
