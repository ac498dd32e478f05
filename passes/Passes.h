// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_PASSES_PASSES_H
#define MOEC_PASSES_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace moec {

#define GEN_PASS_DECL
#include "passes/Passes.h.inc"

/// Registers all passes of this folder by their command-line names.
#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

} // namespace moec

#endif // MOEC_PASSES_PASSES_H
