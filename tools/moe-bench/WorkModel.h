// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How much work a function has to do, from its artifact's parameter table:
// weights with three dimensions belong to experts, weights with two to every
// token.

#ifndef MOEC_TOOLS_MOE_BENCH_WORKMODEL_H
#define MOEC_TOOLS_MOE_BENCH_WORKMODEL_H

#include "moec/runtime.h"
#include <cstdint>

namespace moec::bench {

struct WorkModel {
  int64_t experts = 0;     ///< 0 when the function has no expert weights
  double flopPerRow = 0;   ///< of one token at one expert
  double flopPerToken = 0; ///< of a token at what all tokens share
  double bytesPerExpert = 0;
  double sharedBytes = 0;

  /// Useful operations for `tokens` tokens with `rows` assignments in all.
  double flop(double tokens, double rows) const {
    return flopPerToken * tokens + flopPerRow * rows;
  }
  /// Bytes of weights that must be read once when `touched` experts have rows.
  double bytes(double touched) const {
    return sharedBytes + bytesPerExpert * touched;
  }
};

WorkModel getWorkModel(const moec_module *module,
                       const moec_function *function);

} // namespace moec::bench

#endif // MOEC_TOOLS_MOE_BENCH_WORKMODEL_H
