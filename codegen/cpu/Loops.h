// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The few loop shapes from which grouped operations are lowered.

#ifndef MOEC_CODEGEN_CPU_LOOPS_H
#define MOEC_CODEGEN_CPU_LOOPS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// Alignment in bytes of every buffer that a task allocates.
inline constexpr int64_t kScratchAlignment = 64;

/// The constant `value` of type index.
mlir::Value index(mlir::ImplicitLocOpBuilder &b, int64_t value);

/// `a + c` and `a * c` for a constant `c`; nothing is emitted where that is
/// `a`.
mlir::Value plus(mlir::ImplicitLocOpBuilder &b, mlir::Value a, int64_t c);
mlir::Value times(mlir::ImplicitLocOpBuilder &b, mlir::Value a, int64_t c);

/// `ceil(a / c)` for a constant `c` >= 1.
mlir::Value ceilDiv(mlir::ImplicitLocOpBuilder &b, mlir::Value a, int64_t c);

/// Emits `for (i = lower; i < upper; i += step) body(i)`.
void forEach(mlir::ImplicitLocOpBuilder &b, mlir::Value lower,
             mlir::Value upper, int64_t step,
             llvm::function_ref<void(mlir::Value)> body);

/// Emits `count` tasks: parallel, or one after the other where `nested`.
void forEachTask(mlir::ImplicitLocOpBuilder &b, mlir::Value count, bool nested,
                 llvm::function_ref<void(mlir::Value)> body);

/// Emits `if (condition) then() else otherwise()`; `otherwise` may be null.
void emitIf(mlir::ImplicitLocOpBuilder &b, mlir::Value condition,
            llvm::function_ref<void()> then,
            llvm::function_ref<void()> otherwise);

/// Whether `op` is part of a task already, so that it must run sequentially.
bool isNested(mlir::Operation *op);

/// Size of dimension `dim` of a memref.
mlir::Value sizeOf(mlir::ImplicitLocOpBuilder &b, mlir::Value memref,
                   int64_t dim);

/// Entry `position` of a table of i32, as index.
mlir::Value loadIndex(mlir::ImplicitLocOpBuilder &b, mlir::Value table,
                      mlir::Value position);

/// Number of groups that `offsets` describes, and the number of rows in them.
mlir::Value numGroups(mlir::ImplicitLocOpBuilder &b, mlir::Value offsets);
mlir::Value numRows(mlir::ImplicitLocOpBuilder &b, mlir::Value offsets);

/// Whether consecutive elements of the last dimension are adjacent in memory.
bool hasUnitStride(mlir::Value memref);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_LOOPS_H
