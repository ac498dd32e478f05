// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory in the frame of generated functions.

#ifndef MOEC_CODEGEN_CPU_FRAMEMEMORY_H
#define MOEC_CODEGEN_CPU_FRAMEMEMORY_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"

namespace moec::cpu {

/// The address of `count` elements of `type`, allocated where the function
/// around `op` begins.
mlir::Value allocateInFrame(mlir::Operation *op, mlir::Type type,
                            int64_t count);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_FRAMEMEMORY_H
