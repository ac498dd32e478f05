// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers that compiled modules give, for several row and worker counts.

#include "Harness.h"
#include "Modules.h"
#include <cmath>
#include <cstring>

using namespace moec::cpu;
using namespace moec::cpu::test;

namespace {
std::vector<float> someValues(size_t count, float scale) {
  std::vector<float> values(count);
  uint32_t state = 12345;
  for (float &value : values) {
    state = state * 1664525u + 1013904223u;
    value = scale * (static_cast<float>(state >> 8) / 8388608.0f - 1.0f);
  }
  return values;
}

uint16_t toBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits >> 16;
}
float fromBf16(uint16_t value) {
  uint32_t bits = static_cast<uint32_t>(value) << 16;
  float result;
  std::memcpy(&result, &bits, 4);
  return result;
}

std::vector<double> softmax(const double *row, size_t size) {
  double max = row[0], sum = 0;
  for (size_t i = 0; i < size; ++i)
    max = std::max(max, row[i]);
  std::vector<double> result(size);
  for (size_t i = 0; i < size; ++i)
    sum += result[i] = std::exp(row[i] - max);
  for (double &value : result)
    value /= sum;
  return result;
}

class CallTest : public ::testing::TestWithParam<const char *> {
protected:
  /// Compiles for the level under test; skips where the machine lacks it.
  std::unique_ptr<Library> load(const char *text) {
    auto module = compiler.compile(text, {GetParam()});
    EXPECT_TRUE(succeeded(module)) << compiler.messages;
    if (failed(module))
      return nullptr;
    return std::make_unique<Library>(module->code[0].elf);
  }
  void SetUp() override {
    if (!hostHas(GetParam()))
      GTEST_SKIP() << "this machine has no " << GetParam();
  }
  Compiler compiler;
};

TEST_P(CallTest, SoftmaxLayer) {
  auto library = load(kSoftmaxLayer);
  ASSERT_TRUE(library);
  std::vector<float> w = someValues(16 * 8, 1.0f);
  alignas(64) uint16_t packed[16 * 8];
  for (size_t i = 0; i < w.size(); ++i)
    w[i] = fromBf16(packed[i] = toBf16(w[i]));
  for (int64_t rows : {0, 1, 7, 700}) {
    std::vector<float> x = someValues(rows * 8, 3.0f);
    std::vector<float> first;
    for (uint32_t workers : {1, 2, 3}) {
      std::vector<float> y(rows * 16, -1), p(rows * 16, -1);
      Call call(workers);
      call.addArgument(x, {rows, 8}, MOEC_DTYPE_F32);
      call.addResult(y, {rows, 16}, MOEC_DTYPE_F32);
      call.addResult(p, {rows, 16}, MOEC_DTYPE_F32);
      call.addParameter(packed);
      ASSERT_EQ(call.run(*library, "layers_0_moe"), MOEC_FRAME_OK);
      // Nothing is left to do for no rows and nobody to share one with.
      if (rows <= 1) {
        EXPECT_EQ(call.services.calls, 0);
      }
      for (int64_t row = 0; row < rows; ++row) {
        double logits[16];
        for (int n = 0; n < 16; ++n) {
          logits[n] = 0;
          for (int k = 0; k < 8; ++k)
            logits[n] += static_cast<double>(x[row * 8 + k]) * w[n * 8 + k];
          EXPECT_NEAR(y[row * 16 + n], logits[n], 1e-5);
        }
        std::vector<double> expected = softmax(logits, 16);
        for (int n = 0; n < 16; ++n)
          EXPECT_NEAR(p[row * 16 + n], expected[n], 2e-5 * expected[n] + 1e-9);
      }
      if (first.empty())
        first = p;
      EXPECT_EQ(first, p) << workers << " workers";
    }
  }
}

TEST_P(CallTest, BlocksAndVariants) {
  auto library = load(kBlocksAndVariants);
  ASSERT_TRUE(library);
  for (int64_t rows : {0, 1, 3, 4, 5, 9, 200}) {
    std::vector<float> x = someValues(rows * 8, 3.0f);
    for (uint32_t workers : {1, 3}) {
      std::vector<float> y(rows * 8, -1), z(rows * 8, -1);
      Call call(workers);
      call.addArgument(x, {rows, 8}, MOEC_DTYPE_F32);
      call.addResult(y, {rows, 8}, MOEC_DTYPE_F32);
      call.addResult(z, {rows, 8}, MOEC_DTYPE_F32);
      ASSERT_EQ(call.run(*library, "f_1"), MOEC_FRAME_OK);
      for (int64_t row = 0; row < rows; ++row) {
        std::vector<double> in(&x[row * 8], &x[row * 8] + 8);
        std::vector<double> expected = softmax(in.data(), 8);
        for (int n = 0; n < 8; ++n) {
          EXPECT_NEAR(y[row * 8 + n], expected[n], 1e-6);
          double last =
              rows > 4 ? std::exp(expected[n]) + 1 : std::tanh(expected[n]);
          EXPECT_NEAR(z[row * 8 + n], last, 1e-6 * last + 1e-7);
        }
      }
    }
  }
}

// What looks like an update of the input is one of a copy.
TEST_P(CallTest, InputsStay) {
  auto library = load(R"mlir(
    func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = linalg.exp ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
      %z = linalg.exp ins(%y : tensor<4xf32>) outs(%y : tensor<4xf32>) -> tensor<4xf32>
      return %z : tensor<4xf32>
    })mlir");
  ASSERT_TRUE(library);
  std::vector<float> x = {0, -1, 0.5f, 1}, before = x, y(4);
  Call call(1);
  call.addArgument(x, {4}, MOEC_DTYPE_F32);
  call.addResult(y, {4}, MOEC_DTYPE_F32);
  ASSERT_EQ(call.run(*library, "f"), MOEC_FRAME_OK);
  EXPECT_EQ(x, before);
  for (int i = 0; i < 4; ++i)
    EXPECT_NEAR(y[i], std::exp(std::exp(x[i])), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Levels, CallTest,
                         ::testing::Values("x86-64-v3", "x86-64-v4"),
                         [](const auto &info) {
                           return std::string(info.param).substr(7, 2);
                         });
} // namespace
