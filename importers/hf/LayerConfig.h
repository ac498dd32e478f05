// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a configuration says about a model's MoE layers.

#ifndef MOEC_IMPORTERS_HF_LAYERCONFIG_H
#define MOEC_IMPORTERS_HF_LAYERCONFIG_H

#include "importers/Config.h"
#include "importers/LayerSpec.h"
#include "importers/hf/Architectures.h"

namespace moec::hf {

/// A stack of layers: a decoder, or encoder and decoder each.
struct LayerStack {
  std::string name;            ///< before `layers.N` in functions: "encoder."
  std::vector<int64_t> layers; ///< numbers of the MoE layers
};

struct ModelConfig {
  Config config; ///< of the language model
  const Architecture *architecture = nullptr;
  std::vector<LayerStack> stacks;
};

/// The architecture and the MoE layers. An unknown `model_type` is an error
/// that lists the nearest known ones.
llvm::Expected<ModelConfig> readModelConfig(const Config &config);

/// Everything about a layer but its name and its parameters.
llvm::Expected<LayerSpec> readLayerConfig(const ModelConfig &model,
                                          int64_t number);

} // namespace moec::hf

#endif // MOEC_IMPORTERS_HF_LAYERCONFIG_H
