// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses the next token of the last logits.

#ifndef MOEC_TOOLS_MOE_RUN_SAMPLER_H
#define MOEC_TOOLS_MOE_RUN_SAMPLER_H

#include <cstdint>
#include <random>
#include <span>

namespace moec {

class Sampler {
public:
  /// `temperature` 0 takes the highest logit (the lowest id of equal ones).
  /// Else a token is drawn from softmax(logits / temperature), from the fewest
  /// of the likeliest tokens whose probabilities sum to `topP` at least.
  Sampler(double temperature, double topP, uint64_t seed)
      : temperature(temperature), topP(topP), generator(seed) {}

  int32_t choose(std::span<const float> logits);

private:
  double temperature, topP;
  std::mt19937_64 generator;
};

} // namespace moec

#endif // MOEC_TOOLS_MOE_RUN_SAMPLER_H
