// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emits a layer's router: from tokens to experts and weights.

#ifndef MOEC_IMPORTERS_ROUTING_H
#define MOEC_IMPORTERS_ROUTING_H

#include "importers/RowBuilder.h"

namespace moec {

/// What the layer's function is called with; null where it is not an argument.
struct LayerInputs {
  mlir::Value tokens;       ///< [T, H]
  mlir::Value routerInput;  ///< [T, H]
  mlir::Value routerStates; ///< [T, R]
  mlir::Value inputIds;     ///< [T] i32
  mlir::Value tokenTypes;   ///< [T] i32
  mlir::Value segments;     ///< [T] i32: the sequence of a token
};

/// What a router decides.
struct Routing {
  mlir::Value logits;       ///< [T, C] before anything is done to them
  mlir::Value ids;          ///< [T, K] i32
  mlir::Value weights;      ///< [T, K]
  mlir::Value sinkWeights;  ///< [T, sinks], where there are any
  mlir::Value routerStates; ///< [T, R], where the next layer reads them
};

Routing buildRouting(RowBuilder &rows, const LayerSpec &spec,
                     const LayerInputs &inputs);

} // namespace moec

#endif // MOEC_IMPORTERS_ROUTING_H
