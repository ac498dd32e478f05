// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The cuda dialect: launches, which stand between outlining and LLVM.

#ifndef MOEC_CODEGEN_CUDA_CUDA_H
#define MOEC_CODEGEN_CUDA_CUDA_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "codegen/cuda/CudaDialect.h.inc"
#define GET_OP_CLASSES
#include "codegen/cuda/CudaOps.h.inc"

namespace moec::cuda {

/// Marks a function that becomes a kernel. It holds one `scf.parallel`: each
/// iteration is a thread, or, where loops in it are parallel too, a thread
/// block, whose threads share the iterations of these.
inline constexpr llvm::StringLiteral kKernelAttr = "cuda.kernel";
/// On a parallel loop: what it computes, the start of its kernel's name.
inline constexpr llvm::StringLiteral kNameAttr = "cuda.name";

/// Threads of a block.
inline constexpr int64_t kThreads = 256;

/// Whether the iterations of a kernel's loop are thread blocks, not threads.
bool isBlockLoop(mlir::scf::ParallelOp loop);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_CUDA_H
