// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_OBJECT_TVMFUNCTIONS_H
#define MOEC_CODEGEN_OBJECT_TVMFUNCTIONS_H

#include "codegen/object/Interface.h"

namespace llvm {
class Constant;
class Module;
} // namespace llvm

namespace moec::object {

/// Adds `__tvm_ffi_layers_0_moe` and `__tvm_ffi_layers_0_moe_workspace` for the
/// function "layers.0.moe" and returns their names. `weights` is its table of
/// linked weights or null, `services` those of callers that give none.
std::vector<std::string> addTvmFunctions(llvm::Module &module,
                                         const CFunction &function,
                                         llvm::Constant *weights,
                                         llvm::Constant *services);

} // namespace moec::object

#endif // MOEC_CODEGEN_OBJECT_TVMFUNCTIONS_H
