// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_IMPORTERS_GGUF_DECODER_H
#define MOEC_IMPORTERS_GGUF_DECODER_H

#include "importers/gguf/Layer.h"
#include "mlir/IR/BuiltinOps.h"

namespace moec::gguf {

/// Appends `forward` and `decode` to a module that has the functions of the MoE
/// layers. An error where the architecture is one whose MoE layers only are
/// known.
llvm::Error importDecoder(Model &model, int64_t layers, mlir::ModuleOp module);

} // namespace moec::gguf

#endif // MOEC_IMPORTERS_GGUF_DECODER_H
