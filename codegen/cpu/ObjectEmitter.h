// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the LLVM dialect to machine code for one ISA level.

#ifndef MOEC_CODEGEN_CPU_OBJECTEMITTER_H
#define MOEC_CODEGEN_CPU_OBJECTEMITTER_H

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace moec::cpu {

/// An ISA level of x86-64, as the psABI defines it.
struct IsaLevel {
  llvm::StringRef name; ///< "x86-64-v3"
  unsigned lanes;       ///< f32 elements of a vector register
};

/// All levels, lowest first.
llvm::ArrayRef<IsaLevel> getIsaLevels();

/// The level of this name, or null.
const IsaLevel *findIsaLevel(llvm::StringRef name);

/// What one level's code looks like; texts only where asked for.
struct EmittedObject {
  std::string object; ///< ELF relocatable
  std::string llvmText;
  std::string assembly;
};

/// Translates `module` (LLVM dialect), optimises and emits it. Only `moec_`
/// symbols stay visible. Errors are diagnostics on the module.
mlir::FailureOr<EmittedObject> emitObject(mlir::ModuleOp module,
                                          const IsaLevel &level, bool wantLlvm,
                                          bool wantAssembly);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_OBJECTEMITTER_H
