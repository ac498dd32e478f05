// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One compilation, from a model description to an output file. The command
// `moec` and the C API are thin shells around it.

#ifndef MOEC_TOOLS_DRIVER_COMPILER_H
#define MOEC_TOOLS_DRIVER_COMPILER_H

#include "codegen/object/Interface.h"
#include "importers/Importer.h"
#include "tools/driver/include/moec/compiler.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace moec {

/// What is written.
enum class EmitKind {
  Artifact,
  Mlir,
  Llvm,
  Asm,
  Object,
  Shared,
  Cuda,
  Ptx,
  Cubin
};

/// What a compilation is asked to do.
struct CompileOptions {
  std::string input;
  /// Empty or "-": text outputs go to `text`.
  std::string output;
  EmitKind emit = EmitKind::Artifact;
  ImportScope scope = ImportScope::Moe;
  /// ISA levels to generate code for; empty: all of the target.
  std::vector<std::string> levels;
  /// Architectures of GPUs, "sm_90a"; not empty: code for these, not for CPUs.
  std::vector<std::string> architectures;
  /// Glob patterns of the taps to keep.
  std::vector<std::string> taps;
  /// Directory for the IR after each phase, or empty.
  std::string dumpPhases;
  /// Names of optimisation passes to leave out, for tests and bisection.
  std::vector<std::string> disabledPasses;
  /// Where an object or a shared object has its weights.
  object::WeightsPlace weights = object::WeightsPlace::Linked;
  object::Abi abi = object::Abi::C;
  bool exact = false;
  /// "q8_0", "q4_0" or nothing (see PipelineOptions).
  std::string quantize;
  /// What rows are multiplied as: "f32", "bf16" or "int8".
  std::string compute = "f32";
  bool explain = false;
  bool stripSource = false;
  bool verifyEach = false;
};

/// Where messages and text outputs go.
struct CompileSinks {
  /// One message: "error: file: what".
  llvm::function_ref<void(llvm::StringRef)> message;
  /// What the command prints on stdout.
  llvm::function_ref<void(llvm::StringRef)> text;
  /// Bytes of weights written so far and of all; may be null.
  llvm::function_ref<void(uint64_t, uint64_t)> progress = nullptr;
};

/// Compiles and writes `options.output`, whose directory must exist. On an
/// error the output file is not there. A crash of the compiler becomes
/// MOEC_COMPILE_INTERNAL_ERROR.
moec_compile_status compile(const CompileOptions &options,
                            const CompileSinks &sinks);

/// Sets `options.emit` from its name, `options.levels` from a list like
/// "cpu:x86-64-v3,cpu:x86-64-v4" or `options.architectures` from one like
/// "cuda:sm_80,sm_90a", `options.scope`, and `options.compute`. On
/// a name that is unknown or not supported returns what is wrong, else an empty
/// text.
std::string applyEmit(CompileOptions &options, llvm::StringRef name);
std::string applyTarget(CompileOptions &options, llvm::StringRef list);
std::string applyScope(CompileOptions &options, llvm::StringRef name);
std::string applyCompute(CompileOptions &options, llvm::StringRef name);

/// Sets `options.abi` from "c" or "tvm-ffi".
std::string applyAbi(CompileOptions &options, llvm::StringRef name);
/// Sets `options.weights` from "linked", "file" or "pointers".
std::string applyWeights(CompileOptions &options, llvm::StringRef name);
/// Checks the output file and what is written against the targets; for objects
/// and GPU code the number of targets, which becomes one; to be called last.
/// Returns what is wrong, else an empty text.
std::string checkOutput(CompileOptions &options);

} // namespace moec

#endif // MOEC_TOOLS_DRIVER_COMPILER_H
