// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The register tile over integers: a few quantised rows times one panel of 16
// columns of int8 or int4 blocks. A block's dot products are exact in i32; they
// are scaled and added to f32 sums in memory, since registers hold the
// integers. A lane holds a column whatever the vectors' size, so results are
// the same bits everywhere:
//
//   AVX2  bytes times bytes in pairs to 16 bits (vpmaddubsw, which never
//         saturates: |w| <= 128 and |x| <= 127, or 16 products of 0..15 and x,
//         fit 16 bits), then to 32
//   VNNI  four products to 32 bits (vpdpbusd); int8 codes become 0 to 255, for
//         which sums start with -128 times the sum of the row's codes

#ifndef MOEC_CODEGEN_CPU_INTEGERTILE_H
#define MOEC_CODEGEN_CPU_INTEGERTILE_H

#include "codegen/cpu/QuantizeRows.h"

namespace moec::cpu {

struct IntegerTile {
  mlir::ImplicitLocOpBuilder &b;
  grouped::BlocksAttr blocks;
  /// Whether the panel is read for the only time: it is prefetched itself then,
  /// otherwise `next`.
  bool isStreamed;
  /// Whether there is vpdpbusd; then of vectors of `levelLanes` x 32 bits.
  bool hasVnni = false;
  unsigned levelLanes = 8;
  /// Lines of `next` that one block prefetches.
  int64_t nextLines = 1;
  /// Of int8 without VNNI, for panels that several tiles read: what
  /// emitNegativeSums wrote. The sign of a weight then goes to the row by
  /// vpxor, which any port takes, and not by vpsignb.
  mlir::Value negativeSums = {};

  /// Rows of the largest tile that the registers of a level hold.
  static int64_t getTileRows(grouped::BlocksAttr blocks, unsigned levelLanes,
                             bool hasVnni);

  /// Where a tile stands.
  struct Position {
    mlir::Value row;        ///< of the chunk
    mlir::Value firstBlock; ///< of the rows, that meets the panel's first
    mlir::Value column;     ///< of the sums
    mlir::Value numBlocks;
    mlir::Value nextOffset; ///< where to prefetch `next`
  };

  /// Writes the sums of the sizes of a panel's negative codes, `blocks x 16` of
  /// i32, to the one-dimensional `out`.
  void emitNegativeSums(mlir::Value panel, mlir::Value numBlocks,
                        mlir::Value out);

  /// `sums[row + i, column + lane] += scale * scale * dot` for `height` rows
  /// and the blocks of the one-dimensional `panel`.
  void emit(int64_t height, const QuantizedRows &rows, mlir::Value panel,
            mlir::Value sums, mlir::Value next, const Position &position);

private:
  /// Columns in a vector, and vectors of a panel.
  int64_t lanes() const { return hasVnni ? levelLanes : 8; }
  int64_t vectors() const;
  void emitBody(int64_t height, mlir::ValueRange arguments);
  llvm::SmallVector<mlir::Value> emitDots(int64_t height,
                                          mlir::ValueRange arguments,
                                          mlir::Value base, mlir::Value number,
                                          mlir::Value block);
  llvm::SmallVector<mlir::Value> loadCodes(mlir::Value panel, mlir::Value base,
                                           mlir::Value quad);
  mlir::Value call(llvm::StringRef name, mlir::VectorType type,
                   mlir::ValueRange operands);
};

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_INTEGERTILE_H
