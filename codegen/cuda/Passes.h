// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_CUDA_PASSES_H
#define MOEC_CODEGEN_CUDA_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace moec::cuda {

#define GEN_PASS_DECL
#include "codegen/cuda/Passes.h.inc"

/// registerMoecCudaPasses() makes the passes known by their command-line names.
#define GEN_PASS_REGISTRATION
#include "codegen/cuda/Passes.h.inc"

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_PASSES_H
