// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_CPU_PASSES_H
#define MOEC_CODEGEN_CPU_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace moec::cpu {

#define GEN_PASS_DECL
#include "codegen/cpu/Passes.h.inc"

/// registerMoecCpuPasses() makes the passes known by their command-line names.
#define GEN_PASS_REGISTRATION
#include "codegen/cpu/Passes.h.inc"

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_PASSES_H
