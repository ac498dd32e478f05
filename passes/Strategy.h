// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a matmul is blocked: the tiles that the cost model finds fastest.

#ifndef MOEC_PASSES_STRATEGY_H
#define MOEC_PASSES_STRATEGY_H

#include "passes/CostModel.h"
#include <optional>
#include <vector>

namespace moec {

/// Tiles that keep the depth whole and stream one panel at a time: few rows.
std::vector<Tile> getDecodeTiles(const MatmulShape &shape);

/// Tiles whose packed rows and partial results fit half of the L2 cache.
std::vector<Tile> getPrefillTiles(const Machine &machine,
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
Strategy chooseStrategy(const Machine &machine, const MatmulShape &shape);

/// What the model chose for two matmuls that run in waves.
struct PairStrategy {
  /// For fewer than `threshold` rows.
  TilePair decode, prefill;
  /// Rows from which `prefill` is used, at least 1.
  int64_t threshold = 1;
  /// Rows of a wave.
  int64_t waveRows = 1;
};

/// Candidates for both: all pairs of tiles with equally many rows.
std::vector<TilePair> getDecodePairs(const MatmulShape &first,
                                     const MatmulShape &second);
std::vector<TilePair> getPrefillPairs(const Machine &machine,
                                      const MatmulShape &first,
                                      const MatmulShape &second);

/// The strategy of a matmul and of the one that reduces its output.
PairStrategy choosePair(const Machine &machine, const MatmulShape &first,
                        const MatmulShape &second);

/// The tile of a matmul of at most `rows` rows, in a task if `nested` (then
/// nothing is parallel).
Tile chooseTile(const Machine &machine, const MatmulShape &shape, int64_t rows,
                bool nested);

} // namespace moec

#endif // MOEC_PASSES_STRATEGY_H
