// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_OBJECT_WRAPPERS_H
#define MOEC_CODEGEN_OBJECT_WRAPPERS_H

#include "codegen/object/Interface.h"

namespace llvm {
class Module;
} // namespace llvm

namespace moec::object {

/// Adds the C functions of `interface` to `module`, which has their entry
/// points (moec/frame.h); each fills a frame and calls its entry point, which
/// checks it. Linked weights get a placeholder section (ObjectFile.h); those by
/// pointer get functions that pack them (pack/). With Abi::TvmFfi, which is for
/// linked weights, there are its functions, too. Returns the names of the
/// functions added.
llvm::Expected<std::vector<std::string>>
addWrappers(llvm::Module &module, const Interface &interface);

} // namespace moec::object

#endif // MOEC_CODEGEN_OBJECT_WRAPPERS_H
