// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Code that stands in objects beside what is generated: bitcode that was made
// when moec was built.

#ifndef MOEC_CODEGEN_OBJECT_INSERTCODE_H
#define MOEC_CODEGEN_OBJECT_INSERTCODE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace llvm {
class Module;
} // namespace llvm

namespace moec::object {

/// Bitcode of pack/Pack.cpp: moec_weight_size, moec_pack_weight.
llvm::StringRef getPackCode();
/// Bitcode of tvm/TvmFfi.cpp: moec_tvm_call, moec_tvm_workspace.
llvm::StringRef getTvmCode();

/// Adds the functions of `bitcode` to `module`.
llvm::Error insertCode(llvm::Module &module, llvm::StringRef bitcode);

} // namespace moec::object

#endif // MOEC_CODEGEN_OBJECT_INSERTCODE_H
