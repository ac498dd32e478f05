// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds the function of one MoE layer from what a layer is made of. Importers
// fill a LayerSpec; what the IR looks like is decided here only.

#ifndef MOEC_IMPORTERS_LAYERBUILDER_H
#define MOEC_IMPORTERS_LAYERBUILDER_H

#include "importers/LayerSpec.h"
#include "mlir/IR/BuiltinOps.h"

namespace moec {

/// Appends the layer's parameters and its function `NAME.moe` to the module.
/// Arguments: hidden_states, and where the layer reads them router_input,
/// router_states, input_ids, token_types. Results: moe_out, router_states where
/// the layer carries them, router_logits, topk_ids, topk_weights.
void buildMoeLayer(mlir::ModuleOp module, const LayerSpec &spec);

} // namespace moec

#endif // MOEC_IMPORTERS_LAYERBUILDER_H
