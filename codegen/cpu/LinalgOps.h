// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The linalg operations of a function on memrefs, and what becomes some.

#ifndef MOEC_CODEGEN_CPU_LINALGOPS_H
#define MOEC_CODEGEN_CPU_LINALGOPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace moec::cpu {

/// Makes parallel loops of `scf.forall` and linalg operations of copies below
/// `root`, then lets `lower` replace each linalg operation. Fails with the
/// first that fails.
llvm::LogicalResult
lowerLinalgOps(mlir::Operation *root,
               llvm::function_ref<llvm::LogicalResult(mlir::RewriterBase &,
                                                      mlir::linalg::LinalgOp)>
                   lower);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_LINALGOPS_H
