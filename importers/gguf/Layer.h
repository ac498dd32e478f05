// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The MoE layers of a GGUF file.

#ifndef MOEC_IMPORTERS_GGUF_LAYER_H
#define MOEC_IMPORTERS_GGUF_LAYER_H

#include "importers/gguf/Architectures.h"
#include "importers/gguf/Metadata.h"
#include "importers/gguf/Tensors.h"
#include <vector>

namespace moec::gguf {

/// What the parts of an importer read.
struct Model {
  const Architecture &architecture;
  Metadata metadata;
  Tensors tensors;
};

/// Layers, without those that predict more than the next token.
llvm::Expected<int64_t> countLayers(const Model &model);

/// Numbers of the layers that have a router or experts.
std::vector<int64_t> findMoeLayers(const Model &model, int64_t layers);

llvm::Expected<LayerSpec> readLayer(Model &model, int64_t number);

} // namespace moec::gguf

#endif // MOEC_IMPORTERS_GGUF_LAYER_H
