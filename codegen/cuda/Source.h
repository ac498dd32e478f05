// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernels of a module as one file of CUDA C++.

#ifndef MOEC_CODEGEN_CUDA_SOURCE_H
#define MOEC_CODEGEN_CUDA_SOURCE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace moec::cuda {

/// What every source begins with: types and functions that kernels use.
llvm::StringRef getPrelude();
/// What follows where a product uses tensor cores.
llvm::StringRef getMatmulTiles();

struct CudaSource {
  std::string text;
  std::vector<std::string> kernels; ///< names, by position
};

/// Prints all kernels of `module`, in order. Errors are diagnostics.
mlir::FailureOr<CudaSource> printSource(mlir::ModuleOp module);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_SOURCE_H
