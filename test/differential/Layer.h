// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text of MoE layers that no importer makes.

#ifndef MOEC_TEST_DIFFERENTIAL_LAYER_H
#define MOEC_TEST_DIFFERENTIAL_LAYER_H

#include <cstdint>
#include <string>

namespace moec::test {

struct Layer {
  int64_t hidden = 16, inner = 12, experts = 6, slots = 2;
  std::string dtype = "f32"; ///< of the weights
  /// What computes `%scores` (`tensor<?xExf32>`) from `%logits`; `%empty` is a
  /// tensor of that type.
  std::string scores = "%scores = linalg.softmax dimension(1) ins(%logits : "
                       "tensor<?x$Exf32>) outs(%empty : tensor<?x$Exf32>) -> "
                       "tensor<?x$Exf32>";
  std::string policy = "#moe.top_k<$K>";
  std::string weigh = "sum %scores, %ids";
  /// What computes `%h : f32` from `%g` (gate), `%u` (up) and `%v` (an element
  /// of a vector that each expert has).
  std::string body = R"(
    %n = arith.negf %g : f32
    %e = math.exp %n : f32
    %d = arith.addf %one, %e : f32
    %s = arith.divf %g, %d : f32
    %h = arith.mulf %s, %u : f32)";
};

/// Replaces each `from` in `text`.
void replaceAll(std::string &text, const std::string &from,
                const std::string &to);

/// A module with the function "layers.0.moe" and seeded random weights.
std::string print(const Layer &layer);

} // namespace moec::test

#endif // MOEC_TEST_DIFFERENTIAL_LAYER_H
