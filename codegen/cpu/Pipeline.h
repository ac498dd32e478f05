// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The way from a module with grouped operations on tensors to machine code.

#ifndef MOEC_CODEGEN_CPU_PIPELINE_H
#define MOEC_CODEGEN_CPU_PIPELINE_H

#include "codegen/cpu/Signature.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>
#include <vector>

namespace llvm {
class Module;
} // namespace llvm

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace moec::cpu {

/// The interfaces and translations that the pipeline needs beyond the dialects
/// of all phases, which the tool registers (tools/driver/RegisterDialects.h).
void registerCpuDialects(mlir::DialectRegistry &registry);

/// All passes of this folder and the pipelines `moec-cpu-buffers`,
/// `moec-cpu-schedule` and `moec-cpu-llvm`.
void registerCpuPasses();

/// Inlines private functions and makes parameters arguments.
void buildParametersPipeline(mlir::OpPassManager &manager);
/// Tensors become buffers.
void buildBuffersPipeline(mlir::OpPassManager &manager);
/// Grouped operations and linalg become tasks, buffers one workspace.
void buildSchedulePipeline(mlir::OpPassManager &manager, unsigned lanes);
/// Entry points; everything becomes the LLVM dialect.
void buildLlvmPipeline(mlir::OpPassManager &manager);

struct CpuCompileOptions {
  /// Names of ISA levels; empty: all, and those extensions that multiply what
  /// the module does.
  std::vector<std::string> levels;
  bool wantLlvm = false;
  bool wantAssembly = false;
  /// Verify after each pass.
  bool verifyEach = false;
  /// Called after the phases "buffers", "scheduled" and "llvm" of each level.
  llvm::function_ref<void(llvm::StringRef phase, llvm::StringRef level,
                          mlir::ModuleOp module)>
      dump;
  /// Adds to each level's LLVM module; of all symbols only those that it
  /// returns stay visible. Null: the entry points do.
  llvm::function_ref<std::vector<std::string>(
      llvm::Module &module, llvm::ArrayRef<FunctionSignature> functions)>
      extend;
};

/// Machine code for one level.
struct CpuCode {
  std::string level; ///< IsaLevel::name
  std::string base;  ///< IsaLevel::base
  std::vector<std::string> features;
  std::string elf;    ///< shared object
  std::string object; ///< the relocatable object it was linked from
  std::string llvmText;
  std::string assembly;
};

struct CpuModule {
  std::vector<FunctionSignature> functions;
  std::vector<CpuCode> code; ///< in the order of levels asked for
};

/// Reads the signatures of public functions, after buildParametersPipeline. Of
/// functions that differ in names only (the layers of a model) all but the
/// first are erased and call its code.
mlir::LogicalResult shareCode(mlir::ModuleOp module,
                              std::vector<FunctionSignature> &functions);

/// Compiles all public functions of `module`, which is left as it was. Errors
/// are diagnostics.
mlir::FailureOr<CpuModule> compileCpuModule(mlir::ModuleOp module,
                                            const CpuCompileOptions &options);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_PIPELINE_H
