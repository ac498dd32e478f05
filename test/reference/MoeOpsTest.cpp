// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.plan, rows, dispatch, experts, combine, slots and tap against numbers
// computed by hand.

#include "test/reference/Harness.h"
#include <gtest/gtest.h>

using namespace moec::reference;

namespace {
using Ids = std::vector<int64_t>;
using Reals = std::vector<double>;

/// @main over a plan of `[T, 2]` ids on three experts: `body` makes the result.
std::vector<Tensor> runPlanned(const std::string &body,
                               const std::string &resultType,
                               llvm::ArrayRef<Tensor> arguments,
                               std::string *errors = nullptr,
                               const Host &host = {}) {
  Program program(R"(
    func.func @main(%ids: tensor<?x2xi32>, %x: tensor<?x2xf32>, %w: tensor<?x2xf32>) -> )" +
                  resultType + R"( {
      %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 3, slots = 2>
      )" + body + R"(
      return %r : )" +
                  resultType + R"(
    })");
  auto results = program.run(arguments, host);
  if (errors)
    *errors = program.getErrors();
  else
    EXPECT_EQ(program.getErrors(), "");
  return results;
}

// Rows: expert 0: (token 1, slot 1); expert 2: (0, 0), (1, 0), (2, 1).
const Tensor ids = integers({3, 2}, {2, -1, 2, 0, 3, 2});
const Tensor tokens = reals({3, 2}, {1, 2, 3, 4, 5, 6});
const Tensor weights = reals({3, 2}, {.5, 9, 2, 4, 9, 10});

const std::string dispatch =
    "%d = moe.dispatch %x by %plan : tensor<?x2xf32>, "
    "!moe.plan<experts = 3, slots = 2> -> tensor<?x2xf32>\n";

TEST(MoeOps, DispatchFollowsExpertTokenSlot) {
  auto results = runPlanned(dispatch + "%r = tensor.cast %d : tensor<?x2xf32> "
                                       "to tensor<?x2xf32>",
                            "tensor<?x2xf32>", {ids, tokens, weights});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(realsOf(results[0]), (Reals{3, 4, 1, 2, 3, 4, 5, 6}));
}

TEST(MoeOps, DispatchMultipliesWeights) {
  auto results = runPlanned(
      "%r = moe.dispatch %x by %plan weights(%w : tensor<?x2xf32>) : "
      "tensor<?x2xf32>, !moe.plan<experts = 3, slots = 2> -> tensor<?x2xf32>",
      "tensor<?x2xf32>", {ids, tokens, weights});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(realsOf(results[0]), (Reals{12, 16, .5, 1, 6, 8, 50, 60}));
}

TEST(MoeOps, RowsCountsIdsInRange) {
  auto results =
      runPlanned("%n = moe.rows %plan : !moe.plan<experts = 3, slots = 2>\n"
                 "%r = tensor.from_elements %n : tensor<1xindex>",
                 "tensor<1xindex>", {ids, tokens, weights});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(integersOf(results[0]), (Ids{4}));
}

TEST(MoeOps, CombineAdds) {
  auto results = runPlanned(
      dispatch + "%r = moe.combine add %d by %plan weights(%w : "
                 "tensor<?x2xf32>) init(%x : tensor<?x2xf32>) : "
                 "tensor<?x2xf32>, !moe.plan<experts = 3, slots = 2> -> "
                 "tensor<?x2xf32>",
      "tensor<?x2xf32>", {ids, tokens, weights});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(realsOf(results[0]), (Reals{1.5, 3, 21, 28, 55, 66}));
}

TEST(MoeOps, CombineReplacesTokensThatHaveRows) {
  auto results = runPlanned(
      dispatch + "%r = moe.combine replace %d by %plan init(%x : "
                 "tensor<?x2xf32>) : tensor<?x2xf32>, !moe.plan<experts = 3, "
                 "slots = 2> -> tensor<?x2xf32>",
      "tensor<?x2xf32>",
      {integers({3, 2}, {2, 1, -1, -1, 0, -1}), tokens, weights});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(realsOf(results[0]), (Reals{2, 4, 3, 4, 5, 6}));
}

TEST(MoeOps, SlotsKeepInitWhereThereIsNoRow) {
  auto results = runPlanned(
      dispatch + "%i = arith.constant dense<-1.0> : tensor<3x2x2xf32>\n"
                 "%r = moe.slots %d by %plan init(%i : tensor<3x2x2xf32>) : "
                 "tensor<?x2xf32>, !moe.plan<experts = 3, slots = 2> -> "
                 "tensor<3x2x2xf32>",
      "tensor<3x2x2xf32>", {ids, tokens, weights});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(realsOf(results[0]),
            (Reals{1, 2, -1, -1, 3, 4, 3, 4, -1, -1, 5, 6}));
}

TEST(MoeOps, DuplicateIdsAreTwoRows) {
  auto results = runPlanned(
      dispatch + "%r = moe.combine add %d by %plan init(%x : tensor<?x2xf32>) "
                 ": tensor<?x2xf32>, !moe.plan<experts = 3, slots = 2> -> "
                 "tensor<?x2xf32>",
      "tensor<?x2xf32>",
      {integers({1, 2}, {1, 1}), reals({1, 2}, {1, 2}), weights});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(realsOf(results[0]), (Reals{3, 6}));
}

TEST(MoeOps, NoTokens) {
  auto results = runPlanned(
      dispatch + "%r = moe.combine add %d by %plan init(%x : tensor<?x2xf32>) "
                 ": tensor<?x2xf32>, !moe.plan<experts = 3, slots = 2> -> "
                 "tensor<?x2xf32>",
      "tensor<?x2xf32>",
      {integers({0, 2}, {}), reals({0, 2}, {}), reals({0, 2}, {})});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_TRUE(results[0].data.empty());
}

TEST(MoeOps, WeightsOfOtherTokensAreAnError) {
  std::string errors;
  runPlanned("%r = moe.dispatch %x by %plan weights(%w : tensor<?x2xf32>) : "
             "tensor<?x2xf32>, !moe.plan<experts = 3, slots = 2> -> "
             "tensor<?x2xf32>",
             "tensor<?x2xf32>", {ids, tokens, reals({1, 2}, {1, 1})}, &errors);
  EXPECT_EQ(errors,
            "'moe.dispatch' op expects weights of shape [3, 2], got [1, 2]\n");
}

/// Region 0 multiplies by the slice, region 1 adds the expert's id; expert 1 is
/// of kind `member`, expert 2 reads slice 0.
std::vector<Tensor> runBank(const std::string &member, const Host &host = {}) {
  return runPlanned(dispatch + R"(
      %stack = arith.constant dense<[[10.0, 100.0], [1.0, 1.0]]> : tensor<2x2xf32>
      %r = moe.experts %plan rows(%d : tensor<?x2xf32>) params(%stack : tensor<2x2xf32>)
          members = [1, )" +
                        member + R"(, 0] slot = [7, 1, 0]
          : !moe.plan<experts = 3, slots = 2> -> tensor<?x2xf32> {
      ^bb0(%v: tensor<?x2xf32>, %s: tensor<2xf32>, %e: index):
        %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
          ins(%s : tensor<2xf32>) outs(%v : tensor<?x2xf32>) {
        ^bb0(%a: f32, %b: f32):
          %m = arith.mulf %a, %b : f32
          linalg.yield %m : f32
        } -> tensor<?x2xf32>
        moe.tap "scaled" %y : tensor<?x2xf32>
        moe.yield %y : tensor<?x2xf32>
      }, {
      ^bb0(%v: tensor<?x2xf32>, %s: tensor<2xf32>, %e: index):
        %i = arith.index_cast %e : index to i32
        %f = arith.sitofp %i : i32 to f32
        %y = linalg.map ins(%v : tensor<?x2xf32>) outs(%v : tensor<?x2xf32>)
          (%a: f32, %o: f32) {
            %m = arith.addf %a, %f : f32
            linalg.yield %m : f32
          }
        moe.yield %y : tensor<?x2xf32>
      })",
                    "tensor<?x2xf32>",
                    {integers({3, 2}, {0, 1, 2, 1, -1, 2}), tokens, weights},
                    nullptr, host);
}

TEST(MoeOps, ExpertsRunTheirMember) {
  auto results = runBank("1");
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(realsOf(results[0]), (Reals{1, 2, 2, 3, 4, 5, 30, 400, 50, 600}));
}

TEST(MoeOps, NullExpertsYieldZero) {
  auto results = runBank("-1");
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(realsOf(results[0]), (Reals{1, 2, 0, 0, 0, 0, 30, 400, 50, 600}));
}

// The region of expert 2 runs once, on its two rows.
TEST(MoeOps, TapsReachTheHost) {
  std::vector<std::string> names;
  Host host;
  host.tap = [&](llvm::StringRef name, mlir::RankedTensorType,
                 const Tensor &value) {
    names.push_back(name.str());
    EXPECT_EQ(realsOf(value), (Reals{30, 400, 50, 600}));
  };
  runBank("1", host);
  EXPECT_EQ(names, (std::vector<std::string>{"scaled"}));
}

TEST(MoeOps, PlanByExpert) {
  Program program(R"(
    func.func @main(%ids: tensor<2x?xi32>, %x: tensor<?x1xf32>, %g: tensor<?x2xf32>) -> tensor<?x1xf32> {
      %c0 = arith.constant 0 : index
      %t = tensor.dim %x, %c0 : tensor<?x1xf32>
      %plan = moe.plan by_expert %ids tokens(%t) : tensor<2x?xi32> -> !moe.plan<experts = 2, slots = 2>
      %d = moe.dispatch %x by %plan : tensor<?x1xf32>, !moe.plan<experts = 2, slots = 2> -> tensor<?x1xf32>
      %y = moe.combine add %d by %plan weights(%g : tensor<?x2xf32>) init(%x : tensor<?x1xf32>)
        : tensor<?x1xf32>, !moe.plan<experts = 2, slots = 2> -> tensor<?x1xf32>
      return %y : tensor<?x1xf32>
    })");
  // Token 3 does not exist; expert 0 takes tokens 2 and 0, expert 1 token 2.
  auto results = program.run({integers({2, 3}, {2, 0, -1, 3, 2, -1}),
                              reals({3, 1}, {1, 2, 3}),
                              reals({3, 2}, {10, 20, 30, 40, 50, 60})});
  ASSERT_EQ(results.size(), 1u) << program.getErrors();
  EXPECT_EQ(realsOf(results[0]), (Reals{11, 2, 3 + 3 * 50 + 3 * 60}));
}
} // namespace
