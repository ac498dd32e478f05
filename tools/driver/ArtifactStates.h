// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_DRIVER_ARTIFACTSTATES_H
#define MOEC_TOOLS_DRIVER_ARTIFACTSTATES_H

#include "codegen/artifact/ArtifactWriter.h"
#include "codegen/cpu/Signature.h"
#include "mlir/IR/BuiltinOps.h"

namespace moec {

/// Adds the states that the functions have, once each; their default sizes are
/// those of the globals of `module`.
void addStates(artifact::ArtifactWriter &writer,
               llvm::ArrayRef<cpu::FunctionSignature> functions,
               mlir::ModuleOp module);

} // namespace moec

#endif // MOEC_TOOLS_DRIVER_ARTIFACTSTATES_H
