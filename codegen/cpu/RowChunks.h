// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How rows are cut into chunks, of which a task handles one at a time.

#ifndef MOEC_CODEGEN_CPU_ROWCHUNKS_H
#define MOEC_CODEGEN_CPU_ROWCHUNKS_H

#include "codegen/cpu/PanelMatmul.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// Rows of each chunk if `count` rows are split evenly into chunks of at most
/// `matmul.rows`: whole register tiles, at least 1.
mlir::Value chunkRows(mlir::ImplicitLocOpBuilder &b, const PanelMatmul &matmul,
                      mlir::Value count);

/// The most chunks that the groups of a grouped matmul can have.
mlir::Value maxChunks(mlir::ImplicitLocOpBuilder &b, const PanelMatmul &matmul);

/// Emits `carried = body(chunk, carried)` for the chunks of all groups in
/// order, starting with `inits`; returns what is carried in the end. The chunks
/// stand in lhs and init as in the tables.
llvm::SmallVector<mlir::Value> forEachChunk(
    mlir::ImplicitLocOpBuilder &b, const PanelMatmul &matmul,
    mlir::ValueRange inits,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(const RowChunk &,
                                                      mlir::ValueRange)>
        body);

/// Panels [first, last) of column range `range`, each of `rangePanels`.
std::pair<mlir::Value, mlir::Value> panelRange(mlir::ImplicitLocOpBuilder &b,
                                               const PanelMatmul &matmul,
                                               mlir::Value range,
                                               mlir::Value rangePanels);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_ROWCHUNKS_H
