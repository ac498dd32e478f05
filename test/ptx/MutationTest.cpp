// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether the checks notice broken kernels. MOEC_PTX_SEED draws other mutants,
// MOEC_PTX_MUTANTS says how many of each file.

#include "test/ptx/Mutation.h"
#include "test/ptx/Kernels.h"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace moec::ptx;
using namespace moec::ptx::test;

namespace {

uint64_t setting(const char *name, uint64_t otherwise) {
  const char *text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 0) : otherwise;
}

/// Whether any size and schedule shows that the kernel is broken.
bool isNoticed(const Module &module, const std::vector<Case> &cases,
               const std::string &kernel) {
  for (const Case &c : cases)
    if (c.kernel == kernel || cases.size() == 1)
      for (int size : c.sizes)
        for (const Schedule &schedule : schedules(size)) {
          Options options = schedule;
          options.maxWarpInstructions = size < 250 ? 1 << 17 : 1 << 20;
          if (!c.run(module, options, size).empty())
            return true;
        }
  return false;
}

struct Outcome {
  size_t drawn = 0, noticed = 0;
};

/// Prints the survivors.
Outcome run(const std::string &file, const std::vector<Case> &cases) {
  std::string text = readKernels(file), error;
  Outcome outcome;
  for (const Mutation &m :
       draw(findMutations(text), setting("MOEC_PTX_MUTANTS", 40),
            setting("MOEC_PTX_SEED", 1))) {
    auto module = Module::parse(mutate(text, m), error);
    EXPECT_TRUE(module) << error << "\n" << m.after;
    ++outcome.drawn;
    if (!module || isNoticed(*module, cases, m.kernel))
      ++outcome.noticed;
    else
      printf("not noticed: %s, %s:%u, %s:\n  %s\n  %s\n", m.kind.c_str(),
             file.c_str(), m.line, m.kernel.c_str(), m.before.c_str(),
             m.after.c_str());
  }
  printf("%s: %zu of %zu mutants noticed\n", file.c_str(), outcome.noticed,
         outcome.drawn);
  return outcome;
}

} // namespace

TEST(PtxMutation, IsNoticedInKernelsOfTheAmpereKind) {
  Outcome outcome = run("sm80.ptx", sm80Cases);
  EXPECT_GE(outcome.drawn, 30u);
  EXPECT_GE(10 * outcome.noticed, 9 * outcome.drawn);
}

TEST(PtxMutation, IsNoticedInKernelsOfTheHopperKind) {
  Outcome outcome = run("sm90a.ptx", {hopperCase});
  EXPECT_GE(outcome.drawn, 30u);
  EXPECT_GE(10 * outcome.noticed, 9 * outcome.drawn);
}

TEST(PtxMutation, IsNoticedInKernelsThatMoecEmits) {
  Outcome outcome = run("layer.ptx", {layerCase});
  EXPECT_GE(outcome.drawn, 30u);
  EXPECT_GE(10 * outcome.noticed, 9 * outcome.drawn);
}
