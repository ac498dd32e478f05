// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function per grouped operation on memrefs. Each emits the operation's
// code at the builder's position; the caller erases the operation.

#ifndef MOEC_CODEGEN_CUDA_LOWERGROUPED_H
#define MOEC_CODEGEN_CUDA_LOWERGROUPED_H

#include "dialects/grouped/Grouped.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cuda {

void lowerMatmul(mlir::ImplicitLocOpBuilder &b, grouped::MatmulOp op);
void lowerSort(mlir::ImplicitLocOpBuilder &b, grouped::SortOp op);
void lowerSelect(mlir::ImplicitLocOpBuilder &b, grouped::SelectOp op);
void lowerGather(mlir::ImplicitLocOpBuilder &b, grouped::GatherOp op);
void lowerCombine(mlir::ImplicitLocOpBuilder &b, grouped::CombineOp op);
void lowerSlots(mlir::ImplicitLocOpBuilder &b, grouped::SlotsOp op);
void lowerMap(mlir::ImplicitLocOpBuilder &b, grouped::MapOp op);

/// Emits `init[tokens[r], ...] += rows[r, ...]` for r < offsets[E], rows of a
/// token in order; with `replace` the first replaces.
void emitCombine(mlir::ImplicitLocOpBuilder &b, mlir::Value rows,
                 mlir::Value offsets, mlir::Value tokens, mlir::Value init,
                 bool replace);

/// Emits `body(position)` for each position below `sizes`, each of which is the
/// work of one thread. `name` says what it computes.
void forEachThread(mlir::ImplicitLocOpBuilder &b, llvm::StringRef name,
                   llvm::ArrayRef<mlir::Value> sizes,
                   llvm::function_ref<void(mlir::ValueRange)> body);

/// The group of a row: the number of groups that end at or before it.
mlir::Value groupOf(mlir::ImplicitLocOpBuilder &b, mlir::Value offsets,
                    mlir::Value row);

/// Sizes of a memref from dimension `first` on.
llvm::SmallVector<mlir::Value> sizesFrom(mlir::ImplicitLocOpBuilder &b,
                                         mlir::Value memref, int64_t first);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_LOWERGROUPED_H
