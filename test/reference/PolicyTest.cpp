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

struct Selected {
  std::vector<int64_t> ids;
  std::vector<double> scores;
};

Selected selectRow(SelectionPolicyInterface policy,
                   ArrayRef<ArrayRef<double>> rows, ArrayRef<bool> mask,
                   ArrayRef<double> params, bool isF64) {
  SmallVector<int64_t> widths;
  for (ArrayRef<double> row : rows)
    widths.push_back(row.size());
  int64_t slots = policy.getMaxSlots(widths);
  SmallVector<int32_t> ids(slots, 77);
  SmallVector<double> scores(policy.yieldsScores() ? slots : 0, 77);
  moec::moe::ReferenceRow row{rows, mask, params, ids, scores, isF64};
  policy.selectRow(row);
  return {{ids.begin(), ids.end()}, {scores.begin(), scores.end()}};
}

std::vector<int64_t> select(SelectionPolicyInterface policy,
                            ArrayRef<double> scores, ArrayRef<bool> mask = {},
                            ArrayRef<double> params = {}) {
  return selectRow(policy, scores, mask, params, /*isF64=*/true).ids;
}

/// Copies `tensor[i]` into `memref[i]` for each of `size` elements.
void copyIn(ImplicitLocOpBuilder &b, Value tensor, Value memref, int64_t size) {
  for (int64_t i = 0; i < size; ++i) {
    Value index = arith::ConstantIndexOp::create(b, i);
    Value element = tensor::ExtractOp::create(b, tensor, index);
    memref::StoreOp::create(b, element, memref, index);
  }
}

Type getParamType(SelectionPolicyInterface policy) {
  MLIRContext *context = policy.getContext();
  if (policy.isCountParam(0))
    return IntegerType::get(context, 32);
  return Float32Type::get(context);
}

/// @main: rows of scores, a mask and a param go through buildRow.
void buildMain(Program &program, SelectionPolicyInterface policy, Type type,
               int64_t width, bool masked) {
  MLIRContext *context = &program.getContext();
  ImplicitLocOpBuilder b(UnknownLoc::get(context), context);
  SmallVector<int64_t> widths(policy.getNumScores(), width);
  int64_t slots = policy.getMaxSlots(widths);
  auto scoresType = RankedTensorType::get({width}, type);
  auto maskType = RankedTensorType::get({width}, b.getI1Type());
  auto paramType = RankedTensorType::get({}, getParamType(policy));
  auto idsType = RankedTensorType::get({slots}, b.getI32Type());
  auto sumsType = RankedTensorType::get({slots}, b.getF64Type());
  b.setInsertionPointToEnd(program.getModule().getBody());
  SmallVector<Type> inputs(policy.getNumScores(), scoresType);
  inputs.append({maskType, paramType});
  SmallVector<Type> outputs = {idsType};
  if (policy.yieldsScores())
    outputs.push_back(sumsType);
  auto main =
      func::FuncOp::create(b, "main", b.getFunctionType(inputs, outputs));
  b.setInsertionPointToStart(main.addEntryBlock());
  auto allocate = [&](int64_t size, Type element) -> Value {
    return memref::AllocaOp::create(b, MemRefType::get({size}, element));
  };
  SmallVector<Value> scores, params;
  for (unsigned i = 0; i < policy.getNumScores(); ++i) {
    scores.push_back(allocate(width, type));
    copyIn(b, main.getArgument(i), scores.back(), width);
  }
  Value mask;
  if (masked) {
    mask = allocate(width, b.getI1Type());
    copyIn(b, main.getArgument(policy.getNumScores()), mask, width);
  }
  if (policy.getNumParams())
    params.push_back(
        tensor::ExtractOp::create(b, main.getArguments().back(), ValueRange()));
  moec::moe::RowOperands row{
      scores,
      mask,
      params,
      allocate(slots, b.getI32Type()),
      allocate(slots, b.getF64Type()),
      allocate(policy.getScratchSize(widths), b.getI32Type())};
  policy.buildRow(b, b.getLoc(), row);
  auto load = [&](Value memref, RankedTensorType result) -> Value {
    SmallVector<Value> loaded;
    for (int64_t i = 0; i < slots; ++i)
      loaded.push_back(memref::LoadOp::create(
          b, memref, ValueRange{arith::ConstantIndexOp::create(b, i)}));
    return tensor::FromElementsOp::create(b, result, loaded);
  };
  SmallVector<Value> results = {load(row.ids, idsType)};
  if (policy.yieldsScores())
    results.push_back(load(row.selectedScores, sumsType));
  func::ReturnOp::create(b, results);
}

struct Case {
  const char *policy;
  int64_t width;
};

class PolicyTest : public testing::TestWithParam<Case> {};

/// Few distinct scores, so that ties, NaN and infinities are frequent.
TEST_P(PolicyTest, CodeAgreesWithMeaning) {
  std::mt19937 random(1);
  const double choices[] = {-kInf, -2, -1, -1, 0, 0.5, 0.5, 1, 3, kInf, kNaN};
  const double numbers[] = {-kInf, -1, 0, 0.5, 0.5, 1, 2.5, 7, kInf, kNaN};
  for (bool masked : {false, true}) {
    for (const char *typeName : {"f32", "f64", "bf16"}) {
      Program program("module {}");
      SelectionPolicyInterface policy = parsePolicy(program, GetParam().policy);
      if (masked && !policy.takesMask())
        continue;
      int64_t width = GetParam().width;
      Type type = parseType(typeName, &program.getContext());
      buildMain(program, policy, type, width, masked);
      for (int round = 0; round < 100; ++round) {
        std::vector<Tensor> inputs;
        SmallVector<SmallVector<double>> rows;
        for (unsigned i = 0; i < policy.getNumScores(); ++i) {
          Tensor scores = reals({width}, {});
          for (int64_t at = 0; at < width; ++at) {
            // Every other row has no ties.
            double value = round % 2 ? choices[random() % 11]
                                     : (random() % 100000) * 1e-5 - 0.2;
            scores.data.push_back(roundTo(type, makeReal(value)));
          }
          rows.push_back({});
          for (Scalar score : scores.data)
            rows.back().push_back(score.real);
          inputs.push_back(std::move(scores));
        }
        SmallVector<bool> mask;
        for (int64_t i = 0; i < width; ++i)
          mask.push_back(random() % 3 != 0);
        inputs.push_back(
            integers({width}, SmallVector<int64_t>(mask.begin(), mask.end())));
        double param;
        if (policy.isCountParam(0)) {
          int64_t count = static_cast<int64_t>(random() % (width + 4)) - 2;
          param = count;
          inputs.push_back(integers({}, {count}));
        } else {
          param = numbers[random() % 10];
          inputs.push_back(reals({}, {param}));
        }
        if (!masked)
          mask.clear();
        SmallVector<ArrayRef<double>> scoreRows(rows.begin(), rows.end());
        Selected expected =
            selectRow(policy, scoreRows, mask, param, type.isF64());
        std::vector<Tensor> results = program.run(inputs);
        ASSERT_FALSE(results.empty()) << program.getErrors();
        EXPECT_EQ(integersOf(results[0]), expected.ids)
            << typeName << " round " << round;
        if (policy.yieldsScores())
          EXPECT_EQ(realsOf(results[1]), expected.scores)
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
        Case{"#moe.top_k<?, max = 3>", 8}, Case{"#moe.top_k<?>", 5},
        Case{"#moe.top_p<0.5, inclusive>", 6},
        Case{"#moe.top_p<0.7, exclusive>", 6},
        Case{"#moe.top_p<0.7, inclusive, min = 2, max = 3>", 8},
        Case{"#moe.top_p<?, exclusive, min = 2>", 8},
        Case{"#moe.top_p<?, inclusive, max = 2>", 8},
        Case{"#moe.threshold<0.3>", 8}, Case{"#moe.threshold<?, max = 3>", 8},
        Case{"#moe.ranks<[1, 3]>", 8}, Case{"#moe.ranks<[0, 1, 4]>", 5},
        Case{"#moe.product_key<4, side = 8>", 8},
        Case{"#moe.product_key<1, side = 1>", 1},
        Case{"#moe.product_key<7, side = 3>", 3},
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

TEST(TopK, OperandIsClamped) {
  Program program("module {}");
  auto policy = parsePolicy(program, "#moe.top_k<?, max = 3>");
  EXPECT_EQ(select(policy, {1, 3, 2, 3}, {}, {2.0}), (Ids{1, 3, -1}));
  EXPECT_EQ(select(policy, {1, 3, 2, 3}, {}, {9.0}), (Ids{1, 3, 2}));
  EXPECT_EQ(select(policy, {1, 3, 2, 3}, {}, {-1.0}), (Ids{-1, -1, -1}));
}

// Sums in rank order: 0.5, 0.75, 0.875, 1.
TEST(TopP, CrossingExpert) {
  Program program("module {}");
  SmallVector<double> scores = {0.125, 0.5, 0.125, 0.25};
  auto ids = [&](StringRef text) {
    return select(parsePolicy(program, text), scores);
  };
  EXPECT_EQ(ids("#moe.top_p<0.6, inclusive>"), (Ids{1, 3, -1, -1}));
  EXPECT_EQ(ids("#moe.top_p<0.6, exclusive>"), (Ids{1, -1, -1, -1}));
  // A sum that is p has not crossed it.
  EXPECT_EQ(ids("#moe.top_p<0.75, inclusive>"), (Ids{1, 3, 0, -1}));
  EXPECT_EQ(ids("#moe.top_p<0.75, exclusive>"), (Ids{1, 3, -1, -1}));
  EXPECT_EQ(ids("#moe.top_p<1.0, inclusive>"), (Ids{1, 3, 0, 2}));
  EXPECT_EQ(ids("#moe.top_p<0.0, inclusive>"), (Ids{1, -1, -1, -1}));
  EXPECT_EQ(ids("#moe.top_p<0.0, exclusive>"), (Ids{-1, -1, -1, -1}));
  EXPECT_EQ(ids("#moe.top_p<0.1, exclusive, min = 2, max = 3>"),
            (Ids{1, 3, -1}));
  EXPECT_EQ(ids("#moe.top_p<1.0, exclusive, max = 3>"), (Ids{1, 3, 0}));
}

TEST(TopP, MaskedExpertsDoNotCount) {
  Program program("module {}");
  auto policy = parsePolicy(program, "#moe.top_p<?, inclusive>");
  EXPECT_EQ(select(policy, {0.125, 0.5, 0.125, 0.25}, {true, false, true, true},
                   {0.3}),
            (Ids{3, 0, -1, -1}));
}

TEST(Threshold, AtLeast) {
  Program program("module {}");
  auto policy = parsePolicy(program, "#moe.threshold<0.5, max = 2>");
  EXPECT_EQ(select(policy, {0.5, 0.25, 0.75, 0.625}), (Ids{2, 3}));
  EXPECT_EQ(select(policy, {0.5, 0.25, kNaN, 0.375}), (Ids{0, -1}));
}

// f32(0.7) is below 0.7: both sides are rounded.
TEST(Threshold, IsOfTheScoresType) {
  Program program("module {}");
  auto policy = parsePolicy(program, "#moe.threshold<0.7>");
  double score = static_cast<float>(0.7);
  EXPECT_EQ(selectRow(policy, ArrayRef(score), {}, {}, false).ids, (Ids{0}));
  EXPECT_EQ(selectRow(policy, ArrayRef(score), {}, {}, true).ids, (Ids{-1}));
}

TEST(Ranks, InRankOrder) {
  Program program("module {}");
  auto policy = parsePolicy(program, "#moe.ranks<[1, 2]>");
  EXPECT_EQ(select(policy, {1, 3, 2, 3}), (Ids{3, 2}));
  EXPECT_EQ(select(policy, {1, kNaN, 2, kNaN}), (Ids{0, -1}));
}

// Without rounding ties the two stages find what all pairs would give.
TEST(ProductKey, IsBestOfAllPairs) {
  Program program("module {}");
  auto policy = parsePolicy(program, "#moe.product_key<5, side = 6>");
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    SmallVector<double> rows[2], sums;
    for (SmallVector<double> &row : rows)
      for (int i = 0; i < 6; ++i)
        row.push_back(round % 2 ? random() % 4 : random() * 1e-5);
    for (double first : rows[0])
      for (double second : rows[1])
        sums.push_back(first + second);
    auto all = parsePolicy(program, "#moe.top_k<5>");
    ArrayRef<double> both[] = {rows[0], rows[1]};
    Selected pairs = selectRow(policy, both, {}, {}, true);
    EXPECT_EQ(pairs.ids, select(all, sums));
    EXPECT_EQ(pairs.scores[4], sums[pairs.ids[4]]);
  }
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
  EXPECT_TRUE(onOrder("#moe.ranks<[0, 2]>"));
  EXPECT_FALSE(onOrder("#moe.top_p<0.5, inclusive>"));
  EXPECT_FALSE(onOrder("#moe.threshold<0.5>"));
  EXPECT_TRUE(onOrder("#moe.grouped_top_k<2, groups = 2, kept = 1>"));
  EXPECT_FALSE(
      onOrder("#moe.grouped_top_k<2, groups = 2, kept = 1, score = sum2>"));
  EXPECT_FALSE(
      onOrder("#moe.grouped_top_k<2, groups = 2, kept = 1, masked = zero>"));
}
} // namespace
