// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How large a size can become, so that the workspace is known before a call.

#ifndef MOEC_CODEGEN_CPU_SIZEBOUND_H
#define MOEC_CODEGEN_CPU_SIZEBOUND_H

#include "mlir/IR/Builders.h"

namespace moec::cpu {

/// Whether the number is computed from constants and the sizes of the
/// function's arguments alone.
bool followsFromArguments(mlir::Value number);

/// Emits a number that follows from the arguments and that `size` (not
/// negative) never exceeds, or returns null.
mlir::Value emitUpperBound(mlir::OpBuilder &builder, mlir::Value size);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_SIZEBOUND_H
