// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Sampler.h"
#include <array>
#include <cmath>
#include <gtest/gtest.h>

using namespace moec;

namespace {

TEST(Sampler, takesTheHighestWithoutTemperature) {
  Sampler sampler(0, 1, 7);
  std::array<float, 4> logits = {1, 3, 3, -2};
  EXPECT_EQ(sampler.choose(logits), 1);
}

TEST(Sampler, drawsByProbability) {
  Sampler sampler(2, 1, 1);
  // exp(x / 2) is 1, 2 and 5.
  std::array<float, 3> logits = {0, 2 * std::log(2.0f), 2 * std::log(5.0f)};
  constexpr int draws = 40000;
  std::array<int, 3> counts = {};
  for (int i = 0; i < draws; ++i)
    ++counts[static_cast<size_t>(sampler.choose(logits))];
  // Four standard deviations of a binomial are below 0.01 of the draws.
  EXPECT_NEAR(double(counts[0]) / draws, 1.0 / 8, 0.01);
  EXPECT_NEAR(double(counts[1]) / draws, 2.0 / 8, 0.01);
  EXPECT_NEAR(double(counts[2]) / draws, 5.0 / 8, 0.01);
}

TEST(Sampler, keepsTheLikeliestUpToTopP) {
  Sampler sampler(1, 0.75, 1);
  // Probabilities 0.5, 0.3 and 0.2: the first two reach 0.75.
  std::array<float, 3> logits = {std::log(0.3f), std::log(0.5f),
                                 std::log(0.2f)};
  std::array<int, 3> counts = {};
  for (int i = 0; i < 1000; ++i)
    ++counts[static_cast<size_t>(sampler.choose(logits))];
  EXPECT_EQ(counts[2], 0);
  EXPECT_GT(counts[0], 250);
  EXPECT_GT(counts[1], 500);
}

} // namespace
