// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the LLVM dialect to machine code for one ISA level.

#ifndef MOEC_CODEGEN_CPU_OBJECTEMITTER_H
#define MOEC_CODEGEN_CPU_OBJECTEMITTER_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
} // namespace llvm

namespace moec::cpu {

/// A function attribute (of LLVM): sums stand in memory because registers hold
/// other values, and shall stay there.
inline constexpr llvm::StringLiteral kSumsInMemory = "moec-sums-in-memory";

/// An ISA level of x86-64, as the psABI defines it, or one with an extension.
struct IsaLevel {
  llvm::StringRef name;    ///< "x86-64-v4+avx512vnni"
  llvm::StringRef base;    ///< "x86-64-v4"
  unsigned lanes;          ///< f32 elements of a vector register
  llvm::StringRef feature; ///< "avx512vnni", in LLVM's spelling, or nothing
  /// The `grouped.compute` whose products the extension is for, or nothing.
  llvm::StringRef compute;
};

/// All levels, lowest first, those with extensions last.
llvm::ArrayRef<IsaLevel> getIsaLevels();

/// The level of this name, or null.
const IsaLevel *findIsaLevel(llvm::StringRef name);

/// What one level's code looks like; texts only where asked for.
struct EmittedObject {
  std::string object; ///< ELF relocatable
  std::string llvmText;
  std::string assembly;
};

/// A module on its way from LLVM IR to machine code. It holds nothing of MLIR,
/// so that emit() may run on another thread.
class ObjectEmitter {
public:
  /// Translates `module` (LLVM dialect). Errors are diagnostics on the module.
  static std::unique_ptr<ObjectEmitter> create(mlir::ModuleOp module,
                                               const IsaLevel &level);
  ~ObjectEmitter();

  /// Lets `extend` add to the module; of all symbols only those that it returns
  /// stay visible.
  void
  extend(llvm::function_ref<std::vector<std::string>(llvm::Module &)> extend);

  /// Optimises and emits. Only `moec_` symbols stay visible, or those of
  /// extend(). On failure returns false and says why in `error`.
  bool emit(bool wantLlvm, bool wantAssembly, EmittedObject &result,
            std::string &error);

private:
  ObjectEmitter();

  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  std::vector<std::string> exports; ///< empty: what begins with moec_
  std::unique_ptr<llvm::TargetMachine> machine;
};

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_OBJECTEMITTER_H
