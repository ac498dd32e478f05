// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_OBJECT_OBJECTFILE_H
#define MOEC_CODEGEN_OBJECT_OBJECTFILE_H

#include "codegen/object/Interface.h"

namespace moec::artifact {
class TemporaryFile;
} // namespace moec::artifact

namespace moec::object {

/// Where weights lie: far from the code, so that its 32-bit addresses reach all
/// else however large they are.
inline constexpr llvm::StringLiteral weightsSection = ".lrodata";

/// Streams the bytes of one weight to the sink, in order.
using StreamWeight = llvm::function_ref<llvm::Error(
    const Weight &weight,
    llvm::function_ref<llvm::Error(llvm::ArrayRef<char>)> sink)>;

/// Writes the weights at their offsets from where the file ends so far, which
/// is a multiple of weightAlignment. The caller keeps the file.
llvm::Error writeWeights(artifact::TemporaryFile &file,
                         const Interface &interface, StreamWeight stream);

/// Writes `object` (ELF relocatable, made with addWrappers) with the linked
/// weights in the place of its placeholder section. Memory does not grow with
/// the weights. The caller keeps the file.
llvm::Error writeObject(artifact::TemporaryFile &file, std::string object,
                        const Interface &interface, StreamWeight stream);

} // namespace moec::object

#endif // MOEC_CODEGEN_OBJECT_OBJECTFILE_H
