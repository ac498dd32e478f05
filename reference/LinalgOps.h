// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Structured operations by their indexing maps and bodies.

#ifndef MOEC_REFERENCE_LINALGOPS_H
#define MOEC_REFERENCE_LINALGOPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "reference/Interpreter.h"

namespace moec::reference {

llvm::LogicalResult runLinalgOp(Interpreter &interpreter,
                                mlir::linalg::LinalgOp op);

} // namespace moec::reference

#endif // MOEC_REFERENCE_LINALGOPS_H
