// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sizes of a grouped.matmul over panels: what the shapes say, and how its
// tile divides them.

#ifndef MOEC_CODEGEN_CPU_PANELMATMUL_H
#define MOEC_CODEGEN_CPU_PANELMATMUL_H

#include "dialects/grouped/Grouped.h"

namespace moec::cpu {

/// Rows of one group that a task handles together.
struct RowChunk {
  /// Rows [begin, begin + count) of the tables.
  mlir::Value group, begin, count;
  /// Where the first stands in the lhs (unless it is gathered) and in the init
  /// (unless rows are added to tokens).
  mlir::Value lhsRow, initRow;
};

struct PanelMatmul {
  /// `lanes`: f32 elements of a vector register, 8 or 16. `lhs` and `init`
  /// stand for those of `op` where they are not null.
  PanelMatmul(grouped::MatmulOp op, unsigned lanes, mlir::Value lhs = {},
              mlir::Value init = {});

  mutable grouped::MatmulOp op; ///< its accessors are not const
  unsigned lanes;
  mlir::Value lhs, init;
  mlir::Type element; ///< of the weights
  int64_t depth, columns, parts, numPanels;
  /// Depth elements that stand together in a lane, and the depth in whole
  /// groups.
  int64_t depthGroup, paddedDepth;
  /// How the weights are quantised; null: they are `element`s.
  grouped::BlocksAttr blocks;
  /// Whether nobody packed the weights, so that tasks read them row by row or
  /// make f32 panels of them.
  bool isRowMajor;
  /// Whether rows are quantised and multiplied as integers.
  bool isInteger;
  /// Whether rows are rounded to bf16, and whether pairs of them are multiplied
  /// by one instruction, so that they stand as bf16.
  bool isBf16, hasPairs;
  /// Whether one instruction adds four products of bytes to 32 bits.
  bool hasVnni;
  /// Rows of the largest register tile.
  int64_t tileRows;
  /// Tile: rows of a chunk, depth and panels of a block, panels of a task.
  int64_t rows, blockDepth, blockPanels, taskPanels;
  /// Column ranges of `taskPanels` panels.
  int64_t numRanges;
  /// Whether a task copies its rows (and rounds them) before it reads them.
  bool packs;

  /// Whether few rows are multiplied by row-major weights without panels.
  bool hasDotTiles() const;

private:
  bool isReadable(mlir::Value lhs) const;
};

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_PANELMATMUL_H
