// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parameters of a layer: which tensors they are, and how they lie there.

#ifndef MOEC_IMPORTERS_HF_LAYERWEIGHTS_H
#define MOEC_IMPORTERS_HF_LAYERWEIGHTS_H

#include "importers/hf/Checkpoint.h"
#include "importers/hf/LayerConfig.h"

namespace moec::hf {

/// Fills the parameters of a layer that has everything else. `stack` is the
/// name of the layers' stack ("encoder." or empty).
llvm::Error readLayerWeights(Checkpoint &checkpoint, const ModelConfig &model,
                             llvm::StringRef stack, int64_t number,
                             LayerSpec &layer);

} // namespace moec::hf

#endif // MOEC_IMPORTERS_HF_LAYERWEIGHTS_H
