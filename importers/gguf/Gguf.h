// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_IMPORTERS_GGUF_GGUF_H
#define MOEC_IMPORTERS_GGUF_GGUF_H

#include "importers/Importer.h"

namespace moec::gguf {

/// Imports a .gguf file. An error names the file and the key or tensor.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importFile(llvm::StringRef path, const ImportOptions &options,
           mlir::MLIRContext &context);

} // namespace moec::gguf

#endif // MOEC_IMPORTERS_GGUF_GGUF_H
