// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random routings, by token and by expert: compiled code against the reference
// interpreter. Ids must be equal, at every number of threads.

#include "test/differential/Routing.h"
#include "test/differential/Differential.h"
#include <cstdlib>
#include <gtest/gtest.h>

using namespace moec::test;

namespace {
class DrawnRouting : public testing::TestWithParam<unsigned> {};

/// MOEC_FUZZ_SEEDS asks for more than the few that every run tries.
unsigned getNumSeeds() {
  const char *asked = std::getenv("MOEC_FUZZ_SEEDS");
  return asked ? std::max(1, std::atoi(asked)) : 24;
}
INSTANTIATE_TEST_SUITE_P(Seeds, DrawnRouting,
                         testing::Range(0u, getNumSeeds()));

TEST_P(DrawnRouting, CompiledLikeInterpreted) {
  std::string text = print(drawRouting(GetParam()));
  SCOPED_TRACE(text);
  std::vector<std::string> levels = getHostLevels();
  Differential layer(text, levels[GetParam() % levels.size()]);
  for (int64_t tokens : {0, 1, 19, 130})
    layer.compare(tokens);
}
} // namespace
