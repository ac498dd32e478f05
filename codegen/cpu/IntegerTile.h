// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The register tile over integers: a few quantised rows times one panel of 16
// columns of int8 or int4 blocks. A block's dot products are exact in i32; they
// are scaled and added to f32 sums in memory, since registers hold the
// integers. Vectors are 256 bits at every level, so results are equal
// everywhere.

#ifndef MOEC_CODEGEN_CPU_INTEGERTILE_H
#define MOEC_CODEGEN_CPU_INTEGERTILE_H

#include "codegen/cpu/QuantizeRows.h"

namespace moec::cpu {

/// Rows of the largest tile that needs no more than 16 registers.
int64_t getIntegerTileRows(grouped::BlocksAttr blocks);

struct IntegerTile {
  mlir::ImplicitLocOpBuilder &b;
  grouped::BlocksAttr blocks;
  /// Whether the panel is read for the only time: it is prefetched itself then,
  /// otherwise `next`.
  bool isStreamed;

  /// Where a tile stands.
  struct Position {
    mlir::Value row;        ///< of the chunk
    mlir::Value firstBlock; ///< of the rows, that meets the panel's first
    mlir::Value column;     ///< of the sums
    mlir::Value numBlocks;
    mlir::Value nextOffset; ///< where to prefetch `next`: a line a block
  };

  /// `sums[row + i, column + lane] += scale * scale * dot` for `height` rows
  /// and the blocks of the one-dimensional `panel`.
  void emit(int64_t height, const QuantizedRows &rows, mlir::Value panel,
            mlir::Value sums, mlir::Value next, const Position &position);

private:
  void emitBody(int64_t height, mlir::ValueRange arguments);
  llvm::SmallVector<mlir::Value> emitDots(int64_t height,
                                          mlir::ValueRange arguments,
                                          mlir::Value base, mlir::Value block);
  llvm::SmallVector<mlir::Value> loadCodes(mlir::Value panel, mlir::Value base,
                                           mlir::Value quad);
  mlir::Value call(llvm::StringRef name, mlir::VectorType type,
                   mlir::Value left, mlir::Value right);
};

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_INTEGERTILE_H
