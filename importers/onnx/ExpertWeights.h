// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The experts of com.microsoft.MoE and QMoE: attributes and weights.

#ifndef MOEC_IMPORTERS_ONNX_EXPERTWEIGHTS_H
#define MOEC_IMPORTERS_ONNX_EXPERTWEIGHTS_H

#include "importers/onnx/Node.h"

namespace moec::onnx {

/// One linear part of all experts: weight [E, width, depth] and perhaps bias
/// [E, width].
struct Linear {
  mlir::Value weight, bias;
  int64_t width = 0;
};

struct Experts {
  int64_t count = 0, topK = 0, hidden = 0;
  /// activation(first) times third, if there is a third one, into second.
  Linear first, second, third;
  /// A name of findActivation, or "swiglu", which has a third part.
  std::string activation;
  double alpha = 1, beta = 0;
  std::optional<double> limit;
  bool limitsAfter = false; ///< the activated gate, else the gate
};

/// Reads a MoE or QMoE node over `count` experts and rows of `hidden` elements
/// and loads its weights. Gate and up that share a tensor become two
/// parameters.
llvm::Expected<Experts> readExperts(const Node &node, int64_t hidden,
                                    int64_t count);

} // namespace moec::onnx

#endif // MOEC_IMPORTERS_ONNX_EXPERTWEIGHTS_H
