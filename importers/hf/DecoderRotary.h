// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Frequencies of rotary positions from config.json.

#ifndef MOEC_IMPORTERS_HF_DECODERROTARY_H
#define MOEC_IMPORTERS_HF_DECODERROTARY_H

#include "importers/DecoderBuilder.h"
#include "importers/hf/DecoderFields.h"

namespace moec::hf {

/// What the configuration says about one kind of layer.
struct RotaryConfig {
  RotarySpec spec;
  /// Factor of the attention scale (DeepSeek's mscale_all_dim).
  double attentionFactor = 1.0;
};

/// Frequencies for heads of `width` rotary entries (before a partial factor),
/// as transformers computes them: default, linear, dynamic, yarn, llama3 and
/// longrope. `layerType` chooses among parameters by layer type.
llvm::Expected<RotaryConfig> readRotary(const DecoderFields &fields,
                                        int64_t width,
                                        llvm::StringRef layerType);

} // namespace moec::hf

#endif // MOEC_IMPORTERS_HF_DECODERROTARY_H
