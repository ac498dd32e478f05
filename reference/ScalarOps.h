// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// arith and math on numbers.

#ifndef MOEC_REFERENCE_SCALAROPS_H
#define MOEC_REFERENCE_SCALAROPS_H

#include "reference/Interpreter.h"

namespace moec::reference {

/// From the operands to the result, not yet rounded (truncf, which is nothing
/// but rounding, is).
using ScalarFn = std::function<Scalar(const Scalar *operands)>;

bool isScalarOp(llvm::StringRef name);

/// The function of a scalar operation; null for other operations. For an
/// operation on tensors it is the function of one element.
ScalarFn getScalarFn(mlir::Operation *op);

/// Runs a scalar operation on scalars or, element by element, on tensors.
llvm::LogicalResult runScalarOp(Interpreter &interpreter, mlir::Operation *op);

} // namespace moec::reference

#endif // MOEC_REFERENCE_SCALAROPS_H
