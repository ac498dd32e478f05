// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/CostModel.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cmath>

using namespace moec;
using llvm::divideCeil;

/// Rows of a register tile, and columns of a panel.
static constexpr int64_t kTileRows = 6;
static constexpr int64_t kLanes = 16;
/// Fewer rows leave the latency of fused multiply-add uncovered.
static constexpr int64_t kLatencyRows = 4;
/// Bandwidth of packing rows and of partial results in L2, per core, and of
/// weights that the shared cache serves again, in bytes per second.
static constexpr double kPackBytes = 8e9;
static constexpr double kPartialBytes = 60e9;
static constexpr double kRereadBytes = 24e9;
/// Bytes that a stream loses when it starts anew: prefetchers need a few lines.
static constexpr double kStreamStartBytes = 2048;
/// Seconds of a call of the kernel for one register tile and depth block.
static constexpr double kCallSeconds = 15e-9;
/// Seconds to start a parallel loop, and to fetch one task.
static constexpr double kLaunchSeconds = 5e-6;
static constexpr double kTaskSeconds = 1e-6;
/// A variant that gains less than this is not worth its code.
static constexpr double kWorthwhile = 1.03;
/// Tiles closer than this are equally good for what a model can tell.
static constexpr double kNearlyBest = 1.01;
/// Token counts that stand for decode and prefill.
static constexpr int64_t kDecodeTokens[] = {1, 8};
static constexpr int64_t kPrefillTokens[] = {128, 2048};
static constexpr int64_t kMaxRows = int64_t(1) << 20;

static int64_t evenUp(int64_t value) { return value + value % 2; }

/// Multiplications of a row block relative to its rows: a register tile of few
/// rows costs as much as one of kLatencyRows.
static double paddedRows(double rows) {
  double full = std::floor(rows / kTileRows) * kTileRows;
  double rest = rows - full;
  return rest > 0 ? full + std::max<double>(rest, kLatencyRows) : full;
}

/// Fraction of peak that a register tile reaches, by where its operands lie.
static double kernelEfficiency(const TargetDescription &target,
                               const MatmulShape &shape, const Tile &tile,
                               double rows) {
  double panelBytes = double(kLanes) * tile.depth * shape.elementBytes;
  double rowBytes = double(kTileRows) * tile.depth * 4;
  // One register tile reads each weight once, wherever it lies.
  if (rows <= kTileRows || panelBytes + rowBytes <= 1.5 * target.l1Bytes)
    return 0.95;
  if (panelBytes + rowBytes <= 3.0 * target.l1Bytes)
    return 0.9;
  return panelBytes <= target.l2Bytes / 2.0 ? 0.8 : 0.6;
}

double moec::predictSeconds(const TargetDescription &target,
                            const MatmulShape &shape, const Tile &tile,
                            int64_t rows) {
  if (rows <= 0)
    return 0;
  double groups = shape.groups;
  // Groups that uniform routing touches.
  double active = groups * (1 - std::pow(1 - 1 / groups, double(rows)));
  active = std::max(1.0, std::min<double>(active, rows));
  double groupRows = rows / active;
  double rowBlocks = std::ceil(groupRows / tile.rows);
  double columnBlocks = divideCeil(shape.numPanels, tile.taskPanels);
  double depthBlocks = std::ceil(double(shape.depth) / tile.depth);
  double tasks =
      shape.reduce ? columnBlocks : active * rowBlocks * columnBlocks;

  double allColumns = double(shape.numPanels) * kLanes;
  double blockRows = groupRows / rowBlocks;
  double flops =
      2 * active * rowBlocks * paddedRows(blockRows) * allColumns * shape.depth;
  double coreSeconds =
      flops / (target.coreGflops * 1e9 *
               kernelEfficiency(target, shape, tile, blockRows));
  double weightBytes = active * allColumns * shape.depth * shape.elementBytes;
  double rowBytes = double(rows) * shape.depth * 4;
  if (shape.gather || tile.rows > kStreamedRows)
    coreSeconds += rowBytes * columnBlocks / kPackBytes;
  coreSeconds += 2 * rows * allColumns * 4 * (depthBlocks - 1) / kPartialBytes;
  coreSeconds += weightBytes * (rowBlocks - 1) / kRereadBytes;
  // Rows of several depth blocks come back for each block of columns.
  if (depthBlocks > 1)
    coreSeconds +=
        rowBytes * divideCeil(shape.numPanels, tile.panels) / kRereadBytes;
  coreSeconds += active * rowBlocks * std::ceil(blockRows / kTileRows) *
                 shape.numPanels * depthBlocks * kCallSeconds;
  coreSeconds += tasks * kTaskSeconds;

  // The last tasks leave cores idle, for half a task on average; the memory
  // suffers less, since a few cores already draw most of it.
  double cores = target.cores;
  double wall = std::max(coreSeconds / tasks,
                         coreSeconds / cores * (1 + 0.5 * (cores - 1) / tasks));
  // About four cores are needed to draw the whole bandwidth.
  double drawn = std::min(1.0, 0.25 * std::min(tasks, cores));
  double bytes = weightBytes + rowBytes +
                 double(rows) * shape.columns * 4 * (shape.reduce ? 2 : 1);
  drawn /= 1 + 0.25 * (cores - 1) / std::max(tasks, cores);
  double streamBytes = double(kLanes) * tile.depth * shape.elementBytes;
  drawn *= streamBytes / (streamBytes + kStreamStartBytes);
  return std::max(wall, bytes / (target.readGbps * 1e9 * drawn)) +
         kLaunchSeconds;
}

llvm::SmallVector<Tile> moec::getDecodeTiles(const MatmulShape &shape) {
  llvm::SmallVector<Tile> tiles;
  for (int64_t taskPanels = 1;; taskPanels *= 2) {
    tiles.push_back({kStreamedRows, evenUp(shape.depth), 1,
                     std::min(taskPanels, shape.numPanels)});
    if (taskPanels >= shape.numPanels)
      return tiles;
  }
}

llvm::SmallVector<Tile> moec::getPrefillTiles(const TargetDescription &target,
                                              const MatmulShape &shape) {
  llvm::SmallVector<Tile> tiles;
  int64_t wholeDepth = evenUp(shape.depth);
  for (int64_t depth : {512, 256, 1024, 128}) {
    // A block that is nearly the whole depth may as well be all of it.
    depth = depth * 5 / 4 >= wholeDepth ? wholeDepth : depth;
    for (int64_t panels : {8, 4, 16}) {
      panels = std::min(panels, shape.numPanels);
      for (int64_t rows : {264, 192, 132, 96, 72, 48, 24, 12}) {
        if (rows * (depth * 4 + panels * kLanes * 4) > target.l2Bytes / 2)
          continue;
        for (int64_t taskPanels = panels;; taskPanels *= 2) {
          Tile tile{rows, depth, panels, std::min(taskPanels, shape.numPanels)};
          if (!llvm::is_contained(tiles, tile))
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

/// The tile with the smallest sum of times, each relative to the best at that
/// row count, so that every count matters equally. Among tiles that are
/// nearly as good, the one that takes most rows, then the one with the largest
/// tasks.
static Tile pickTile(const TargetDescription &target, const MatmulShape &shape,
                     llvm::ArrayRef<Tile> tiles,
                     llvm::ArrayRef<int64_t> rowCounts) {
  llvm::SmallVector<double> sums(tiles.size(), 0);
  for (int64_t rows : rowCounts) {
    llvm::SmallVector<double> seconds;
    for (const Tile &tile : tiles)
      seconds.push_back(predictSeconds(target, shape, tile, rows));
    double best = *llvm::min_element(seconds);
    for (size_t i = 0; i < tiles.size(); ++i)
      sums[i] += seconds[i] / best;
  }
  double limit = kNearlyBest * *llvm::min_element(sums);
  const Tile *picked = nullptr;
  for (size_t i = 0; i < tiles.size(); ++i)
    if (sums[i] <= limit &&
        (!picked || std::pair(tiles[i].rows, tiles[i].taskPanels) >
                        std::pair(picked->rows, picked->taskPanels)))
      picked = &tiles[i];
  return *picked;
}

/// Whether `tile` is about as good as `other` for all of the row counts.
static bool isEnough(const TargetDescription &target, const MatmulShape &shape,
                     const Tile &tile, const Tile &other,
                     llvm::ArrayRef<int64_t> rowCounts) {
  return llvm::all_of(rowCounts, [&](int64_t rows) {
    return predictSeconds(target, shape, tile, rows) <=
           kWorthwhile * predictSeconds(target, shape, other, rows);
  });
}

Strategy moec::chooseStrategy(const TargetDescription &target,
                              const MatmulShape &shape) {
  llvm::SmallVector<int64_t> few, many;
  for (int64_t tokens : kDecodeTokens)
    few.push_back(tokens * shape.rowsPerToken);
  for (int64_t tokens : kPrefillTokens)
    many.push_back(tokens * shape.rowsPerToken);
  Tile decode = pickTile(target, shape, getDecodeTiles(shape), few);
  Tile prefill = pickTile(target, shape, getPrefillTiles(target, shape), many);
  if (isEnough(target, shape, prefill, decode, few))
    return {std::nullopt, prefill, 0};
  if (isEnough(target, shape, decode, prefill, many))
    return {std::nullopt, decode, 0};
  // Downwards from many rows to the last count from which prefill is faster.
  int64_t threshold = kMaxRows, rows = kMaxRows;
  while (rows > 1 && predictSeconds(target, shape, prefill, rows) <=
                         predictSeconds(target, shape, decode, rows)) {
    threshold = rows;
    rows = std::min(rows - 1, rows * 7 / 8);
  }
  return {decode, prefill, threshold};
}

Tile moec::chooseTile(const TargetDescription &target, const MatmulShape &shape,
                      int64_t rows, bool nested) {
  TargetDescription machine = target;
  if (nested)
    machine.cores = 1;
  llvm::SmallVector<Tile> tiles = getPrefillTiles(machine, shape);
  llvm::append_range(tiles, getDecodeTiles(shape));
  Tile chosen = pickTile(machine, shape, tiles, std::max<int64_t>(1, rows));
  // Room for more rows than there are is wasted.
  chosen.rows = std::min<int64_t>(
      chosen.rows,
      std::max<int64_t>(1, divideCeil(rows, kTileRows)) * kTileRows);
  if (nested)
    chosen.taskPanels = shape.numPanels;
  return chosen;
}
