// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/CostModel.h"
#include <algorithm>
#include <cmath>

using namespace moec;

/// Columns of a panel.
static constexpr int64_t kLanes = 16;
/// Fewer rows leave the latency of fused multiply-add uncovered.
static constexpr int64_t kLatencyRows = 4;
/// Bandwidth of packing rows and of partial results in L2, per core, and of
/// weights that the shared cache serves again, in bytes per second.
static constexpr double kPackBytes = 8e9;
static constexpr double kPartialBytes = 60e9;
static constexpr double kRereadBytes = 24e9;
/// Results of an epilogue (an exponential and a division) per second and core.
static constexpr double kEpilogueElements = 1.2e9;
/// Quantised weights that become f32 per second and core, in a buffer that the
/// rows of a chunk share.
static constexpr double kExpandedWeights = 8e9;
/// Row-major weights that become f32 panels per second and core, and dot
/// products that few rows end with.
static constexpr double kTransposedWeights = 6e9;
static constexpr double kDotProducts = 0.25e9;
/// Elements of rows that become codes per second and core.
static constexpr double kQuantizedElements = 6e9;
/// Bytes that a stream loses when it starts anew: prefetchers need a few lines.
static constexpr double kStreamStartBytes = 2048;
/// Seconds of a call of the kernel for one register tile and depth block; of
/// integers it has more arguments.
static constexpr double kCallSeconds = 15e-9;
static constexpr double kIntegerCallSeconds = 40e-9;
/// Seconds to start a parallel loop, and to fetch one task.
static constexpr double kLaunchSeconds = 5e-6;
static constexpr double kTaskSeconds = 1e-6;
/// Multiplications and the memory overlap, but not all the time.
static constexpr double kOverlap = 6;

/// Rows of a register tile: pairs of 16-bit weights take two registers, and so
/// do products of integers before they are summed.
static int64_t getTileRows(const MatmulShape &shape) {
  switch (shape.product) {
  case Product::Int8:
    return 4;
  case Product::Int4:
    return 5;
  case Product::Float:
    break;
  }
  return shape.elementBytes == 2 && !shape.isRowMajor ? 5 : 6;
}

static double divideCeil(double a, double b) { return std::ceil(a / b); }

namespace {
/// Rows of a group that has any.
struct GroupRows {
  double mean;
  /// Standard deviation: uniform routing spreads rows like throws of dice.
  double spread;

  /// How many pieces of at most `size` rows they make, on average.
  double getPieces(double size) const;
};
} // namespace

double GroupRows::getPieces(double size) const {
  // Of widely spread rows the last piece is of any size, all equally likely.
  if (spread >= size / 2)
    return std::max(1.0, mean / size + (size - 1) / (2 * size));
  double pieces = std::max(1.0, std::round(mean / size));
  auto exceeds = [&](double limit) {
    if (spread == 0)
      return mean > limit ? 1.0 : 0.0;
    return 0.5 * std::erfc((limit + 0.5 - mean) / (spread * std::sqrt(2.0)));
  };
  return pieces + exceeds(pieces * size) -
         (pieces > 1 ? 1 - exceeds((pieces - 1) * size) : 0);
}

/// Rows that multiplications take as long as: a register tile of few rows costs
/// as much as one of kLatencyRows.
static double getPaddedRows(const MatmulShape &shape, const GroupRows &rows) {
  double tile = double(getTileRows(shape));
  double padding = 0;
  if (rows.spread >= tile / 2)
    for (int64_t rest = 1; rest < kLatencyRows; ++rest)
      padding += double(kLatencyRows - rest) / tile;
  else if (double rest = std::fmod(rows.mean, tile); rest > 0)
    padding = std::max(0.0, kLatencyRows - rest);
  return std::max(double(kLatencyRows), rows.mean + padding);
}

namespace {
/// Time of a register tile for each weight, in multiply-adds of f32 at peak.
struct TileCost {
  double once; ///< for the weight: loads, signs, scales
  double row;  ///< for each row
};
} // namespace

/// Whether register tiles take codes, not floats.
static bool takesCodes(const MatmulShape &shape, const Tile &tile,
                       double rows) {
  return shape.isInteger() ||
         shape.quantizedBytes != 0 &&
             (tile.rows <= kStreamedRows || rows <= double(getTileRows(shape)));
}

/// Whether few rows are multiplied by row-major weights where these stand.
static bool takesDots(const MatmulShape &shape, const Tile &tile) {
  return shape.hasDotTiles && tile.rows <= kStreamedRows;
}

/// Of tiles that take codes; measured with data in L1
/// (docs/cpu-performance.md).
static TileCost getTileCost(Product product) {
  switch (product) {
  case Product::Int8:
    return {0.34, 0.73};
  case Product::Int4:
    return {0.33, 0.43};
  case Product::Float:
    return {1.4, 1};
  }
  return {};
}

/// Multiply-adds of f32 at peak that each weight of a group takes.
static double getMultiplyAdds(const MatmulShape &shape, const GroupRows &rows,
                              bool areCodes) {
  if (!areCodes)
    return getPaddedRows(shape, rows);
  TileCost cost = getTileCost(shape.product);
  return rows.getPieces(double(getTileRows(shape))) * cost.once +
         rows.mean * cost.row;
}

/// Fraction of peak that a register tile reaches, by where its operands lie.
static double getEfficiency(const Machine &machine, const MatmulShape &shape,
                            const Tile &tile, double rows) {
  double tileRows = double(getTileRows(shape));
  double weightBytes = shape.isInteger()  ? shape.quantizedBytes
                       : shape.isRowMajor ? 4
                                          : double(shape.elementBytes);
  double panelBytes = double(kLanes * tile.depth) * weightBytes;
  double rowBytes = tileRows * double(tile.depth * shape.getRowElementBytes());
  // One register tile reads each weight once, wherever it lies.
  if (rows <= tileRows || panelBytes + rowBytes <= 1.5 * machine.l1Bytes)
    return 0.97;
  if (panelBytes + rowBytes <= 3.0 * machine.l1Bytes)
    return 0.90;
  return panelBytes <= machine.l2Bytes / 2.0 ? 0.85 : 0.6;
}

double moec::getActiveGroups(const MatmulShape &shape, double rows) {
  double groups = double(shape.groups);
  double perToken = std::min(double(shape.rowsPerToken), groups);
  double untouched = std::pow(1 - perToken / groups, rows / perToken);
  return std::clamp(groups * (1 - untouched), 1.0, std::max(1.0, rows));
}

namespace {
/// What one matmul asks for, all cores together.
struct Work {
  double coreSeconds = 0;
  double bytes = 0;
  double tasks = 1;
  /// Bytes that are read without a jump.
  double streamBytes = 0;
};
} // namespace

/// `ranges`: parts that the columns are divided into; `packs`: rows are copied
/// for each of them.
static Work getWork(const Machine &machine, const MatmulShape &shape,
                    const Tile &tile, double rows, double ranges, bool packs) {
  double active = getActiveGroups(shape, rows);
  // Each token has a row in a group or not.
  double hit = std::min(1.0, double(shape.rowsPerToken) / double(shape.groups));
  double tokens = rows / double(shape.rowsPerToken);
  GroupRows groupRows{rows / active, std::sqrt(tokens * hit * (1 - hit))};
  double blocks = groupRows.getPieces(double(tile.rows));
  double blockRows = groupRows.mean / blocks;
  bool areCodes = takesCodes(shape, tile, blockRows);
  double depth = double(shape.depth);
  double depthBlocks = divideCeil(depth, double(tile.depth));
  double columns = double(shape.numPanels * kLanes);
  double rowBytes = rows * depth * 4;

  Work work;
  work.tasks = active * blocks * ranges;
  double flops = 2 * active * getMultiplyAdds(shape, groupRows, areCodes) *
                 columns * depth;
  work.coreSeconds = flops / (machine.coreGflops * 1e9 *
                              getEfficiency(machine, shape, tile, blockRows));
  if (shape.isInteger())
    work.coreSeconds += rows * depth * ranges / kQuantizedElements;
  else if (packs)
    work.coreSeconds += rowBytes * ranges / kPackBytes;
  work.coreSeconds += 2 * rows * columns * 4 * depthBlocks / kPartialBytes;
  if (shape.parts > 1)
    work.coreSeconds += rows * double(shape.columns) / kEpilogueElements;
  // Rows of several depth blocks come back for each block of columns.
  double weights = active * columns * depth;
  double weightBytes = weights * shape.getStoredBytes();
  if (depthBlocks > 1)
    work.coreSeconds +=
        rowBytes * divideCeil(double(shape.numPanels), double(tile.panels)) /
        (4 * kRereadBytes);
  if (shape.quantizedBytes != 0 && !areCodes)
    work.coreSeconds += weights * blocks / kExpandedWeights;
  if (takesDots(shape, tile))
    work.coreSeconds += rows * columns * depthBlocks / kDotProducts;
  else if (shape.isRowMajor)
    work.coreSeconds += weights * blocks / kTransposedWeights;
  work.coreSeconds += weightBytes * (blocks - 1) / (4 * kRereadBytes);
  work.coreSeconds += active * groupRows.getPieces(double(getTileRows(shape))) *
                      double(shape.numPanels) * depthBlocks *
                      (shape.isInteger() ? kIntegerCallSeconds : kCallSeconds);
  work.coreSeconds += work.tasks * kTaskSeconds;
  work.bytes = weightBytes + rowBytes / double(shape.rowsPerToken);
  // Whole panels of a task follow one another.
  work.streamBytes = double(kLanes * tile.depth) * shape.getStoredBytes() *
                     (depthBlocks == 1 ? double(tile.taskPanels) : 1);
  return work;
}

/// Wall time where the last tasks, of `share` of the work each, leave the other
/// cores idle for half of them on average, and `readers` cores read.
static double combine(const Machine &machine, const Work &work, double share,
                      double readers) {
  double cores = double(machine.cores);
  double tail = share * cores < 1 ? 0.5 * share * (cores - 1) : 0;
  double compute = work.coreSeconds / cores * (1 + tail);
  // About four cores are needed to draw the whole bandwidth.
  double drawn = std::min(1.0, std::max(0.25 * readers, readers / cores));
  drawn *= work.streamBytes / (work.streamBytes + kStreamStartBytes);
  double memory = work.bytes / (machine.readGbps * 1e9 * drawn) * (1 + tail);
  return std::pow(std::pow(compute, kOverlap) + std::pow(memory, kOverlap),
                  1 / kOverlap) +
         kLaunchSeconds;
}

double moec::predictSeconds(const Machine &machine, const MatmulShape &shape,
                            const Tile &tile, int64_t rows) {
  if (rows <= 0)
    return 0;
  double ranges = divideCeil(double(shape.numPanels), double(tile.taskPanels));
  bool packs = shape.gather || tile.rows > kStreamedRows;
  Work work = getWork(machine, shape, tile, double(rows), ranges, packs);
  double tasks = shape.reduce ? ranges : work.tasks;
  double readers = std::min(tasks, double(machine.cores));
  double wall = combine(machine, work, 1 / tasks, readers);
  // With fewer tasks than cores one task is all there is.
  return std::max(wall, work.coreSeconds / tasks);
}

double moec::predictSeconds(const Machine &machine, const MatmulShape &first,
                            const MatmulShape &second, const TilePair &tiles,
                            int64_t rows) {
  if (rows <= 0)
    return 0;
  double ranges =
      divideCeil(double(first.numPanels), double(tiles.first.taskPanels));
  Work one = getWork(machine, first, tiles.first, double(rows), ranges,
                     /*packs=*/true);
  double panels =
      std::min(double(tiles.second.taskPanels),
               divideCeil(double(second.numPanels), 2 * double(machine.cores)));
  double columnRanges = divideCeil(double(second.numPanels), panels);
  Work two = getWork(machine, second, tiles.second, double(rows), columnRanges,
                     /*packs=*/false);
  Work both;
  both.coreSeconds = one.coreSeconds + two.coreSeconds;
  both.bytes = one.bytes + two.bytes;
  both.streamBytes = std::min(one.streamBytes, two.streamBytes);
  // The last tasks are of the second matmul, in the last wave.
  double share =
      std::max(one.bytes / one.tasks, two.bytes / two.tasks) / both.bytes;
  double readers = std::min(one.tasks, double(machine.cores));
  double wall = combine(machine, both, share, readers);
  return std::max(wall, one.coreSeconds / one.tasks);
}
