// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_CPU_LINKER_H
#define MOEC_CODEGEN_CPU_LINKER_H

#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace moec::cpu {

/// Links one relocatable object to a shared object in this process, without
/// files on disk. Undefined symbols are errors: generated code stands alone.
/// On failure returns nothing and puts the linker's words in `error`.
std::optional<std::string> linkSharedObject(llvm::StringRef object,
                                            std::string &error);

/// The same from file to file; `output` appears when it is complete. On failure
/// returns false.
bool linkSharedObjectFile(const std::string &input, const std::string &output,
                          std::string &error);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_LINKER_H
