// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `weights` of a described layer: random values or tensors of a file.

#ifndef MOEC_IMPORTERS_JSON_LAYERWEIGHTS_H
#define MOEC_IMPORTERS_JSON_LAYERWEIGHTS_H

#include "importers/LayerSpec.h"
#include "importers/json/description_generated.h"
#include "weights/SourceFiles.h"

namespace moec::json {

/// Gives every parameter of the layer random values of its own: parameter `i`
/// of a layer has the seed 8 * seed + i.
llvm::Error fillRandomWeights(LayerSpec &layer,
                              const description::Random &random,
                              description::Precision precision, bool gated,
                              mlir::MLIRContext &context);

/// Gives every parameter the tensor that the description names for it. `gated`:
/// the shared expert has a gate.
llvm::Error fillTensorWeights(LayerSpec &layer,
                              const description::Tensors &tensors, bool gated,
                              SourceFiles &files, mlir::MLIRContext &context);

} // namespace moec::json

#endif // MOEC_IMPORTERS_JSON_LAYERWEIGHTS_H
