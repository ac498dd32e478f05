// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Kernels.h"

#include <gtest/gtest.h>

using namespace moec::ptx;
using namespace moec::ptx::test;

static void runAll(const std::string &file, const std::vector<Case> &cases) {
  std::string error;
  auto module = Module::parse(readKernels(file), error);
  ASSERT_TRUE(module) << error;
  for (const Case &c : cases)
    for (int size : c.sizes)
      for (const Schedule &schedule : schedules(size))
        EXPECT_EQ(c.run(*module, schedule, size), "")
            << c.kernel << " of " << size;
}

TEST(PtxKernels, OfTheAmpereKind) { runAll("sm80.ptx", sm80Cases); }

TEST(PtxKernels, OfTheHopperKind) { runAll("sm90a.ptx", {hopperCase}); }

TEST(PtxKernels, OfALayerAsMoecEmitsIt) { runAll("layer.ptx", {layerCase}); }

TEST(PtxKernels, OfTilesAsMoecEmitsThem) { runAll("tiles.ptx", tilesCases); }

TEST(PtxKernels, TilesReadWhatTheyMust) {
  std::string error;
  auto module = Module::parse(readKernels("tiles.ptx"), error);
  ASSERT_TRUE(module) << error;
  Options options;
  options.count = true;
  for (const Case &c : tilesCases)
    EXPECT_EQ(c.run(*module, options, 130), "") << c.kernel;
}

TEST(PtxKernels, OfTriton) {
  runAll("triton80.ptx", {tritonCase});
  runAll("triton90.ptx", {tritonCase});
}

TEST(PtxKernels, OfMlir) { runAll("product.ptx", {mlirCase}); }
