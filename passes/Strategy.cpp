// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Strategy.h"
#include <algorithm>
#include <functional>

using namespace moec;

/// Rows of the larger register tile, and columns of a panel.
static constexpr int64_t kTileRows = 6;
static constexpr int64_t kLanes = 16;
/// A variant that gains less than this is not worth its code.
static constexpr double kWorthwhile = 1.03;
/// Tiles closer than this are equally good for what a model can tell.
static constexpr double kNearlyBest = 1.01;
/// Token counts that stand for decode and prefill.
static constexpr int64_t kDecodeTokens[] = {1, 8};
static constexpr int64_t kPrefillTokens[] = {512, 2048};
static constexpr int64_t kMaxRows = int64_t(1) << 20;
/// Bytes of the rows between two matmuls in one wave; there are two waves at a
/// time.
static constexpr int64_t kWaveBytes = int64_t(4) << 20;

static int64_t evenUp(int64_t value) { return value + value % 2; }

std::vector<Tile> moec::getDecodeTiles(const MatmulShape &shape) {
  std::vector<Tile> tiles;
  for (int64_t taskPanels = 1;; taskPanels *= 2) {
    tiles.push_back({kStreamedRows, evenUp(shape.depth), 1,
                     std::min(taskPanels, shape.numPanels)});
    if (taskPanels >= shape.numPanels)
      return tiles;
  }
}

std::vector<Tile> moec::getPrefillTiles(const Machine &machine,
                                        const MatmulShape &shape) {
  std::vector<Tile> tiles;
  int64_t wholeDepth = evenUp(shape.depth);
  std::vector<int64_t> depths{512, 256, 1024, 128};
  // Codes are small, so that calls may be longer.
  if (shape.isInteger())
    depths.insert(depths.begin(), 2048);
  for (int64_t depth : depths) {
    // A block that is nearly the whole depth may as well be all of it.
    depth = depth * 3 / 2 >= wholeDepth ? wholeDepth : depth;
    for (int64_t panels : {8, 4, 16}) {
      panels = std::min(panels, shape.numPanels);
      for (int64_t rows : {264, 192, 132, 96, 72, 48, 24, 12}) {
        if (rows * (depth * shape.getRowElementBytes() + panels * kLanes * 4) >
            machine.l2Bytes / 2)
          continue;
        for (int64_t taskPanels = panels;; taskPanels *= 2) {
          Tile tile{rows, depth, panels, std::min(taskPanels, shape.numPanels)};
          if (std::find(tiles.begin(), tiles.end(), tile) == tiles.end())
            tiles.push_back(tile);
          if (taskPanels >= shape.numPanels)
            break;
        }
      }
    }
  }
  // Without a tile that fits (a tiny cache), the smallest is the best guess.
  if (tiles.empty())
    tiles.push_back({kTileRows, std::min<int64_t>(wholeDepth, 128), 1, 1});
  return tiles;
}

/// The choice with the smallest sum of times, each relative to the best at that
/// row count, so that every count matters equally. Among choices that are
/// nearly as good, the one that takes most rows, then the one with the largest
/// tasks (`size` puts them in this order).
template <typename Choice>
static Choice
pick(const std::vector<Choice> &choices, const std::vector<int64_t> &rowCounts,
     const std::function<double(const Choice &, int64_t)> &predict,
     const std::function<std::pair<int64_t, int64_t>(const Choice &)> &size) {
  std::vector<double> sums(choices.size(), 0);
  for (int64_t rows : rowCounts) {
    std::vector<double> seconds;
    for (const Choice &choice : choices)
      seconds.push_back(predict(choice, rows));
    double best = *std::min_element(seconds.begin(), seconds.end());
    for (size_t i = 0; i < choices.size(); ++i)
      sums[i] += seconds[i] / best;
  }
  double limit = kNearlyBest * *std::min_element(sums.begin(), sums.end());
  const Choice *picked = nullptr;
  for (size_t i = 0; i < choices.size(); ++i)
    if (sums[i] <= limit && (!picked || size(choices[i]) > size(*picked)))
      picked = &choices[i];
  return *picked;
}

static Tile pickTile(const Machine &machine, const MatmulShape &shape,
                     const std::vector<Tile> &tiles,
                     const std::vector<int64_t> &rowCounts) {
  return pick<Tile>(
      tiles, rowCounts,
      [&](const Tile &tile, int64_t rows) {
        return predictSeconds(machine, shape, tile, rows);
      },
      [](const Tile &tile) { return std::pair(tile.rows, tile.taskPanels); });
}

/// Rows of so many tokens.
template <size_t N>
static std::vector<int64_t> getRows(const MatmulShape &shape,
                                    const int64_t (&tokens)[N]) {
  std::vector<int64_t> rows;
  for (int64_t count : tokens)
    rows.push_back(count * shape.rowsPerToken);
  return rows;
}

/// Whether `seconds(choice, rows)` is about as good as `seconds(other, rows)`
/// for all of the row counts.
static bool isEnough(const Machine &machine, const MatmulShape &shape,
                     const Tile &tile, const Tile &other,
                     const std::vector<int64_t> &rowCounts) {
  return std::all_of(rowCounts.begin(), rowCounts.end(), [&](int64_t rows) {
    return predictSeconds(machine, shape, tile, rows) <=
           kWorthwhile * predictSeconds(machine, shape, other, rows);
  });
}

/// The last count, from many rows downwards, from which prefill is faster.
static int64_t
findThreshold(const std::function<bool(int64_t)> &prefillIsFaster) {
  int64_t threshold = kMaxRows, rows = kMaxRows;
  while (rows > 1 && prefillIsFaster(rows)) {
    threshold = rows;
    rows = std::min(rows - 1, rows * 7 / 8);
  }
  return threshold;
}

Strategy moec::chooseStrategy(const Machine &machine,
                              const MatmulShape &shape) {
  std::vector<int64_t> few = getRows(shape, kDecodeTokens);
  std::vector<int64_t> many = getRows(shape, kPrefillTokens);
  Tile decode = pickTile(machine, shape, getDecodeTiles(shape), few);
  Tile prefill =
      pickTile(machine, shape, getPrefillTiles(machine, shape), many);
  if (isEnough(machine, shape, prefill, decode, few))
    return {std::nullopt, prefill, 0};
  if (isEnough(machine, shape, decode, prefill, many))
    return {std::nullopt, decode, 0};
  int64_t threshold = findThreshold([&](int64_t rows) {
    return predictSeconds(machine, shape, prefill, rows) <=
           predictSeconds(machine, shape, decode, rows);
  });
  return {decode, prefill, threshold};
}

/// All pairs of tiles with equally many rows.
static std::vector<TilePair> combine(const std::vector<Tile> &first,
                                     const std::vector<Tile> &second) {
  std::vector<TilePair> pairs;
  for (const Tile &one : first)
    for (const Tile &two : second)
      if (one.rows == two.rows)
        pairs.push_back({one, two});
  return pairs;
}

std::vector<TilePair> moec::getDecodePairs(const MatmulShape &first,
                                           const MatmulShape &second) {
  return combine(getDecodeTiles(first), getDecodeTiles(second));
}

std::vector<TilePair> moec::getPrefillPairs(const Machine &machine,
                                            const MatmulShape &first,
                                            const MatmulShape &second) {
  return combine(getPrefillTiles(machine, first),
                 getPrefillTiles(machine, second));
}

PairStrategy moec::choosePair(const Machine &machine, const MatmulShape &first,
                              const MatmulShape &second) {
  auto predict = [&](const TilePair &tiles, int64_t rows) {
    return predictSeconds(machine, first, second, tiles, rows);
  };
  auto choose = [&](const std::vector<TilePair> &pairs,
                    const std::vector<int64_t> &rows) {
    return pick<TilePair>(pairs, rows, predict, [](const TilePair &tiles) {
      return std::pair(tiles.first.rows,
                       tiles.first.taskPanels + tiles.second.taskPanels);
    });
  };
  PairStrategy strategy;
  strategy.decode =
      choose(getDecodePairs(first, second), getRows(first, kDecodeTokens));
  strategy.prefill = choose(getPrefillPairs(machine, first, second),
                            getRows(first, kPrefillTokens));
  strategy.threshold = findThreshold([&](int64_t rows) {
    return predict(strategy.prefill, rows) <= predict(strategy.decode, rows);
  });
  strategy.waveRows =
      std::max(strategy.prefill.first.rows,
               kWaveBytes / (4 * std::max<int64_t>(second.depth, 1)));
  return strategy;
}

Tile moec::chooseTile(const Machine &target, const MatmulShape &shape,
                      int64_t rows, bool nested) {
  Machine machine = target;
  if (nested)
    machine.cores = 1;
  std::vector<Tile> tiles = getPrefillTiles(machine, shape);
  for (const Tile &tile : getDecodeTiles(shape))
    tiles.push_back(tile);
  Tile chosen = pickTile(machine, shape, tiles, {std::max<int64_t>(1, rows)});
  // Room for more rows than there are is wasted.
  chosen.rows = std::min<int64_t>(
      chosen.rows,
      std::max<int64_t>(1, (rows + kTileRows - 1) / kTileRows) * kTileRows);
  if (nested)
    chosen.taskPanels = shape.numPanels;
  return chosen;
}
