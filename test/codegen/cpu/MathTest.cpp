// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How near the expanded functions are to the true values.

#include "Harness.h"
#include <cmath>
#include <limits>

using namespace moec::cpu;
using namespace moec::cpu::test;

namespace {
struct Function {
  const char *op;
  double (*truth)(double);
  float from, to;
  double relative, absolute;
};

void PrintTo(const Function &function, std::ostream *stream) {
  *stream << (function.op ? function.op : "");
}

double rsqrt(double x) { return 1 / std::sqrt(x); }

class MathTest : public ::testing::TestWithParam<Function> {
protected:
  std::vector<float> evaluate(const char *op, std::vector<float> in) {
    std::string text = R"mlir(
      #map = affine_map<(a) -> (a)>
      func.func @f(%x: tensor<?xf32> {moe.dims = ["N"]}) -> (tensor<?xf32> {moe.dims = ["N"]}) {
        %c0 = arith.constant 0 : index
        %n = tensor.dim %x, %c0 : tensor<?xf32>
        %e = tensor.empty(%n) : tensor<?xf32>
        %y = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]}
          ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
        ^bb0(%a: f32, %b: f32):
          %q = )mlir" + std::string(op) +
                       R"mlir( %a : f32
          linalg.yield %q : f32
        } -> tensor<?xf32>
        return %y : tensor<?xf32>
      })mlir";
    Compiler compiler;
    auto module = compiler.compile(text, {"x86-64-v3"});
    EXPECT_TRUE(succeeded(module)) << compiler.messages;
    if (failed(module))
      return {};
    Library library(module->code[0].elf);
    int64_t count = in.size();
    std::vector<float> out(count);
    Call call(1);
    call.addArgument(in, {count}, MOEC_DTYPE_F32);
    call.addResult(out, {count}, MOEC_DTYPE_F32);
    EXPECT_EQ(call.run(library, "f"), MOEC_FRAME_OK);
    return out;
  }
  void SetUp() override {
    if (!hostHas("x86-64-v3"))
      GTEST_SKIP() << "this machine has no x86-64-v3";
  }
};

TEST_P(MathTest, Accuracy) {
  const Function &function = GetParam();
  constexpr int kSteps = 100003;
  std::vector<float> in(kSteps);
  for (int i = 0; i < kSteps; ++i)
    in[i] =
        function.from + (function.to - function.from) * (i / (kSteps - 1.0));
  std::vector<float> out = evaluate(function.op, in);
  ASSERT_EQ(out.size(), in.size());
  double worst = 0;
  float at = 0;
  for (int i = 0; i < kSteps; ++i) {
    double truth = function.truth(in[i]);
    double excess = std::abs(out[i] - truth) -
                    (function.relative * std::abs(truth) + function.absolute);
    if (!(excess <= worst)) {
      worst = excess;
      at = in[i];
    }
  }
  EXPECT_EQ(worst, 0) << "at " << at << ", true value " << function.truth(at);
}

INSTANTIATE_TEST_SUITE_P(
    Functions, MathTest,
    ::testing::Values(
        Function{"math.exp", std::exp, -87.0f, 88.7f, 2e-7, 0},
        Function{"math.exp", std::exp, -103.5f, -86.0f, 2e-7, 1.5e-45},
        Function{"math.tanh", std::tanh, -12.0f, 12.0f, 1e-6, 1e-7},
        Function{"math.erf", std::erf, -5.0f, 5.0f, 1e-6, 1e-6},
        Function{"math.log", std::log, 1e-3f, 1e4f, 1e-6, 1e-6},
        Function{"math.log1p", std::log1p, -0.9f, 100.0f, 1e-6, 1e-6},
        Function{"math.rsqrt", rsqrt, 1e-4f, 1e4f, 1e-6, 0},
        Function{"math.sin", std::sin, -20.0f, 20.0f, 1e-5, 1e-5},
        Function{"math.cos", std::cos, -20.0f, 20.0f, 1e-5, 1e-5}),
    [](const auto &info) {
      return std::string(info.param.op).substr(5) + "_" +
             std::to_string(info.index);
    });

class ExpTest : public MathTest {};
TEST_P(ExpTest, SpecialValues) {
  float inf = std::numeric_limits<float>::infinity();
  std::vector<float> out =
      evaluate("math.exp", {std::nanf(""), inf, -inf, 0.0f, -0.0f, 200.0f,
                            -200.0f, 89.0f, -104.0f, 88.72f});
  ASSERT_EQ(out.size(), 10u);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_EQ(out[1], inf);
  EXPECT_EQ(out[2], 0.0f);
  EXPECT_EQ(out[3], 1.0f);
  EXPECT_EQ(out[4], 1.0f);
  EXPECT_EQ(out[5], inf);
  EXPECT_EQ(out[6], 0.0f);
  EXPECT_EQ(out[7], inf);
  EXPECT_EQ(out[8], 0.0f);
  EXPECT_LT(out[9], inf);
}
INSTANTIATE_TEST_SUITE_P(Exp, ExpTest, ::testing::Values(Function{}));
} // namespace
