// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_CODEGEN_OBJECT_HEADER_H
#define MOEC_CODEGEN_OBJECT_HEADER_H

#include "codegen/object/Interface.h"

namespace moec::object {

/// runtime/include/moec/frame.h.
extern const char *const frameText;

/// A C and C++ header that needs no other file of moec: frame.h, then the
/// functions with their shapes, element types and weights. `level` is the ISA
/// level of the code.
std::string makeHeader(const Interface &interface, llvm::StringRef level);

} // namespace moec::object

#endif // MOEC_CODEGEN_OBJECT_HEADER_H
