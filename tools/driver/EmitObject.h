// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// --emit=object and --emit=shared.

#ifndef MOEC_TOOLS_DRIVER_EMITOBJECT_H
#define MOEC_TOOLS_DRIVER_EMITOBJECT_H

#include "codegen/cpu/Pipeline.h"
#include "tools/driver/Compiler.h"
#include "weights/SourceFiles.h"

namespace moec {

/// Turns the code of one level into NAME.o or NAME.so with NAME.h. All that it
/// is given must outlive it.
class ObjectEmission {
public:
  ObjectEmission(const CompileOptions &options, mlir::ModuleOp module,
                 SourceFiles &files)
      : options(options), module(module), files(files) {}

  /// For CpuCompileOptions::extend: adds the C functions. On an error, which
  /// check() returns, adds nothing.
  std::vector<std::string>
  extend(llvm::Module &code, llvm::ArrayRef<cpu::FunctionSignature> functions);

  /// What was wrong with the module or the files of its weights.
  llvm::Error check();

  /// Writes both files; on an error neither is there.
  llvm::Error write(const cpu::CpuCode &code);

private:
  llvm::Expected<object::Weight> describe(llvm::StringRef name);
  llvm::Error stream(const object::Weight &weight,
                     llvm::function_ref<llvm::Error(llvm::ArrayRef<char>)>);

  const CompileOptions &options;
  mlir::ModuleOp module;
  SourceFiles &files;
  object::Interface interface;
  std::string wrong;
};

} // namespace moec

#endif // MOEC_TOOLS_DRIVER_EMITOBJECT_H
