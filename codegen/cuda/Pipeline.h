// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The way from a module with grouped operations on tensors to CUDA C++ and the
// host code that launches its kernels.

#ifndef MOEC_CODEGEN_CUDA_PIPELINE_H
#define MOEC_CODEGEN_CUDA_PIPELINE_H

#include "codegen/cpu/Signature.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace moec::cuda {

/// The dialect of this folder; registerCpuDialects() is needed too.
void registerCudaDialects(mlir::DialectRegistry &registry);

/// All passes of this folder and the pipeline `moec-cuda-schedule`.
void registerCudaPasses();

/// Grouped operations and linalg on buffers become kernels and launches,
/// buffers one workspace.
/// `bf16`: experts with bf16 weights compute in bf16.
void buildSchedulePipeline(mlir::OpPassManager &manager, bool bf16 = false);
/// Entry points; the host code becomes the LLVM dialect. Erases the kernels.
void buildHostPipeline(mlir::OpPassManager &manager);

/// Names of the optimisation passes that prepare weights and choices for CPUs
/// and are left out here.
llvm::ArrayRef<llvm::StringRef> getCpuOnlyPasses();

/// All architectures, as nvcc names them; the first is the default.
llvm::ArrayRef<llvm::StringRef> getArchitectures();

struct CudaCompileOptions {
  /// Names of architectures, each one of getArchitectures().
  std::vector<std::string> architectures;
  /// Experts with bf16 weights compute in bf16; without any it is an error.
  bool bf16 = false;
  /// Only the source is wanted: no host code.
  bool sourceOnly = false;
  /// Verify after each pass.
  bool verifyEach = false;
  /// Called after the phases "buffers", "scheduled" and "llvm" of each
  /// architecture.
  llvm::function_ref<void(llvm::StringRef phase, llvm::StringRef architecture,
                          mlir::ModuleOp module)>
      dump;
};

/// Code for one architecture.
struct CudaCode {
  std::string architecture;
  std::string source;               ///< CUDA C++
  std::vector<std::string> kernels; ///< names, by position in the table
  std::string hostLevel;            ///< ISA level of the host code
  std::string elf;                  ///< host code, a shared object
};

struct CudaModule {
  std::vector<cpu::FunctionSignature> functions;
  std::vector<CudaCode> code; ///< in the order of architectures asked for
};

/// Compiles all public functions of `module`, which is left as it was. Errors
/// are diagnostics.
mlir::FailureOr<CudaModule>
compileCudaModule(mlir::ModuleOp module, const CudaCompileOptions &options);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_PIPELINE_H
