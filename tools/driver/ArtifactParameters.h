// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the globals of a compiled module to the parameter table of its artifact.

#ifndef MOEC_TOOLS_DRIVER_ARTIFACTPARAMETERS_H
#define MOEC_TOOLS_DRIVER_ARTIFACTPARAMETERS_H

#include "codegen/artifact/ArtifactWriter.h"
#include "mlir/IR/BuiltinOps.h"
#include "weights/SourceFiles.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace moec {

/// Adds the globals `names` of `compiled` to the writer, in this order, each
/// with a source that streams its bytes. A packed global's parts get the shapes
/// that they have in `source`, the module before any pass. Checks every value
/// against its files; errors name the parameter, the file and the tensor.
/// `compiled` and `files` must live until the writer is finished.
llvm::Error addParameters(artifact::ArtifactWriter &writer,
                          llvm::ArrayRef<llvm::StringRef> names,
                          mlir::ModuleOp compiled, mlir::ModuleOp source,
                          SourceFiles &files);

} // namespace moec

#endif // MOEC_TOOLS_DRIVER_ARTIFACTPARAMETERS_H
