// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.select, weigh, limit and select_tokens against numbers computed by hand
// (weights with Python).

#include "test/reference/Harness.h"
#include <gtest/gtest.h>
#include <limits>

using namespace moec::reference;

namespace {
using Ids = std::vector<int64_t>;

/// One row of weights for scores [0.1, 2, -1, 1.5].
std::vector<double> weigh(const std::string &norm,
                          const std::string &attributes,
                          llvm::ArrayRef<int64_t> ids = {1, 3, -1},
                          const std::string &mode = "") {
  Program program(R"(
    func.func @main(%s: tensor<1x4xf64>, %ids: tensor<1x3xi32>) -> tensor<1x3xf64> {
      %w = moe.weigh )" +
                  norm + " %s, %ids " + mode + " {" + attributes + R"(}
        : tensor<1x4xf64>, tensor<1x3xi32> -> tensor<1x3xf64>
      return %w : tensor<1x3xf64>
    })");
  auto results = program.run(
      {reals({1, 4}, {0.1, 2.0, -1.0, 1.5}), integers({1, 3}, ids)});
  EXPECT_EQ(results.size(), 1u) << program.getErrors();
  return results.empty() ? std::vector<double>{} : realsOf(results[0]);
}

void expectNear(const std::vector<double> &got,
                const std::vector<double> &wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], wanted[i], 1e-12) << "entry " << i;
}

TEST(Weigh, None) {
  expectNear(weigh("none", ""), {2.0, 1.5, 0.0});
  expectNear(weigh("none", "fill = -3.0 : f64, scale = 2.0 : f64"),
             {4.0, 3.0, -3.0});
}

TEST(Weigh, IdsOutOfRangeAreInvalid) {
  expectNear(weigh("sum", "fill = 9.0 : f64", {4, 1, -7}), {9.0, 1.0, 9.0});
}

TEST(Weigh, Sum) {
  expectNear(weigh("sum", "scale = 7.0 : f64"), {4.0, 3.0, 0.0});
  expectNear(weigh("sum", "eps = 0.5 : f64"), {0.5, 0.375, 0.0});
  expectNear(weigh("sum", "eps = 4.0 : f64", {1, 3, -1}, "eps_mode = max"),
             {0.5, 0.375, 0.0});
  expectNear(weigh("sum", "eps = 1.0 : f64", {1, 3, -1}, "eps_mode = max"),
             {2.0 / 3.5, 1.5 / 3.5, 0.0});
}

TEST(Weigh, Softmax) {
  expectNear(weigh("softmax", ""),
             {0.6224593312018546, 0.37754066879814546, 0.0});
}

TEST(Weigh, Lp) {
  expectNear(weigh("lp", ""), {0.8, 0.6, 0.0});
  expectNear(weigh("lp", "p = 3.0 : f64, eps = 0.5 : f64"),
             {0.7275450347761249, 0.5456587760820937, 0.0});
}

TEST(Weigh, Constant) {
  expectNear(weigh("constant", "scale = 0.5 : f64"), {0.5, 0.5, 0.0});
}

// The second expert's softmax runs over what the first one leaves.
TEST(Weigh, SparseMixer) {
  expectNear(weigh("sparse_mixer", "jitter = 0.2 : f64"),
             {0.6224593312018546, 1.0, 0.0});
  expectNear(weigh("sparse_mixer", "jitter = 0.01 : f64"), {1.0, 1.0, 0.0});
}

TEST(Weigh, NoValidSlot) {
  expectNear(weigh("softmax", "", {-1, -1, -1}), {0.0, 0.0, 0.0});
}

// Routing weights are rounded to their type once, at the end.
TEST(Weigh, RoundsToTheElementType) {
  Program program(R"(
    func.func @main(%s: tensor<1x2xf32>, %ids: tensor<1x2xi32>) -> tensor<1x2xf32> {
      %w = moe.weigh sum %s, %ids : tensor<1x2xf32>, tensor<1x2xi32> -> tensor<1x2xf32>
      return %w : tensor<1x2xf32>
    })");
  auto results =
      program.run({reals({1, 2}, {1.0, 2.0}), integers({1, 2}, {0, 1})});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(realsOf(results[0]),
            (std::vector<double>{1.0f / 3.0f, 2.0f / 3.0f}));
}

TEST(Select, RowsWithMask) {
  Program program(R"(
    func.func @main(%s: tensor<?x3xf32>, %m: tensor<?x3xi1>) -> tensor<?x2xi32> {
      %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x3xf32>) mask(%m : tensor<?x3xi1>) -> tensor<?x2xi32>
      return %ids : tensor<?x2xi32>
    })");
  auto results = program.run({reals({2, 3}, {1, 2, 3, 3, 2, 1}),
                              integers({2, 3}, {1, 1, 0, 0, 0, 1})});
  ASSERT_EQ(results.size(), 1u) << program.getErrors();
  EXPECT_EQ(integersOf(results[0]), (Ids{1, 0, 2, -1}));
  EXPECT_TRUE(
      program
          .run({reals({2, 3}, {1, 2, 3, 3, 2, 1}), integers({1, 3}, {1, 1, 1})})
          .empty());
  EXPECT_EQ(program.getErrors(), "'moe.select' op expects 2 rows, got 1\n");
}

TEST(Select, MaskOfAnotherWidth) {
  Program program(R"(
    func.func @main(%s: tensor<?x?xf32>, %m: tensor<?x?xi1>) -> tensor<?x2xi32> {
      %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x?xf32>) mask(%m : tensor<?x?xi1>) -> tensor<?x2xi32>
      return %ids : tensor<?x2xi32>
    })");
  EXPECT_TRUE(program.run({reals({1, 3}, {1, 2, 3}), integers({1, 2}, {1, 1})})
                  .empty());
  EXPECT_EQ(program.getErrors(),
            "'moe.select' op expects shape [1, 3], got [1, 2]\n");
}

TEST(Select, NoRows) {
  Program program(R"(
    func.func @main(%s: tensor<?x3xf32>) -> tensor<?x2xi32> {
      %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x3xf32>) -> tensor<?x2xi32>
      return %ids : tensor<?x2xi32>
    })");
  auto results = program.run({reals({0, 3}, {})});
  ASSERT_EQ(results.size(), 1u) << program.getErrors();
  EXPECT_TRUE(results[0].data.empty());
}

/// Three tokens that all want expert 0, in another slot each.
Ids limit(const std::string &order, int64_t capacity,
          llvm::ArrayRef<int64_t> segments = {0, 0, 0}) {
  bool byScore = order == "score";
  Program program(R"(
    func.func @main(%ids: tensor<?x2xi32>, %c: i32, %seg: tensor<?xi32>, %p: tensor<?x2xf32>) -> tensor<?x2xi32> {
      %k = moe.limit )" +
                  order + " %ids capacity(%c) " +
                  (byScore ? "priority(%p : tensor<?x2xf32>)" : "") + R"(
        segments(%seg : tensor<?xi32>) experts = 3 : tensor<?x2xi32> -> tensor<?x2xi32>
      return %k : tensor<?x2xi32>
    })");
  auto results = program.run({integers({3, 2}, {1, 0, 0, 9, 0, 2}),
                              integers({}, {capacity}), integers({3}, segments),
                              reals({3, 2}, {0, .3, .1, 0, .2, 0})});
  EXPECT_EQ(results.size(), 1u) << program.getErrors();
  return results.empty() ? Ids{} : integersOf(results[0]);
}

TEST(Limit, Orders) {
  EXPECT_EQ(limit("token", 2), (Ids{1, 0, 0, -1, -1, 2}));
  EXPECT_EQ(limit("slot", 2), (Ids{1, -1, 0, -1, 0, 2}));
  EXPECT_EQ(limit("score", 2), (Ids{1, 0, -1, -1, 0, 2}));
}

TEST(Limit, Capacities) {
  EXPECT_EQ(limit("token", 3), (Ids{1, 0, 0, -1, 0, 2}));
  EXPECT_EQ(limit("token", 0), (Ids{-1, -1, -1, -1, -1, -1}));
}

TEST(Limit, EachSegmentHasItsPlaces) {
  EXPECT_EQ(limit("token", 1, {0, 0, 1}), (Ids{1, 0, -1, -1, 0, 2}));
}

TEST(Limit, RandomIsFixedAndKeepsTheCapacity) {
  Ids kept = limit("random", 2);
  EXPECT_EQ(kept, limit("random", 2));
  EXPECT_EQ(llvm::count(kept, 0), 2);
}

/// Four tokens and two experts.
std::vector<Tensor>
selectTokens(const std::string &rows,
             const std::string &idsType = "tensor<2x?xi32>") {
  Program program(R"(
    func.func @main(%s: tensor<?x2xf32>, %c: tensor<2xi32>, %m: tensor<?x2xi1>, %seg: tensor<?xi32>) -> ()" +
                  idsType + R"(, tensor<?x2xi1>) {
      %ids, %chosen = moe.select_tokens )" +
                  rows + R"( %s capacity(%c : tensor<2xi32>)
        mask(%m : tensor<?x2xi1>) segments(%seg : tensor<?xi32>)
        : tensor<?x2xf32> -> )" +
                  idsType + R"(, tensor<?x2xi1>
      return %ids, %chosen : )" +
                  idsType + R"(, tensor<?x2xi1>
    })");
  auto results = program.run({reals({4, 2}, {1, 5, 3, 5, 2, 5, 4, 5}),
                              integers({2}, {2, 1}),
                              integers({4, 2}, {1, 0, 1, 1, 1, 1, 1, 1}),
                              integers({4}, {0, 0, 0, 1})});
  EXPECT_EQ(results.size(), 2u) << program.getErrors();
  return results;
}

TEST(SelectTokens, ByPosition) {
  auto results = selectTokens("position");
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].shape, (llvm::SmallVector<int64_t>{2, 4}));
  EXPECT_EQ(integersOf(results[0]), (Ids{1, 2, 3, -1, 1, 3, -1, -1}));
  EXPECT_EQ(integersOf(results[1]), (Ids{0, 0, 1, 1, 1, 0, 1, 1}));
}

TEST(SelectTokens, ByScore) {
  auto results = selectTokens("score", "tensor<2x4xi32>");
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(integersOf(results[0]), (Ids{3, 1, 2, -1, 1, 3, -1, -1}));
}

TEST(SelectTokens, OfMoreThanTheTypeHoldsTheBestStay) {
  auto results = selectTokens("position", "tensor<2x2xi32>");
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(integersOf(results[0]), (Ids{1, 3, 1, 3}));
  EXPECT_EQ(integersOf(results[1]), (Ids{0, 0, 1, 1, 0, 0, 1, 1}));
}
} // namespace
