// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layers that nobody foresaw, and random ones: compiled code against the
// reference interpreter.

#include "test/differential/Differential.h"
#include "passes/Pipelines.h"
#include "test/differential/Layer.h"
#include <cstdlib>
#include <gtest/gtest.h>
#include <random>

using namespace moec::test;

namespace {
/// x * sigmoid(1.3 x) + 0.1 u + a vector of the expert.
const char *const kBody = R"(
    %k = arith.constant 1.3 : f32
    %tenth = arith.constant 0.1 : f32
    %kg = arith.mulf %k, %g : f32
    %n = arith.negf %kg : f32
    %e = math.exp %n : f32
    %d = arith.addf %one, %e : f32
    %s = arith.divf %g, %d : f32
    %tu = arith.mulf %tenth, %u : f32
    %a = arith.addf %s, %tu : f32
    %h = arith.addf %a, %v : f32)";

/// |tanh(logit / 10)| + 0.1: without saturation, which would make ties that
/// depend on the last bit of tanh.
const char *const kScores = R"(
  %scores = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
    ins(%logits : tensor<?x$Exf32>) outs(%empty : tensor<?x$Exf32>) {
  ^bb0(%l: f32, %o: f32):
    %tenth = arith.constant 0.1 : f32
    %q = arith.mulf %l, %tenth : f32
    %th = math.tanh %q : f32
    %abs = math.absf %th : f32
    %s = arith.addf %abs, %tenth : f32
    linalg.yield %s : f32
  } -> tensor<?x$Exf32>)";

Layer makeUnforeseen() {
  Layer layer;
  layer.body = kBody;
  layer.scores = kScores;
  layer.policy = "#test.bottom_k<$K>";
  return layer;
}

class PerLevel : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Host, PerLevel, testing::ValuesIn(getHostLevels()));

TEST_P(PerLevel, UnforeseenBodyScoreAndPolicyAreRight) {
  Differential layer(print(makeUnforeseen()), GetParam());
  for (int64_t tokens : {0, 1, 7, 33})
    layer.compare(tokens);
}

// Fused: the score and the body lie in their matmul, gate and up are one
// matmul, and no computation on all rows is left between the three.
// Strategies would repeat each matmul for several numbers of tokens.
TEST(Unforeseen, IsFused) {
  Differential layer(print(makeUnforeseen()), getHostLevels().front(),
                     {"moe-select-strategy"});
  std::string text = layer.printGrouped();
  auto count = [&](const std::string &word) {
    size_t n = 0;
    for (size_t at = text.find(word); at != std::string::npos;
         at = text.find(word, at + 1))
      ++n;
    return n;
  };
  EXPECT_EQ(count("grouped.map"), 0u) << text;
  EXPECT_EQ(count("grouped.gather"), 0u) << text;
  EXPECT_EQ(count("grouped.matmul "), 3u) << text;
}

// Without any optimisation every operation has a plain lowering.
TEST(Unforeseen, IsRightWithoutOptimisation) {
  std::vector<std::string> all;
  for (llvm::StringRef name : moec::getOptimizationPasses())
    all.push_back(name.str());
  Differential layer(print(makeUnforeseen()), getHostLevels().front(), all);
  for (int64_t tokens : {0, 1, 7})
    layer.compare(tokens);
}

/// A layer whose every choice is drawn.
Layer drawLayer(unsigned seed) {
  std::mt19937 random(seed);
  auto pick = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % (high - low + 1));
  };
  Layer layer;
  layer.hidden = pick(1, 70);
  layer.inner = pick(1, 70);
  layer.experts = 2 * pick(2, 5);
  layer.slots = pick(1, layer.experts / 2);
  layer.dtype = pick(0, 1) ? "bf16" : "f32";
  if (pick(0, 1))
    layer.body = kBody;
  if (pick(0, 1))
    layer.scores = kScores;
  const char *policies[] = {
      "#moe.top_k<$K>", "#test.bottom_k<$K>",
      "#moe.grouped_top_k<$K, groups = 2, kept = 1>",
      "#moe.grouped_top_k<$K, groups = 2, kept = 1, score = sum2>",
      "#moe.grouped_top_k<$K, groups = 2, kept = 1, masked = zero>"};
  layer.policy = policies[pick(0, 4)];
  const char *weights[] = {
      "sum %scores, %ids",
      "none %scores, %ids",
      "softmax %logits, %ids",
      "constant %scores, %ids {scale = 0.5 : f64}",
      "sum %scores, %ids {scale = 2.5 : f64, eps = 0.1 : f64}",
      "sum %scores, %ids eps_mode = max {eps = 0.7 : f64}",
      "lp %scores, %ids",
      "lp %scores, %ids {p = 3.0 : f64, eps = 0.01 : f64}"};
  layer.weigh = weights[pick(0, 7)];
  return layer;
}

class Drawn : public testing::TestWithParam<unsigned> {};
/// MOEC_FUZZ_SEEDS asks for more than the few that every run tries.
unsigned getNumSeeds() {
  const char *asked = std::getenv("MOEC_FUZZ_SEEDS");
  return asked ? std::max(1, std::atoi(asked)) : 8;
}
INSTANTIATE_TEST_SUITE_P(Seeds, Drawn, testing::Range(0u, getNumSeeds()));

TEST_P(Drawn, CompiledLikeInterpreted) {
  Layer drawn = drawLayer(GetParam());
  SCOPED_TRACE(print(drawn));
  std::vector<std::string> levels = getHostLevels();
  Differential layer(print(drawn), levels[GetParam() % levels.size()]);
  for (int64_t tokens : {1, 19, 130})
    layer.compare(tokens);
}
} // namespace
