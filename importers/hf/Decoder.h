// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_IMPORTERS_HF_DECODER_H
#define MOEC_IMPORTERS_HF_DECODER_H

#include "importers/hf/Checkpoint.h"
#include "mlir/IR/BuiltinOps.h"

namespace moec::hf {

/// Adds the decoder of the model in `directory` to a module that has the
/// functions of its MoE layers. The error names the layer or field that is not
/// supported.
llvm::Error importDecoder(llvm::StringRef directory, Checkpoint &checkpoint,
                          mlir::ModuleOp module);

} // namespace moec::hf

#endif // MOEC_IMPORTERS_HF_DECODER_H
