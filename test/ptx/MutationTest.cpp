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

/// Why a mutant lives: what it breaks is seen in no result, or in none that the
/// data lead to.
struct Harmless {
  const char *kernel, *kind, *reason;
};
const Harmless harmless[] = {
    {"gemm", "branch dropped",
     "a tile behind the depth is loaded, of zeros that nobody reads"},
    {"gemm", "bound off by one",
     "a row that is not stored is loaded instead of zeros, or no depth that is "
     "a multiple of 8 meets the bound"},
    {"softmax", "branch dropped",
     "the greatest of the first 32 keeps the powers finite, too"},
    {"offsets", "branch dropped", "all threads write the same zero"},
    {"elementwise_2", "bound off by one", "no expert has the number 8"},
    {"elementwise_8", "branch dropped",
     "the weight of a choice without an expert is not read"},
    {"count_rows_9", "index scaled wrong", "there is one block"},
    {"sequential_10", "index scaled wrong", "there is one block"},
    {"place_rows_11", "index scaled wrong", "there is one block"},
    {"combine_15", "index scaled wrong", "there is one block"},
    {"combine_15", "bound off by one", "the loop ends at once, too"},
    {"grouped_matmul_12", "bound off by one", "the offsets end the rows, too"},
    {"grouped_matmul_12", "branch dropped", "the offsets end the rows, too"},
    {"grouped_matmul_14", "bound off by one", "the offsets end the rows, too"},
    {"grouped_matmul_14", "branch dropped", "the offsets end the rows, too"},
    {"grouped_matmul_14", "stride doubled", "the offsets end the rows, too"},
    {"matmul_0", "sum dropped", "the sum begins with zero"},
    {"grouped_matmul_12", "sum dropped",
     "the sum begins with zero, or the power is split at another place"},
    {"grouped_matmul_14", "sum dropped", "the sum begins with zero"},
    {"elementwise_5", "sum dropped", "the power is split at another place"},
    {"gate_up_24", "bound off by one",
     "a row that is not stored is loaded instead of zeros, or a lane's even "
     "column never is the odd bound"},
    {"gate_up_24", "copy ignores its size",
     "a row that is not stored is loaded instead of zeros"},
    {"gate_up_176", "bound off by one",
     "a row that is not stored is loaded instead of zeros, or a lane's even "
     "column never is the odd bound"},
    {"gate_up_176", "copy ignores its size",
     "a row that is not stored is loaded instead of zeros"},
    {"gate_up_256", "bound off by one",
     "a row that is not stored is loaded instead of zeros, or a lane's even "
     "column never is the odd bound"},
    {"gate_up_256", "copy ignores its size",
     "a row that is not stored is loaded instead of zeros"},
    {"down_36", "bound off by one",
     "a row that is not stored is loaded instead of zeros, or a lane's even "
     "column never is the odd bound"},
    {"down_36", "copy ignores its size",
     "a row that is not stored is loaded instead of zeros"},
    {"gate_up_24", "warp barrier dropped", "the lanes meet behind it, too"},
    {"gate_up_176", "warp barrier dropped", "the lanes meet behind it, too"},
    {"gate_up_256", "warp barrier dropped", "the lanes meet behind it, too"},
    {"down_36", "warp barrier dropped", "the lanes meet behind it, too"},
    {"dense_80", "warp barrier dropped", "the lanes meet behind it, too"},
    {"gate_up_24", "commit dropped",
     "there is one step: nothing is copied in it"},
    {"gate_up_256", "barrier dropped",
     "with a multiple of four steps, the next tile's first copies leave out "
     "the "
     "stage of the last one"},
    {"dense_80", "bound off by one",
     "a row that is not stored is loaded instead of zeros, or a lane's even "
     "column never is the odd bound"},
    {"dense_80", "branch dropped", "all columns are there"},
    {"select_1", "bound off by one", "no two scores of the data tie there"},
};

std::string reasonOf(const Mutation &m) {
  for (const Harmless &h : harmless)
    if (m.kernel == h.kernel && m.kind == h.kind)
      return h.reason;
  return "";
}

struct Outcome {
  size_t drawn = 0, noticed = 0;
};

/// Prints the survivors; one without a reason is a failure.
Outcome run(const std::string &file, const std::vector<Case> &cases) {
  std::string text = readKernels(file), error;
  Outcome outcome;
  for (const Mutation &m :
       draw(findMutations(text), setting("MOEC_PTX_MUTANTS", 40),
            setting("MOEC_PTX_SEED", 1))) {
    auto module = Module::parse(mutate(text, m), error);
    EXPECT_TRUE(module) << error << "\n" << m.after;
    ++outcome.drawn;
    if (!module || isNoticed(*module, cases, m.kernel)) {
      ++outcome.noticed;
      continue;
    }
    std::string reason = reasonOf(m);
    printf("not noticed: %s, %s:%u, %s:\n  %s\n  %s\n  %s\n", m.kind.c_str(),
           file.c_str(), m.line, m.kernel.c_str(), m.before.c_str(),
           m.after.c_str(), reason.c_str());
    EXPECT_NE(reason, "") << "nobody notices " << m.after;
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

/// More than elsewhere are harmless: what is loaded for rows and steps that are
/// not there is never used.
TEST(PtxMutation, IsNoticedInTilesThatMoecEmits) {
  Outcome outcome = run("tiles.ptx", tilesCases);
  EXPECT_GE(outcome.drawn, 30u);
  EXPECT_GE(10 * outcome.noticed, 8 * outcome.drawn);
}

TEST(PtxMutation, IsNoticedInKernelsThatMoecEmits) {
  Outcome outcome = run("layer.ptx", {layerCase});
  EXPECT_GE(outcome.drawn, 30u);
  EXPECT_GE(10 * outcome.noticed, 9 * outcome.drawn);
}
