// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The analytic model behind moe-select-strategy. It counts bytes and operations
// of a blocked grouped matmul and divides them by the roofs of a target
// description. It ranks strategies; it does not promise times.

#ifndef MOEC_PASSES_COSTMODEL_H
#define MOEC_PASSES_COSTMODEL_H

#include "passes/TargetDescription.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace moec {

/// Code generation streams the panels of a tile with at most so many rows: it
/// prefetches the panel itself instead of the next one, and reads the rows
/// where they stand if it can.
inline constexpr int64_t kStreamedRows = 8;

/// A grouped matmul over packed weights, without its rows.
struct MatmulShape {
  /// Groups (experts); 1 for a dense matmul.
  int64_t groups = 1;
  /// Columns of each weight, contracted depth, and number of weights.
  int64_t columns = 1;
  int64_t depth = 1;
  int64_t parts = 1;
  /// Panels of one group, and bytes of a weight element.
  int64_t numPanels = 1;
  int64_t elementBytes = 4;
  /// Rows are read through the table of tokens.
  bool gather = false;
  /// Rows are added to tokens, so that tasks may not share columns.
  bool reduce = false;
  /// Rows of a token (slots of the routing).
  int64_t rowsPerToken = 1;
};

/// The fields of #grouped.tile.
struct Tile {
  int64_t rows = 1;
  int64_t depth = 2;
  int64_t panels = 1;
  int64_t taskPanels = 1;
  bool operator==(const Tile &) const = default;
};

/// Predicted wall time of one matmul of `rows` rows (all groups together,
/// uniform routing), in seconds.
double predictSeconds(const TargetDescription &target, const MatmulShape &shape,
                      const Tile &tile, int64_t rows);

/// Tiles that keep the depth whole and stream one panel at a time: few rows.
llvm::SmallVector<Tile> getDecodeTiles(const MatmulShape &shape);

/// Tiles whose packed rows and partial results fit half of the L2 cache.
llvm::SmallVector<Tile> getPrefillTiles(const TargetDescription &target,
                                        const MatmulShape &shape);

/// What the model chose.
struct Strategy {
  /// For fewer than `threshold` rows, if there are two variants.
  std::optional<Tile> decode;
  Tile prefill;
  /// Rows from which `prefill` is used.
  int64_t threshold = 0;
};

/// The strategy of a matmul whose number of rows is known only at run time.
Strategy chooseStrategy(const TargetDescription &target,
                        const MatmulShape &shape);

/// The tile of a matmul of at most `rows` rows, in a task if `nested` (then
/// nothing is parallel).
Tile chooseTile(const TargetDescription &target, const MatmulShape &shape,
                int64_t rows, bool nested);

} // namespace moec

#endif // MOEC_PASSES_COSTMODEL_H
