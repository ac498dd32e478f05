// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows that a matmul takes as bf16 (see dialects/grouped/Compute.h).

#ifndef MOEC_CODEGEN_CPU_ROUNDROWS_H
#define MOEC_CODEGEN_CPU_ROUNDROWS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// The f32 `value`, a scalar or a vector, as bf16: rounded to nearest even,
/// subnormal numbers 0, NaN quiet, as vcvtneps2bf16 does it. The result is
/// `element`, bf16 or f32.
mlir::Value roundToBf16(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                        mlir::Type element);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_ROUNDROWS_H
