// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random graphs over the whole language: compiled code of every strategy
// against the reference interpreter. A graph that differs is reduced and
// printed.

#include "test/differential/Graph.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/Pipelines.h"
#include "test/differential/Differential.h"
#include "test/differential/ReduceGraph.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>

using namespace mlir;
using namespace moec;
using namespace moec::test;

namespace {
constexpr int64_t kTokens[] = {0, 1, 7, 33};
constexpr unsigned kGraphsOfBatch = 50;

/// Whether two scores lie so near that rounding may order them either way:
/// within 4 ulp, of the larger one.
bool isNear(double a, double b) {
  double largest = std::max(std::fabs(a), std::fabs(b));
  return std::fabs(a - b) <= 4 * largest * 0x1p-23;
}

/// Whether a tapped decision (see Graph) is a near tie.
bool isNearTie(StringRef name, const reference::Tensor &scores) {
  auto [head, rest] = name.split(':');
  bool byRow = head.ends_with("rows");
  int64_t columns = scores.shape[1], rows = scores.shape[0];
  int64_t lines = byRow ? rows : columns, length = byRow ? columns : rows;
  for (int64_t line = 0; line < lines; ++line) {
    std::vector<double> values, sums;
    for (int64_t i = 0; i < length; ++i) {
      size_t at = byRow ? line * columns + i : i * columns + line;
      values.push_back(scores.data[at].real);
    }
    llvm::sort(values, std::greater<double>());
    for (int64_t i = 0; i < length; ++i) {
      if (i && isNear(values[i], values[i - 1]))
        return true;
      sums.push_back(values[i] + (i ? sums.back() : 0));
    }
    SmallVector<StringRef> numbers;
    rest.split(numbers, ':', -1, false);
    for (StringRef text : numbers) {
      double number = std::atof(text.str().c_str());
      for (int64_t i = 0; i < length; ++i)
        if (isNear(values[i], number) || isNear(sums[i], number))
          return true;
    }
  }
  return false;
}

/// What the interpreter says about one function and one number of tokens.
struct Wanted {
  std::vector<float> input;
  std::vector<reference::Tensor> results;
  bool nearTie = false;
};

class Batch : public TestContext {
public:
  explicit Batch(const std::string &text) {
    module = parseSourceString<ModuleOp>(text, &context);
  }

  std::vector<Wanted> interpretAll(func::FuncOp function) {
    std::vector<Wanted> all;
    int64_t columns =
        cast<RankedTensorType>(function.getArgumentTypes()[0]).getDimSize(1);
    for (int64_t tokens : kTokens) {
      Wanted wanted;
      wanted.input = drawInput(tokens, columns, tokens + 1);
      wanted.results = interpret(function->getParentOfType<ModuleOp>(),
                                 function.getName(), wanted.input, columns,
                                 [&](StringRef name, RankedTensorType,
                                     const reference::Tensor &value) {
                                   wanted.nearTie |= isNearTie(name, value);
                                 });
      all.push_back(std::move(wanted));
    }
    return all;
  }

  /// What differs, for the first number of tokens at which something does.
  std::string compare(Compiled &code, size_t index, func::FuncOp function,
                      const std::vector<Wanted> &all, int &nearTies) {
    for (auto [tokens, wanted] : llvm::zip_equal(kTokens, all)) {
      auto got = code.run(index, wanted.input, 1);
      std::string text = compareResults(function, code.read(index, tokens, got),
                                        wanted.results);
      if (text.empty() && code.run(index, wanted.input, 2) != got)
        text = "2 threads differ from 1";
      if (text.empty())
        continue;
      if (!wanted.nearTie)
        return std::to_string(tokens) + " tokens, " + text;
      ++nearTies;
    }
    return "";
  }

  /// Compiles and compares a module of one function.
  std::string check(ModuleOp single, const std::string &level,
                    const std::vector<std::string> &disabled) {
    errors.clear();
    auto function = *single.getOps<func::FuncOp>().begin();
    auto wanted = interpretAll(function);
    // Code trusts that dynamic sizes fit.
    if (llvm::any_of(wanted,
                     [](const Wanted &one) { return one.results.empty(); }))
      return "does not run in the interpreter: " + errors;
    auto code = Compiled::compile(single, level, disabled);
    if (!code)
      return "does not compile: " + errors;
    int nearTies = 0;
    return compare(*code, 0, function, wanted, nearTies);
  }

  /// A failing function of its own, smaller, with what is wrong with it.
  std::string reduce(const Graph &graph, const std::string &level,
                     const std::vector<std::string> &disabled) {
    auto single = parseSourceString<ModuleOp>(print({graph}), &context);
    std::string problem = check(*single, level, disabled);
    if (problem.empty())
      return graph.name + " fails only in its batch";
    // Another failure is another bug.
    bool compiles = !StringRef(problem).starts_with("does not");
    auto reduced = reduceGraph(*single, [&](ModuleOp trial) {
      std::string now = check(trial, level, disabled);
      if (compiles)
        return !now.empty() && !StringRef(now).starts_with("does not") &&
               now.find("interpreter") == std::string::npos;
      return now == problem;
    });
    std::string text = check(*reduced, level, disabled) + "\n";
    llvm::raw_string_ostream(text) << *reduced;
    return text;
  }

  OwningOpRef<ModuleOp> module;
};

/// The passes to leave out: none, each, all.
std::vector<std::vector<std::string>> getStrategies() {
  std::vector<std::vector<std::string>> strategies = {{}};
  std::vector<std::string> all;
  for (StringRef name : getOptimizationPasses()) {
    strategies.push_back({name.str()});
    all.push_back(name.str());
  }
  strategies.push_back(all);
  return strategies;
}

/// MOEC_FUZZ_BATCHES asks for more than every run tries.
unsigned getNumBatches() {
  const char *asked = std::getenv("MOEC_FUZZ_BATCHES");
  return asked ? std::max(1, std::atoi(asked)) : 4;
}

class DrawnGraphs : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Batches, DrawnGraphs,
                         testing::Range(0u, getNumBatches()));

TEST_P(DrawnGraphs, CompiledLikeInterpreted) {
  std::vector<Graph> graphs;
  for (unsigned i = 0; i < kGraphsOfBatch; ++i)
    graphs.push_back(drawGraph(GetParam() * kGraphsOfBatch + i));
  Batch batch(print(graphs));
  ASSERT_TRUE(batch.module) << batch.errors << print(graphs);
  std::vector<func::FuncOp> functions;
  std::vector<std::vector<Wanted>> wanted;
  for (const Graph &graph : graphs) {
    functions.push_back(batch.module->lookupSymbol<func::FuncOp>(graph.name));
    wanted.push_back(batch.interpretAll(functions.back()));
    for (const Wanted &one : wanted.back())
      ASSERT_FALSE(one.results.empty())
          << batch.errors << print(std::vector<Graph>{graph});
  }
  std::vector<std::string> levels = getHostLevels();
  std::vector<bool> hasFailed(graphs.size());
  int nearTies = 0, pairs = 0, reduced = 0;
  auto report = [&](size_t i, const std::string &level,
                    const std::vector<std::string> &disabled) {
    if (hasFailed[i])
      return;
    hasFailed[i] = true;
    ADD_FAILURE() << graphs[i].name << ", " << level << ", without "
                  << llvm::join(disabled, ", ") << ": "
                  << (++reduced <= 3 ? batch.reduce(graphs[i], level, disabled)
                                     : "not reduced");
  };
  const std::string &level = levels[GetParam() % levels.size()];
  std::set<std::string> seen;
  unsigned compiled = 0;
  for (const std::vector<std::string> &disabled : getStrategies()) {
    batch.errors.clear();
    auto code = Compiled::compile(*batch.module, level, disabled, &seen);
    for (size_t i = 0; i < graphs.size(); ++i) {
      ++pairs;
      if (!code) { // which one?
        auto single =
            parseSourceString<ModuleOp>(print({graphs[i]}), &batch.context);
        if (!batch.check(*single, level, disabled).empty())
          report(i, level, disabled);
        continue;
      }
      size_t index = 0;
      while (index < code->functions.size() &&
             code->functions[index].name != graphs[i].name)
        ++index;
      if (index == code->functions.size())
        continue; // its code is that of a strategy before
      ++compiled;
      std::string problem =
          batch.compare(*code, index, functions[i], wanted[i], nearTies);
      if (!problem.empty())
        report(i, level, disabled);
    }
  }
  std::cout << pairs << " pairs of graph and strategy, " << compiled
            << " different ones, " << nearTies << " near ties\n";
  EXPECT_LE(nearTies, pairs / 50);
}
} // namespace
