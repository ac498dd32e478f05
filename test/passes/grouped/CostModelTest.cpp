// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Strategy.h"
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
  Machine target;
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
  Machine target;
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

// Products of int4 codes take half the time of f32, and rows of codes so little
// room that a tile keeps the whole depth.
TEST(CostModel, IntegersAreFasterThanF32) {
  Machine target;
  MatmulShape f32 = gateUp(), int4 = gateUp(), int8 = gateUp();
  int4.quantizedBytes = 18. / 32;
  int4.product = Product::Int4;
  int8.quantizedBytes = 34. / 32;
  int8.product = Product::Int8;
  auto predict = [&](const MatmulShape &shape) {
    Tile tile = chooseStrategy(target, shape).prefill;
    return predictSeconds(target, shape, tile, 2048 * 8);
  };
  EXPECT_LT(predict(int4), 0.6 * predict(f32));
  EXPECT_LT(predict(int8), predict(f32));
  EXPECT_LT(predict(int4), predict(int8));
  EXPECT_EQ(chooseStrategy(target, int4).prefill.depth, int4.depth);
}

// Few rows read the bytes of the codes; many are cut as for f32, so that a
// decoded panel serves more rows than a register tile.
TEST(CostModel, QuantisedWeightsAreReadAsStoredAndMultipliedAsF32) {
  Machine target;
  MatmulShape f32 = gateUp(), int4 = gateUp();
  int4.quantizedBytes = 18. / 32;
  Tile decode{24, 2048, 1, 8}, prefill{96, 512, 8, 128};
  EXPECT_LT(predictSeconds(target, int4, decode, 8),
            0.25 * predictSeconds(target, f32, decode, 8));
  EXPECT_GT(predictSeconds(target, int4, prefill, 2048 * 8),
            0.95 * predictSeconds(target, f32, prefill, 2048 * 8));
  EXPECT_GT(chooseStrategy(target, int4).prefill.rows, 24);
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
  Machine target;
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
  Machine target;
  for (const Tile &tile : getPrefillTiles(target, gateUp())) {
    EXPECT_LE(tile.rows * tile.depth * 4 + tile.rows * tile.panels * 64,
              target.l2Bytes / 2);
    EXPECT_EQ(tile.depth % 2, 0);
    EXPECT_LE(tile.taskPanels, 128);
  }
}

TEST(CostModel, ACacheWithoutRoomStillHasATile) {
  Machine target;
  target.l2Bytes = 1;
  EXPECT_EQ(getPrefillTiles(target, gateUp()).size(), 1u);
}

TEST(CostModel, AVariantThatGainsNothingIsLeftOut) {
  // With one core and a memory that is never the roof, streams are of no use.
  Machine target;
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

/// What reduces the output of gateUp().
MatmulShape down() {
  MatmulShape shape;
  shape.groups = 64;
  shape.columns = 2048;
  shape.depth = 1024;
  shape.numPanels = 128;
  shape.reduce = true;
  shape.rowsPerToken = 8;
  return shape;
}

TEST(CostModel, ActiveGroups) {
  MatmulShape shape = gateUp();
  // One token goes to 8 different experts, and two meet in 8 * 8 / 64 of them.
  EXPECT_DOUBLE_EQ(getActiveGroups(shape, 8), 8);
  EXPECT_NEAR(getActiveGroups(shape, 16), 15, 1e-9);
  EXPECT_NEAR(getActiveGroups(shape, 1 << 16), 64, 1e-6);
  EXPECT_DOUBLE_EQ(getActiveGroups(MatmulShape(), 100), 1);
}

TEST(CostModel, PairsStayNearTheRoofs) {
  Machine machine;
  machine.cores = 2;
  machine.readGbps = 25;
  PairStrategy strategy = choosePair(machine, gateUp(), down());
  double bytes = 8. * 3 * 1024 * 2048 * 4;
  double decode = predictSeconds(machine, gateUp(), down(), strategy.decode, 8);
  EXPECT_GE(decode, bytes / 25e9);
  EXPECT_LE(decode, 1.2 * bytes / 25e9);
  double flops = 2048. * 8 * 3 * 2 * 1024 * 2048;
  double prefill =
      predictSeconds(machine, gateUp(), down(), strategy.prefill, 2048 * 8);
  EXPECT_GE(prefill, flops / 200e9);
  EXPECT_LE(prefill, 1.2 * flops / 200e9);
}

TEST(CostModel, MoreRowsOfAPairTakeMoreTime) {
  PairStrategy strategy = choosePair({}, gateUp(), down());
  double before = 0;
  for (int64_t rows = 1; rows < 1 << 15; rows *= 2) {
    double seconds =
        predictSeconds({}, gateUp(), down(), strategy.prefill, rows);
    EXPECT_GE(seconds, before);
    before = seconds;
  }
}

TEST(CostModel, PairsHaveTheSameRows) {
  PairStrategy strategy = choosePair({}, gateUp(), down());
  EXPECT_EQ(strategy.decode.first.rows, strategy.decode.second.rows);
  EXPECT_EQ(strategy.prefill.first.rows, strategy.prefill.second.rows);
  EXPECT_LE(strategy.decode.first.rows, kStreamedRows);
  EXPECT_GE(strategy.waveRows, strategy.prefill.first.rows);
  // Two waves of rows take 8 MiB.
  EXPECT_EQ(strategy.waveRows, 1024);
}

TEST(CostModel, AFasterMachineTakesLessTime) {
  PairStrategy strategy = choosePair({}, gateUp(), down());
  Machine wide, fast;
  wide.readGbps *= 2;
  fast.coreGflops *= 2;
  auto seconds = [&](const Machine &machine, const TilePair &tiles,
                     int64_t rows) {
    return predictSeconds(machine, gateUp(), down(), tiles, rows);
  };
  EXPECT_LT(seconds(wide, strategy.decode, 8),
            0.6 * seconds({}, strategy.decode, 8));
  EXPECT_LT(seconds(fast, strategy.prefill, 16384),
            0.6 * seconds({}, strategy.prefill, 16384));
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
