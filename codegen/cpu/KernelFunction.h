// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Private functions that the matmuls of a module share: each kernel is emitted
// once for a name and the types of its arguments.

#ifndef MOEC_CODEGEN_CPU_KERNELFUNCTION_H
#define MOEC_CODEGEN_CPU_KERNELFUNCTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// Emits a call of the kernel `name`, which is made where the module has none
/// for these types: `body` emits it from its arguments.
void callKernel(mlir::ImplicitLocOpBuilder &b, llvm::StringRef name,
                mlir::ValueRange arguments,
                llvm::function_ref<void(mlir::func::FuncOp)> body);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_KERNELFUNCTION_H
