// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Grouped operations as machine code against plain loops: tables with empty
// groups and dropped ids, odd sizes, all weights and tiles; any number of
// workers gives the same bits.

#include "Harness.h"
#include "Modules.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <cstring>

using namespace moec::cpu;
using namespace moec::cpu::test;

namespace {
/// A linear congruential generator: the same numbers everywhere.
struct Numbers {
  uint32_t state = 1;
  uint32_t next() { return state = state * 1664525u + 1013904223u; }
  int64_t below(int64_t limit) { return (next() >> 8) % limit; }
  float real() { return static_cast<float>(next() >> 8) / 8388608.0f - 1.0f; }
  std::vector<float> reals(size_t count) {
    std::vector<float> values(count);
    for (float &value : values)
      value = real();
    return values;
  }
};

struct Tables {
  std::vector<int32_t> ids, offsets, tokens, slots;
};

/// Assignments of `numTokens` to `groups` in `width` slots; some ids are out of
/// range, group 1 is empty.
Tables makeTables(Numbers &numbers, int64_t numTokens, int64_t width,
                  int64_t groups) {
  Tables tables;
  for (int64_t i = 0; i < numTokens * width; ++i) {
    int32_t id = numbers.below(groups + 2) - 1;
    tables.ids.push_back(id == 1 ? 0 : id);
  }
  tables.offsets.push_back(0);
  for (int32_t group = 0; group < groups; ++group) {
    for (int64_t i = 0; i < numTokens * width; ++i)
      if (tables.ids[i] == group) {
        tables.tokens.push_back(i / width);
        tables.slots.push_back(i % width);
      }
    tables.offsets.push_back(tables.tokens.size());
  }
  tables.tokens.resize(numTokens * width, -7);
  tables.slots.resize(numTokens * width, -7);
  return tables;
}

struct Case {
  const char *type;
  int64_t groups, depth, columns, parts;
  bool gather, reduce;
  const char *tile;
};

/// Rounds to the weight's type.
float roundTo(llvm::StringRef type, float value) {
  if (type == "f32")
    return value;
  // Few enough bits for bf16 and f16.
  return std::round(value * 64) / 64;
}

uint16_t encode(llvm::StringRef type, float value) {
  if (type == "f16") {
    _Float16 half = value;
    uint16_t bits;
    std::memcpy(&bits, &half, 2);
    return bits;
  }
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits >> 16;
}

constexpr int64_t kWidth = 2;

std::string makeModule(const Case &test) {
  int64_t group = llvm::StringRef(test.type) == "f32" ? 1 : 2;
  int64_t partLanes = 16 / test.parts;
  int64_t numPanels = (test.columns + partLanes - 1) / partLanes;
  std::string weight =
      llvm::formatv("tensor<{0}x{1}x{2}x16x{3}x{4}>", test.groups, numPanels,
                    (test.depth + group - 1) / group, group, test.type);
  const char *rows = test.reduce ? "T" : "R";
  return llvm::formatv(
      R"mlir(
ml_program.global private @w(#moe.random<seed = 1, std = 2.0e-02 : f64>) : {0}
func.func @f(%x: tensor<?x{1}xf32> {{moe.name = "x", moe.dims = ["{2}", "{1}"]},
    %o: tensor<{3}xi32> {{moe.name = "o", moe.dims = ["{3}"]},
    %t: tensor<?xi32> {{moe.name = "t", moe.dims = ["R"]},
    %s: tensor<?xi32> {{moe.name = "s", moe.dims = ["R"]},
    %k: tensor<?x2xf32> {{moe.name = "k", moe.dims = ["T", "2"]},
    %b: tensor<{4}x{5}xf32> {{moe.name = "b", moe.dims = ["{4}", "{5}"]})
    -> (tensor<?x{5}xf32> {{moe.name = "y", moe.dims = ["{6}", "{5}"]}) {{
  %w = ml_program.global_load_const @w : {0}
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim {7}
  %e = tensor.empty(%n) : tensor<?x{5}xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x{5}xf32>) -> tensor<?x{5}xf32>
  %y = grouped.matmul lhs(%x : tensor<?x{1}xf32>) rhs(%w : {0})
    groups(%o, %t, %s : tensor<{3}xi32>, tensor<?xi32>, tensor<?xi32>)
    extras(%k, %b : tensor<?x2xf32>, tensor<{4}x{5}xf32>)
    outs(%z : tensor<?x{5}xf32>) attributes {{{8}
      maps = [affine_map<(e, r, t, s, n) -> (t, s)>, affine_map<(e, r, t, s, n) -> (e, n)>],
      panels = #grouped.panels<parts = {9}, columns = {5}, depth = {1}>{10}} {{
  ^bb0(%a: f32, {11}%weight: f32, %bias: f32):
    %c = arith.constant 1.3 : f32
    %one = arith.constant 1.0 : f32
    %m0 = arith.mulf %a, %c : f32
    %m1 = arith.negf %m0 : f32
    %m2 = math.exp %m1 : f32
    %m3 = arith.addf %m2, %one : f32
    %m4 = arith.divf %a, %m3 : f32
    %m5 = arith.mulf %m4, {12} : f32
    %m6 = arith.addf %m5, %bias : f32
    %m7 = arith.mulf %m6, %weight : f32
    grouped.yield %m7 : f32
  } -> tensor<?x{5}xf32>
  return %y : tensor<?x{5}xf32>
}
)mlir",
      weight, test.depth, test.gather ? "T" : "R", test.groups + 1, test.groups,
      test.columns, rows,
      test.reduce ? "%k, %c0 : tensor<?x2xf32>" : "%t, %c0 : tensor<?xi32>",
      std::string(test.gather ? "gather, " : "") +
          (test.reduce ? "reduce, " : ""),
      test.parts, test.tile, test.parts == 2 ? "%u: f32, " : "",
      test.parts == 2 ? "%u" : "%one");
}

class GroupedTest : public ::testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    if (!hostHas(GetParam()))
      GTEST_SKIP() << "this machine has no " << GetParam();
  }
  void check(const Case &test);
};

void GroupedTest::check(const Case &test) {
  SCOPED_TRACE(llvm::formatv("{0} {1}x{2}x{3} parts {4}{5}{6}{7}", test.type,
                             test.groups, test.columns, test.depth, test.parts,
                             test.gather ? " gather" : "",
                             test.reduce ? " reduce" : "", test.tile)
                   .str());
  Compiler compiler;
  auto module = compiler.compile(makeModule(test), {GetParam()});
  ASSERT_TRUE(succeeded(module)) << compiler.messages;
  Library library(module->code[0].elf);

  Numbers numbers;
  int64_t group = llvm::StringRef(test.type) == "f32" ? 1 : 2;
  int64_t partLanes = 16 / test.parts;
  int64_t numPanels = (test.columns + partLanes - 1) / partLanes;
  int64_t padded = (test.depth + group - 1) / group * group;
  auto weightAt = [&](int64_t part, int64_t g, int64_t n, int64_t k) {
    uint32_t hash = ((part * 31 + g) * 1009 + n) * 1013 + k;
    hash = hash * 2654435761u;
    return roundTo(test.type, static_cast<float>(hash >> 9) / 4194304.0f - 1);
  };
  // One element more than needed keeps the vector from being empty.
  size_t count = test.groups * numPanels * padded * 16;
  std::vector<float> wide(count + 16, 0);
  std::vector<uint16_t> narrow(count + 32, 0);
  auto *wideData = reinterpret_cast<float *>(
      (reinterpret_cast<uintptr_t>(wide.data()) + 63) / 64 * 64);
  auto *narrowData = reinterpret_cast<uint16_t *>(
      (reinterpret_cast<uintptr_t>(narrow.data()) + 63) / 64 * 64);
  for (int64_t g = 0; g < test.groups; ++g)
    for (int64_t part = 0; part < test.parts; ++part)
      for (int64_t n = 0; n < test.columns; ++n)
        for (int64_t k = 0; k < test.depth; ++k) {
          int64_t lane = part * partLanes + n % partLanes;
          int64_t at =
              ((g * numPanels + n / partLanes) * (padded / group) + k / group) *
                  16 * group +
              lane * group + k % group;
          float value = weightAt(part, g, n, k);
          if (group == 1)
            wideData[at] = value;
          else
            narrowData[at] = encode(test.type, value);
        }

  for (int64_t numTokens : {0, 1, 3, 40}) {
    Tables tables = makeTables(numbers, numTokens, kWidth, test.groups);
    int64_t rows = numTokens * kWidth;
    std::vector<float> x =
        numbers.reals((test.gather ? numTokens : rows) * test.depth);
    std::vector<float> k = numbers.reals(rows);
    std::vector<float> bias = numbers.reals(test.groups * test.columns);
    int64_t results = test.reduce ? numTokens : rows;
    std::vector<double> expected(results * test.columns, 0);
    for (int64_t g = 0; g < test.groups; ++g)
      for (int64_t r = tables.offsets[g]; r < tables.offsets[g + 1]; ++r)
        for (int64_t n = 0; n < test.columns; ++n) {
          int64_t token = tables.tokens[r];
          const float *row = &x[(test.gather ? token : r) * test.depth];
          double sums[2] = {0, 1};
          for (int64_t part = 0; part < test.parts; ++part) {
            sums[part] = 0;
            for (int64_t i = 0; i < test.depth; ++i)
              sums[part] += double(row[i]) * weightAt(part, g, n, i);
          }
          double value = sums[0] / (1 + std::exp(-1.3 * sums[0])) * sums[1];
          value += bias[g * test.columns + n];
          value *= k[token * kWidth + tables.slots[r]];
          if (test.reduce)
            expected[token * test.columns + n] += value;
          else
            expected[r * test.columns + n] = value;
        }
    std::vector<float> first;
    for (uint32_t workers : {1, 2, 3}) {
      std::vector<float> y(results * test.columns, -1);
      Call call(workers);
      call.addArgument(x, {test.gather ? numTokens : rows, test.depth},
                       MOEC_DTYPE_F32);
      call.addArgument(tables.offsets, {test.groups + 1}, MOEC_DTYPE_I32);
      call.addArgument(tables.tokens, {rows}, MOEC_DTYPE_I32);
      call.addArgument(tables.slots, {rows}, MOEC_DTYPE_I32);
      call.addArgument(k, {numTokens, kWidth}, MOEC_DTYPE_F32);
      call.addArgument(bias, {test.groups, test.columns}, MOEC_DTYPE_F32);
      call.addResult(y, {results, test.columns}, MOEC_DTYPE_F32);
      call.addParameter(group == 1 ? static_cast<const void *>(wideData)
                                   : narrowData);
      ASSERT_EQ(call.run(library, "f"), MOEC_FRAME_OK);
      for (size_t i = 0; i < y.size(); ++i)
        ASSERT_NEAR(y[i], expected[i], 1e-4 * (1 + std::abs(expected[i])))
            << "element " << i << " of " << numTokens << " tokens";
      if (first.empty())
        first = y;
      EXPECT_EQ(first, y) << workers << " workers";
    }
  }
}

TEST_P(GroupedTest, MatmulF32) {
  check({"f32", 3, 40, 32, 2, true, false, ""});
  check({"f32", 4, 33, 19, 1, false, true,
         ", tile = #grouped.tile<rows = 12, depth = 16, panels = 1, "
         "task_panels = 1>"});
}

TEST_P(GroupedTest, MatmulBf16) {
  check({"bf16", 3, 41, 13, 2, true, true,
         ", tile = #grouped.tile<rows = 8, depth = 24, panels = 2, "
         "task_panels = 2>"});
  check({"bf16", 5, 64, 48, 1, false, false,
         ", tile = #grouped.tile<rows = 8, depth = 64, panels = 1, "
         "task_panels = 2>"});
}

TEST_P(GroupedTest, MatmulF16) {
  check({"f16", 2, 7, 5, 2, false, false, ""});
  check({"f16", 3, 24, 40, 1, true, true, ""});
}

TEST(MicrokernelTest, KeepsSumsInRegisters) {
  for (const char *type : {"f32", "bf16"})
    for (const char *level : {"x86-64-v3", "x86-64-v4"}) {
      Compiler compiler;
      Case test{type, 2, 64, 32, 2, true, false, ""};
      auto module = compiler.compile(makeModule(test), {level});
      ASSERT_TRUE(succeeded(module)) << compiler.messages;
      std::vector<int> counts =
          countStackAccesses(module->code[0].assembly, "vfmadd", 64);
      EXPECT_FALSE(counts.empty()) << type << " " << level;
      for (int count : counts)
        EXPECT_EQ(count, 0) << type << " " << level;
    }
}

INSTANTIATE_TEST_SUITE_P(Levels, GroupedTest,
                         ::testing::Values("x86-64-v3", "x86-64-v4"),
                         [](const auto &info) {
                           return llvm::StringRef(info.param) == "x86-64-v3"
                                      ? "v3"
                                      : "v4";
                         });
} // namespace
