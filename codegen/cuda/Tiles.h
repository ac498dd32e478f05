// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products by tensor cores: which, and how they are launched.

#ifndef MOEC_CODEGEN_CUDA_TILES_H
#define MOEC_CODEGEN_CUDA_TILES_H

#include "dialects/grouped/Grouped.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <string>

namespace moec::cuda {

/// Why tensor cores cannot make `op`, for a person; empty if they can. f32
/// weights are multiplied as three products of tf32, bf16 weights where `op`
/// computes in bf16.
std::string findObstacle(grouped::MatmulOp op);

/// Whether `op` is left to a thread for each element though tensor cores could
/// make it: a router has fewer columns than a tile.
bool isSmall(grouped::MatmulOp op);

/// The f32 buffers that one matmul makes for others in bf16 become bf16, where
/// nothing else reads them.
void narrowBuffers(mlir::Operation *root);

/// Emits launches that store the epilogue's value of each of `rows` rows to
/// `target`.
void emitTiles(mlir::ImplicitLocOpBuilder &b, grouped::MatmulOp op,
               mlir::Value rows, mlir::Value target);

/// Stores a float, rounded where the buffer is narrower.
void storeRounded(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                  mlir::Value target, mlir::ValueRange position);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_TILES_H
