// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes from grouped operations to LLVM for CPUs, in the order in which the
// pipeline runs them (Pipeline.cpp).

#ifndef MOEC_CODEGEN_CPU_PASSES_TD
#define MOEC_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // MOEC_CODEGEN_CPU_PASSES_TD
