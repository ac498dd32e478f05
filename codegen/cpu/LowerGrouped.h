// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function per grouped operation on memrefs. Each emits the operation's
// code at the builder's position, in tasks unless the operation is part of a
// task; the caller erases the operation.

#ifndef MOEC_CODEGEN_CPU_LOWERGROUPED_H
#define MOEC_CODEGEN_CPU_LOWERGROUPED_H

#include "dialects/grouped/Grouped.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// A matmul that getTaskPanels has panels for. `lanes`: f32 elements of a
/// vector register, 8 or 16.
void lowerPackedMatmul(mlir::ImplicitLocOpBuilder &b, grouped::MatmulOp op,
                       unsigned lanes);
/// The matmul that makes the lhs of `second` in waves, or null if the two must
/// run one after the other.
grouped::MatmulOp findFirstOfWaves(grouped::MatmulOp second);
/// Both, at the position of `second`.
void lowerWaves(mlir::ImplicitLocOpBuilder &b, grouped::MatmulOp first,
                grouped::MatmulOp second, unsigned lanes);
/// A matmul of any weights that are not packed: right, not fast.
void lowerPlainMatmul(mlir::ImplicitLocOpBuilder &b, grouped::MatmulOp op);
void lowerSort(mlir::ImplicitLocOpBuilder &b, grouped::SortOp op);
void lowerSelect(mlir::ImplicitLocOpBuilder &b, grouped::SelectOp op);
void lowerLimit(mlir::ImplicitLocOpBuilder &b, grouped::LimitOp op);
void lowerSelectTokens(mlir::ImplicitLocOpBuilder &b,
                       grouped::SelectTokensOp op);
void lowerGather(mlir::ImplicitLocOpBuilder &b, grouped::GatherOp op);
void lowerCombine(mlir::ImplicitLocOpBuilder &b, grouped::CombineOp op);
void lowerSlots(mlir::ImplicitLocOpBuilder &b, grouped::SlotsOp op);
void lowerMap(mlir::ImplicitLocOpBuilder &b, grouped::MapOp op, unsigned lanes);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_LOWERGROUPED_H
