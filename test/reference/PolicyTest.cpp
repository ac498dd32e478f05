// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The code that a policy emits against its meaning, and its meaning against
// numbers from the model families that use it.

#include "dialects/moe/Moe.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "test/reference/Harness.h"
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace mlir;
using namespace moec::reference;
using moec::moe::SelectionPolicyInterface;

namespace {
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

SelectionPolicyInterface parsePolicy(Program &program, StringRef text) {
  return cast<SelectionPolicyInterface>(
      parseAttribute(text, &program.getContext()));
}

std::vector<int64_t> select(SelectionPolicyInterface policy,
                            ArrayRef<double> scores, ArrayRef<bool> mask = {}) {
  ArrayRef<double> rows[] = {scores};
  SmallVector<int32_t> ids(
      policy.getMaxSlots({static_cast<int64_t>(scores.size())}), 77);
  moec::moe::ReferenceRow row{rows, mask, {}, ids, {}};
  policy.selectRow(row);
  return {ids.begin(), ids.end()};
}

/// Copies `tensor[i]` into `memref[i]` for each of `size` elements.
void copyIn(ImplicitLocOpBuilder &b, Value tensor, Value memref, int64_t size) {
  for (int64_t i = 0; i < size; ++i) {
    Value index = arith::ConstantIndexOp::create(b, i);
    Value element = tensor::ExtractOp::create(b, tensor, index);
    memref::StoreOp::create(b, element, memref, index);
  }
}

/// @main: a row of scores and a mask go through buildRow.
void buildMain(Program &program, SelectionPolicyInterface policy, Type type,
               int64_t experts, bool masked) {
  MLIRContext *context = &program.getContext();
  ImplicitLocOpBuilder b(UnknownLoc::get(context), context);
  int64_t slots = policy.getMaxSlots({experts});
  auto scoresType = RankedTensorType::get({experts}, type);
  auto maskType = RankedTensorType::get({experts}, b.getI1Type());
  auto idsType = RankedTensorType::get({slots}, b.getI32Type());
  b.setInsertionPointToEnd(program.getModule().getBody());
  auto main = func::FuncOp::create(
      b, "main", b.getFunctionType({scoresType, maskType}, {idsType}));
  b.setInsertionPointToStart(main.addEntryBlock());
  Value scores = memref::AllocaOp::create(b, MemRefType::get({experts}, type));
  Value ids =
      memref::AllocaOp::create(b, MemRefType::get({slots}, b.getI32Type()));
  copyIn(b, main.getArgument(0), scores, experts);
  Value mask;
  if (masked) {
    mask =
        memref::AllocaOp::create(b, MemRefType::get({experts}, b.getI1Type()));
    copyIn(b, main.getArgument(1), mask, experts);
  }
  moec::moe::RowOperands row{scores, mask, {}, ids, Value()};
  policy.buildRow(b, b.getLoc(), row);
  SmallVector<Value> loaded;
  for (int64_t i = 0; i < slots; ++i)
    loaded.push_back(memref::LoadOp::create(
        b, ids, ValueRange{arith::ConstantIndexOp::create(b, i)}));
  Value result = tensor::FromElementsOp::create(b, idsType, loaded);
  func::ReturnOp::create(b, result);
}

struct Case {
  const char *policy;
  int64_t experts;
};

class PolicyTest : public testing::TestWithParam<Case> {};

/// Few distinct scores, so that ties, NaN and infinities are frequent.
TEST_P(PolicyTest, CodeAgreesWithMeaning) {
  std::mt19937 random(1);
  const double choices[] = {-kInf, -2, -1, -1, 0, 0.5, 0.5, 1, 3, kInf, kNaN};
  for (bool masked : {false, true}) {
    for (const char *typeName : {"f32", "f64", "bf16"}) {
      Program program("module {}");
      SelectionPolicyInterface policy = parsePolicy(program, GetParam().policy);
      int64_t experts = GetParam().experts;
      Type type = parseType(typeName, &program.getContext());
      buildMain(program, policy, type, experts, masked);
      for (int round = 0; round < 100; ++round) {
        Tensor scores = reals({experts}, {});
        SmallVector<double> numbers;
        SmallVector<bool> mask;
        for (int64_t i = 0; i < experts; ++i) {
          // Every other row has no ties.
          double value = round % 2 ? choices[random() % 11]
                                   : (random() % 100000) * 1e-4 - 5;
          scores.data.push_back(roundTo(type, makeReal(value)));
          numbers.push_back(scores.data.back().real);
          mask.push_back(random() % 3 != 0);
        }
        Tensor maskTensor =
            integers({experts}, SmallVector<int64_t>(mask.begin(), mask.end()));
        std::vector<Tensor> results = program.run({scores, maskTensor});
        ASSERT_EQ(results.size(), 1u) << program.getErrors();
        EXPECT_EQ(integersOf(results[0]),
                  select(policy, numbers,
                         masked ? ArrayRef<bool>(mask) : ArrayRef<bool>()))
            << typeName << " round " << round;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, PolicyTest,
    testing::Values(
        Case{"#moe.top_k<1>", 1}, Case{"#moe.top_k<2>", 8},
        Case{"#moe.top_k<5>", 5},
        Case{"#moe.grouped_top_k<2, groups = 4, kept = 2>", 8},
        Case{"#moe.grouped_top_k<3, groups = 3, kept = 1, score = sum2>", 9},
        Case{"#moe.grouped_top_k<8, groups = 4, kept = 2, score = sum2,"
             " masked = zero>",
             16},
        Case{"#moe.grouped_top_k<4, groups = 1, kept = 1, masked = zero>", 4},
        Case{"#moe.grouped_top_k<2, groups = 64, kept = 3>", 64},
        Case{"#test.bottom_k<3>", 8}));

using Ids = std::vector<int64_t>;

TEST(TopK, HigherFirstThenLowerId) {
  Program program("module {}");
  auto policy = parsePolicy(program, "#moe.top_k<3>");
  EXPECT_EQ(select(policy, {1, 3, 2, 3}), (Ids{1, 3, 2}));
  EXPECT_EQ(select(policy, {0, 0, 0, 0}), (Ids{0, 1, 2}));
  EXPECT_EQ(select(policy, {-0.0, 0.0, -1, -1}), (Ids{0, 1, 2}));
}

TEST(TopK, NaNAndMaskAreNeverSelected) {
  Program program("module {}");
  auto policy = parsePolicy(program, "#moe.top_k<3>");
  EXPECT_EQ(select(policy, {kNaN, 1, kNaN, -kInf}), (Ids{1, 3, -1}));
  EXPECT_EQ(select(policy, {4, 3, 2, 1}, {false, true, false, true}),
            (Ids{1, 3, -1}));
}

// DeepSeek-V3: the two highest of a group, summed, choose the groups.
TEST(GroupedTopK, SumOfTwo) {
  Program program("module {}");
  auto policy = parsePolicy(
      program, "#moe.grouped_top_k<2, groups = 3, kept = 1, score = sum2>");
  EXPECT_EQ(select(policy, {9, 0, 0, 5, 6, 0, 1, 2, 3}), (Ids{4, 3}));
}

// DeepSeek-V2: the highest of a group chooses the groups.
TEST(GroupedTopK, Maximum) {
  Program program("module {}");
  auto policy =
      parsePolicy(program, "#moe.grouped_top_k<2, groups = 3, kept = 1>");
  EXPECT_EQ(select(policy, {9, 0, 0, 5, 6, 0, 1, 2, 3}), (Ids{0, 1}));
}

// With zero, a losing expert beats the negative scores of the winning group.
TEST(GroupedTopK, LosersAsZero) {
  Program program("module {}");
  auto policy = parsePolicy(
      program, "#moe.grouped_top_k<3, groups = 2, kept = 1, masked = zero>");
  EXPECT_EQ(select(policy, {-5, -4, 2, -1}), (Ids{2, 0, 1}));
  auto strict =
      parsePolicy(program, "#moe.grouped_top_k<2, groups = 2, kept = 1>");
  EXPECT_EQ(select(strict, {-5, -4, 2, -1}), (Ids{2, 3}));
}

TEST(BottomK, LowerFirstThenLowerId) {
  Program program("module {}");
  auto policy = parsePolicy(program, "#test.bottom_k<3>");
  EXPECT_EQ(select(policy, {1, kNaN, 0, 1}), (Ids{2, 0, 3}));
}

TEST(Policies, TellWhetherOrderIsAll) {
  Program program("module {}");
  auto onOrder = [&](StringRef text) {
    return parsePolicy(program, text).dependsOnOrderOnly();
  };
  EXPECT_TRUE(onOrder("#moe.top_k<2>"));
  EXPECT_TRUE(onOrder("#moe.grouped_top_k<2, groups = 2, kept = 1>"));
  EXPECT_FALSE(
      onOrder("#moe.grouped_top_k<2, groups = 2, kept = 1, score = sum2>"));
  EXPECT_FALSE(
      onOrder("#moe.grouped_top_k<2, groups = 2, kept = 1, masked = zero>"));
}
} // namespace
