// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON text to a FlatBuffer of the schema. Apart from the importer so that the
// FlatBuffers parser is compiled in one small file.

#ifndef MOEC_IMPORTERS_JSON_VALIDATE_H
#define MOEC_IMPORTERS_JSON_VALIDATE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <vector>

namespace moec::json {

/// The description in `text` as a FlatBuffer, or what is wrong with it, where.
llvm::Expected<std::vector<uint8_t>> validateDescription(llvm::StringRef text,
                                                         llvm::StringRef path);

} // namespace moec::json

#endif // MOEC_IMPORTERS_JSON_VALIDATE_H
