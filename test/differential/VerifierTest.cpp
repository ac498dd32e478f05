// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random graphs broken in one place: the verifier refuses them and names the
// operation, or they are well formed and can be interpreted and lowered.
// Whether dynamic sizes fit is known when the interpreter runs, and it says so.

#include "mlir/IR/Verifier.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipelines.h"
#include "test/differential/Graph.h"
#include "test/differential/MutateGraph.h"
#include "test/differential/TestContext.h"
#include <cstdlib>
#include <gtest/gtest.h>
#include <iostream>

using namespace mlir;
using namespace moec;
using namespace moec::test;

namespace {
constexpr unsigned kMutantsOfGraph = 25;

/// MOEC_FUZZ_MUTATED_GRAPHS asks for more than every run tries.
unsigned getNumGraphs() {
  const char *asked = std::getenv("MOEC_FUZZ_MUTATED_GRAPHS");
  return asked ? std::max(1, std::atoi(asked)) : 400;
}

/// What is wrong with a module that verifies; empty: nothing.
std::string findProblem(ModuleOp module, std::string &errors) {
  auto function = *module.getOps<func::FuncOp>().begin();
  int64_t columns =
      cast<RankedTensorType>(function.getArgumentTypes()[0]).getDimSize(1);
  errors.clear();
  auto results =
      interpret(module, function.getName(), drawInput(7, columns, 1), columns);
  if (results.empty())
    return "cannot be interpreted: " + errors;
  OwningOpRef<ModuleOp> lowered = module.clone();
  PassManager passes(module.getContext());
  buildMoeToGroupedPipeline(passes, {});
  if (failed(passes.run(*lowered)))
    return "cannot be lowered: " + errors;
  return "";
}

/// Whether the interpreter complains about sizes that are dynamic in the graph.
bool isOfSizes(StringRef problem) {
  return problem.contains(" rows, got ") ||
         problem.contains(" rows like init, got ") ||
         problem.contains(" within a stack of ");
}

TEST(Verifier, RefusesBrokenGraphs) {
  TestContext test;
  std::string &errors = test.errors;
  std::mt19937 random(1);
  int refused = 0, wellFormed = 0, wrongSizes = 0;
  for (unsigned seed = 0; seed < getNumGraphs(); ++seed) {
    auto source =
        parseSourceString<ModuleOp>(print({drawGraph(seed)}), &test.context);
    ASSERT_TRUE(source) << errors;
    for (unsigned i = 0; i < kMutantsOfGraph; ++i) {
      OwningOpRef<ModuleOp> mutant = source->clone();
      std::string change = mutateGraph(*mutant, random);
      if (change.empty())
        continue;
      SCOPED_TRACE("graph " + std::to_string(seed) + ", " + change);
      errors.clear();
      if (failed(verify(*mutant))) {
        ++refused;
        EXPECT_TRUE(StringRef(errors).contains("' op ") ||
                    StringRef(errors).contains(" in function @"))
            << errors;
        continue;
      }
      std::string problem = findProblem(*mutant, errors);
      if (isOfSizes(problem)) {
        ++wrongSizes;
        continue;
      }
      ++wellFormed;
      EXPECT_EQ(problem, "");
    }
  }
  std::cout << refused << " graphs refused, " << wellFormed << " well formed, "
            << wrongSizes << " of wrong dynamic sizes\n";
  EXPECT_GT(refused, wellFormed);
  EXPECT_LE(wrongSizes, refused / 20);
}
} // namespace
