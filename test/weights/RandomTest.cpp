// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/Random.h"
#include "llvm/ADT/APFloat.h"
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

using namespace moec;

namespace {

std::vector<float> makeFloats(int64_t seed, double std, uint64_t first,
                              int64_t count) {
  std::vector<float> values(count);
  fillRandom(seed, std, RandomElement::F32, first, count, values.data());
  return values;
}

TEST(Random, isAFunctionOfSeedAndIndex) {
  std::vector<float> all = makeFloats(5, 0.5, 0, 100);
  std::vector<float> tail = makeFloats(5, 0.5, 40, 60);
  EXPECT_EQ(std::vector<float>(all.begin() + 40, all.end()), tail);
  EXPECT_NE(makeFloats(6, 0.5, 0, 100), all);
}

// Values that artifacts and goldens depend on.
TEST(Random, isFixedForever) {
  std::vector<float> values = makeFloats(1, 1.0, 0, 3);
  EXPECT_FLOAT_EQ(values[0], -0.22575650f);
  EXPECT_FLOAT_EQ(values[1], 0.68015027f);
  EXPECT_FLOAT_EQ(values[2], 0.36146939f);
}

TEST(Random, hasMeanAndDeviation) {
  std::vector<float> values = makeFloats(1, 0.02, 0, 1 << 20);
  double sum = 0, squares = 0;
  for (float value : values) {
    sum += value;
    squares += double(value) * value;
  }
  EXPECT_NEAR(sum / values.size(), 0.0, 1e-4);
  EXPECT_NEAR(std::sqrt(squares / values.size()), 0.02, 1e-4);
}

TEST(Random, roundsToNearestEven) {
  // Down to the subnormals of f16 and up to its infinity.
  for (double std : {1.0, 0.02, 1e-5, 1e-7, 40000.0}) {
    constexpr int64_t kCount = 10000;
    std::vector<float> values = makeFloats(9, std, 0, kCount);
    std::vector<uint16_t> f16(kCount), bf16(kCount);
    fillRandom(9, std, RandomElement::F16, 0, kCount, f16.data());
    fillRandom(9, std, RandomElement::BF16, 0, kCount, bf16.data());
    for (int64_t i = 0; i < kCount; ++i) {
      auto rounded = [&](const llvm::fltSemantics &semantics) {
        llvm::APFloat value(values[i]);
        bool lost;
        value.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &lost);
        return value.bitcastToAPInt().getZExtValue();
      };
      ASSERT_EQ(f16[i], rounded(llvm::APFloat::IEEEhalf())) << values[i];
      ASSERT_EQ(bf16[i], rounded(llvm::APFloat::BFloat())) << values[i];
    }
  }
}

} // namespace
