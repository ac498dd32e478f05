// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shrinks a module while it still fails.

#ifndef MOEC_TEST_DIFFERENTIAL_REDUCEGRAPH_H
#define MOEC_TEST_DIFFERENTIAL_REDUCEGRAPH_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace moec::test {

/// Replaces results of operations by values of their types that exist before
/// them, and erases what is then unused, while `fails` holds; it is asked at
/// most `budget` times, of modules that verify.
mlir::OwningOpRef<mlir::ModuleOp>
reduceGraph(mlir::ModuleOp module,
            llvm::function_ref<bool(mlir::ModuleOp)> fails, int budget = 300);

} // namespace moec::test

#endif // MOEC_TEST_DIFFERENTIAL_REDUCEGRAPH_H
