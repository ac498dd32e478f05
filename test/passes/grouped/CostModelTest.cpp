// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/CostModel.h"
#include "gtest/gtest.h"

using namespace moec;

namespace {
/// Gate and up of one OLMoE layer in f32.
MatmulShape gateUp() {
  MatmulShape shape;
  shape.groups = 64;
  shape.columns = 1024;
  shape.depth = 2048;
  shape.parts = 2;
  shape.numPanels = 128;
  shape.gather = true;
  shape.rowsPerToken = 8;
  return shape;
}

TEST(CostModel, PredictsNoLessThanTheRoofs) {
  TargetDescription target;
  MatmulShape shape = gateUp();
  Tile decode{8, 2048, 1, 8}, prefill{96, 512, 8, 128};
  // One token reads 8 experts' weights.
  double bytes = 8. * 2 * 1024 * 2048 * 4;
  EXPECT_GE(predictSeconds(target, shape, decode, 8),
            0.9 * bytes / (target.readGbps * 1e9));
  double flops = 2048. * 8 * 2 * 2 * 1024 * 2048;
  EXPECT_GE(predictSeconds(target, shape, prefill, 2048 * 8),
            flops / (target.cores * target.coreGflops * 1e9));
}

TEST(CostModel, StaysNearTheRoofs) {
  TargetDescription target;
  MatmulShape shape = gateUp();
  Strategy strategy = chooseStrategy(target, shape);
  ASSERT_TRUE(strategy.decode);
  double bytes = 8. * 2 * 1024 * 2048 * 4;
  EXPECT_LE(predictSeconds(target, shape, *strategy.decode, 8),
            1.2 * bytes / (target.readGbps * 1e9));
  double flops = 2048. * 8 * 2 * 2 * 1024 * 2048;
  EXPECT_LE(predictSeconds(target, shape, strategy.prefill, 2048 * 8),
            1.4 * flops / (target.cores * target.coreGflops * 1e9));
}

TEST(CostModel, NoRowsTakeNoTime) {
  EXPECT_EQ(predictSeconds({}, gateUp(), {8, 2048, 1, 8}, 0), 0);
}

TEST(CostModel, MoreRowsTakeMoreTime) {
  double before = 0;
  for (int64_t rows = 1; rows < 1 << 15; rows *= 2) {
    double seconds = predictSeconds({}, gateUp(), {96, 512, 8, 128}, rows);
    EXPECT_GE(seconds, before);
    before = seconds;
  }
}

TEST(CostModel, ThresholdIsWherePrefillWins) {
  TargetDescription target;
  MatmulShape shape = gateUp();
  Strategy strategy = chooseStrategy(target, shape);
  ASSERT_TRUE(strategy.decode);
  EXPECT_LE(strategy.decode->rows, kStreamedRows);
  EXPECT_EQ(strategy.decode->depth, shape.depth);
  EXPECT_EQ(strategy.decode->panels, 1);
  for (int64_t rows :
       {strategy.threshold, 4 * strategy.threshold, 64 * strategy.threshold})
    EXPECT_LE(predictSeconds(target, shape, strategy.prefill, rows),
              predictSeconds(target, shape, *strategy.decode, rows));
  EXPECT_GT(predictSeconds(target, shape, strategy.prefill, 8),
            predictSeconds(target, shape, *strategy.decode, 8));
}

TEST(CostModel, PrefillTilesFitHalfOfL2) {
  TargetDescription target;
  for (const Tile &tile : getPrefillTiles(target, gateUp())) {
    EXPECT_LE(tile.rows * tile.depth * 4 + tile.rows * tile.panels * 64,
              target.l2Bytes / 2);
    EXPECT_EQ(tile.depth % 2, 0);
    EXPECT_LE(tile.taskPanels, 128);
  }
}

TEST(CostModel, ACacheWithoutRoomStillHasATile) {
  TargetDescription target;
  target.l2Bytes = 1;
  EXPECT_EQ(getPrefillTiles(target, gateUp()).size(), 1u);
}

TEST(CostModel, AVariantThatGainsNothingIsLeftOut) {
  // With one core and a memory that is never the roof, streams are of no use.
  TargetDescription target;
  target.readGbps = 1e6;
  target.cores = 1;
  MatmulShape shape;
  shape.columns = 4096;
  shape.depth = 512;
  shape.numPanels = 256;
  EXPECT_FALSE(chooseStrategy(target, shape).decode);
}

TEST(CostModel, NestedMatmulsAreOneTask) {
  Tile tile = chooseTile({}, gateUp(), 16, /*nested=*/true);
  EXPECT_EQ(tile.taskPanels, 128);
  // No more room than 16 rows need in register tiles of 6.
  EXPECT_LE(tile.rows, 18);
}

TEST(CostModel, ReductionsSplitColumnsOnly) {
  MatmulShape shape = gateUp();
  shape.reduce = true;
  Tile whole{96, 512, 8, 128}, split{96, 512, 8, 16};
  // One task of all columns leaves seven of eight cores idle.
  EXPECT_GT(predictSeconds({}, shape, whole, 16384),
            3 * predictSeconds({}, shape, split, 16384));
}
} // namespace
