// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One kernel as CUDA C++.

#ifndef MOEC_CODEGEN_CUDA_KERNELPRINTER_H
#define MOEC_CODEGEN_CUDA_KERNELPRINTER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/raw_ostream.h"

namespace moec::cuda {

/// Prints a function marked `cuda.kernel`. An operation that has no CUDA code
/// is an error that names it.
mlir::LogicalResult printKernel(mlir::func::FuncOp kernel,
                                llvm::raw_ostream &stream);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_KERNELPRINTER_H
