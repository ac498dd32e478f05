// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Breaks PTX on purpose, to see whether the checks notice.

#ifndef MOEC_TEST_PTX_MUTATION_H
#define MOEC_TEST_PTX_MUTATION_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moec::ptx {

/// One line that was changed.
struct Mutation {
  std::string kernel;
  unsigned line = 0;
  /// "barrier dropped", "wait too shallow" and so on.
  std::string kind;
  std::string before, after;
};

/// Every mutation of every kernel of the text.
std::vector<Mutation> findMutations(std::string_view ptx);

/// The text with one of them.
std::string mutate(std::string_view ptx, const Mutation &mutation);

/// `count` of them, or all, in an order that the seed draws: each kind once
/// before any kind a second time.
std::vector<Mutation> draw(std::vector<Mutation> mutations, size_t count,
                           uint64_t seed);

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_MUTATION_H
