// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one entry of this folder: a model description in, a module of the moe
// phase out.

#ifndef MOEC_IMPORTERS_IMPORTER_H
#define MOEC_IMPORTERS_IMPORTER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace moec {

/// What is exported: the whole model, or one function for each MoE layer.
enum class ImportScope { Model, Moe };

struct ImportOptions {
  ImportScope scope = ImportScope::Moe;
};

/// Loads the dialects that imported modules use.
void loadImporterDialects(mlir::MLIRContext &context);

/// Imports a checkpoint directory (config.json), a .gguf or .onnx file, a .json
/// description, or .mlir and .mlirbc text, told apart by a table. The module
/// verifies, and its attribute moe.source_directory names the directory that
/// its #moe.source files are relative to. Reads headers, never weights. An
/// error says which file and which field or tensor.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importModel(llvm::StringRef path, const ImportOptions &options,
            mlir::MLIRContext &context);

} // namespace moec

#endif // MOEC_IMPORTERS_IMPORTER_H
