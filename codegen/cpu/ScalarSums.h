// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums of products of a matmul whose weights are as the checkpoint keeps them.

#ifndef MOEC_CODEGEN_CPU_SCALARSUMS_H
#define MOEC_CODEGEN_CPU_SCALARSUMS_H

#include "dialects/grouped/Grouped.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// Emits, for each weight p of `op`, the f32 sum over k of lhs[source, k] *
/// rhs_p[group, column, k] (or [group, k, column], as the layout says), one
/// product after the other.
llvm::SmallVector<mlir::Value>
emitScalarSums(mlir::ImplicitLocOpBuilder &b, grouped::MatmulOp op,
               mlir::Value group, mlir::Value source, mlir::Value column);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_SCALARSUMS_H
