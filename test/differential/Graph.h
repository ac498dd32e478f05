// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random MoE graphs over the whole language, many to a module.

#ifndef MOEC_TEST_DIFFERENTIAL_GRAPH_H
#define MOEC_TEST_DIFFERENTIAL_GRAPH_H

#include <string>
#include <vector>

namespace moec::test {

/// One function `name` of `tensor<?xHxf32>` to `tensor<?xHxf32>` and the ids of
/// its first decision, with the globals that it reads. Scores that decide are
/// tapped as "rows" or "columns", after which stand, between colons, the
/// numbers that the policy compares them or their sums with.
struct Graph {
  std::string name, globals, function;
};

/// Graph number `seed`, whose every choice is drawn.
Graph drawGraph(unsigned seed);

/// One module with all of them.
std::string print(const std::vector<Graph> &graphs);

} // namespace moec::test

#endif // MOEC_TEST_DIFFERENTIAL_GRAPH_H
