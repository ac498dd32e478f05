// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text of layers whose routing is the point: their experts only scale rows.

#ifndef MOEC_TEST_DIFFERENTIAL_ROUTING_H
#define MOEC_TEST_DIFFERENTIAL_ROUTING_H

#include <cstdint>
#include <string>

namespace moec::test {

/// Names that texts may use: `%x` (the input, `tensor<?x$Exf32>`), `%scores`
/// and `%rough` (few distinct values and some NaN) of its type, `%mask`
/// (`tensor<?x$Exi1>`), `%segments`, `%counts` (`tensor<?xi32>`), `%numbers`
/// (`tensor<?xf32>`), `%t` (tokens, index), capacities `%fixed`, `%half` (of
/// the tokens), `%unknown` (from the input's values; i32) and `%each`
/// (`tensor<$Exi32>`).
struct Routing {
  int64_t experts = 6, slots = 3;
  /// Ends with `%kept : tensor<?x$Kxi32>`, unless tokens are selected.
  std::string select;
  /// Ends with `%ids : tensor<$Ex$Cxi32>` and `%chosen : tensor<?x$Exi1>`.
  std::string selectTokens;
  /// `$C`: a number, or `?`.
  std::string capacity = "?";
};

/// A module with the function "layers.0.moe". Results: the combined rows, the
/// ids, and the weights or what is chosen.
std::string print(const Routing &routing);

/// Routing number `seed`, whose every choice is drawn.
Routing drawRouting(unsigned seed);

} // namespace moec::test

#endif // MOEC_TEST_DIFFERENTIAL_ROUTING_H
