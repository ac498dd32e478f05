// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX models: the graph becomes one function `main`.

#ifndef MOEC_IMPORTERS_ONNX_ONNX_H
#define MOEC_IMPORTERS_ONNX_ONNX_H

#include "importers/Importer.h"

namespace moec::onnx {

/// Imports a .onnx file. Arguments and results have the names of the graph's
/// inputs and outputs. An error names the file and the node, input or tensor.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importModel(llvm::StringRef path, const ImportOptions &options,
            mlir::MLIRContext &context);

} // namespace moec::onnx

#endif // MOEC_IMPORTERS_ONNX_ONNX_H
