// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the weights of a checkpoint are quantised, as `quantization_config` says.

#ifndef MOEC_IMPORTERS_HF_QUANTIZATION_H
#define MOEC_IMPORTERS_HF_QUANTIZATION_H

#include "importers/Config.h"

namespace moec::hf {

enum class QuantizationMethod {
  None,
  Fp8, ///< weight with weight_scale_inv or weight_scale
  Mxfp4,
  Gptq,
  GptqV2,
  Awq,
  Packed ///< compressed-tensors: weight_packed, or as Fp8
};

struct Quantization {
  QuantizationMethod method = QuantizationMethod::None;
  /// Rows and depth that share a scale of Fp8; the last ones may be smaller.
  int64_t tile[2] = {128, 128};
  /// Whether the groups of Gptq may be in another order than the depth: then
  /// g_idx counts, otherwise it says nothing new.
  bool activationOrder = true;
};

/// An error for a method or a number of bits that is not known.
llvm::Expected<Quantization> readQuantization(const Config &config);

} // namespace moec::hf

#endif // MOEC_IMPORTERS_HF_QUANTIZATION_H
