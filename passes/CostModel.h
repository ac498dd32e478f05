// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The analytic model behind moe-select-strategy: from the shape of a blocked
// grouped matmul and the roofs of a machine to its time. It needs no compiler,
// so that a benchmark can put its predictions beside what it measures
// (moe-bench --check-model); docs/cpu-performance.md derives the terms.

#ifndef MOEC_PASSES_COSTMODEL_H
#define MOEC_PASSES_COSTMODEL_H

#include "passes/Machine.h"

namespace moec {

/// Code generation streams the panels of a tile with at most so many rows: it
/// prefetches the panel itself instead of the next one, and reads the rows
/// where they stand if it can.
inline constexpr int64_t kStreamedRows = 24;

/// What register tiles multiply: floats, or quantised rows by int8 or int4
/// codes.
enum class Product { Float, Int8, Int4 };

/// A grouped matmul over packed weights, without its rows.
struct MatmulShape {
  /// Groups (experts); 1 for a dense matmul.
  int64_t groups = 1;
  /// Columns of each weight, contracted depth, and number of weights.
  int64_t columns = 1;
  int64_t depth = 1;
  int64_t parts = 1;
  /// Panels of one group, and bytes of a weight element in register tiles.
  int64_t numPanels = 1;
  int64_t elementBytes = 4;
  /// Bytes of a weight in memory where it is quantised (codes, scales,
  /// offsets); 0: elementBytes.
  double quantizedBytes = 0;
  Product product = Product::Float;
  /// Tasks make f32 panels of weights that nobody packed, but for tiles of at
  /// most kStreamedRows rows if these read the weights as they stand.
  bool isRowMajor = false;
  bool hasDotTiles = false;
  /// Rows are read through the table of tokens.
  bool gather = false;
  /// Rows are added to tokens, so that tasks may not share columns.
  bool reduce = false;
  /// Rows of a token (slots of the routing).
  int64_t rowsPerToken = 1;

  bool isInteger() const { return product != Product::Float; }
  /// Bytes of an element of a row in register tiles.
  int64_t getRowElementBytes() const { return isInteger() ? 1 : 4; }
  double getStoredBytes() const {
    return quantizedBytes != 0 ? quantizedBytes : double(elementBytes);
  }
};

/// The fields of #grouped.tile.
struct Tile {
  int64_t rows = 1;
  int64_t depth = 2;
  int64_t panels = 1;
  int64_t taskPanels = 1;
  bool operator==(const Tile &) const = default;
};

/// Tiles of two matmuls that run in waves; they have equally many rows.
struct TilePair {
  Tile first, second;
  bool operator==(const TilePair &) const = default;
};

/// Groups that `rows` rows touch if each token's rows go to different groups,
/// all equally likely.
double getActiveGroups(const MatmulShape &shape, double rows);

/// Predicted wall time of one matmul of `rows` rows (all groups together,
/// uniform routing), in seconds.
double predictSeconds(const Machine &machine, const MatmulShape &shape,
                      const Tile &tile, int64_t rows);

/// The same of two matmuls of these rows, of which the second reduces the
/// output of the first, in waves.
double predictSeconds(const Machine &machine, const MatmulShape &first,
                      const MatmulShape &second, const TilePair &tiles,
                      int64_t rows);

} // namespace moec

#endif // MOEC_PASSES_COSTMODEL_H
