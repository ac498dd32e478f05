// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_IMPORTERS_HF_HUGGINGFACE_H
#define MOEC_IMPORTERS_HF_HUGGINGFACE_H

#include "importers/Importer.h"

namespace moec::hf {

/// Imports a directory with config.json (as transformers 4.x or 5.x writes it)
/// and safetensors files.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importDirectory(llvm::StringRef directory, const ImportOptions &options,
                mlir::MLIRContext &context);

} // namespace moec::hf

#endif // MOEC_IMPORTERS_HF_HUGGINGFACE_H
