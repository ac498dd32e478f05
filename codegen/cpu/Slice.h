// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recomputing sizes at another place: what an allocation needs must be known
// where it is hoisted to.

#ifndef MOEC_CODEGEN_CPU_SLICE_H
#define MOEC_CODEGEN_CPU_SLICE_H

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace moec::cpu {

/// Clones what computes `value` at the builder's insertion point. `leaf`
/// returns the value to use for what needs no clone, or null. Only operations
/// without effects and regions are cloned; returns null for anything else, with
/// the offending value in `culprit`.
mlir::Value recompute(mlir::Value value, mlir::OpBuilder &builder,
                      mlir::IRMapping &mapping,
                      llvm::function_ref<mlir::Value(mlir::Value)> leaf,
                      mlir::Value &culprit);

/// Bytes of a dense buffer of `type` with these dynamic sizes, rounded up to
/// `kBufferAlignment`.
mlir::Value bufferBytes(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::MemRefType type, mlir::ValueRange sizes);

/// Alignment of every buffer in a workspace, in bytes.
inline constexpr int64_t kBufferAlignment = 64;

/// Bytes of one element in memory (i1: 1).
int64_t elementBytes(mlir::Type type);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_SLICE_H
