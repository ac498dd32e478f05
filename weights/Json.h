// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON from files that are not trusted.

#ifndef MOEC_WEIGHTS_JSON_H
#define MOEC_WEIGHTS_JSON_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <nlohmann/json.hpp>
#include <optional>

namespace moec {

using Json = nlohmann::json;

/// Parses `text`. Errors name `file` and the place: text that is not JSON,
/// nesting deeper than `maxDepth`, a key that an object has twice.
llvm::Expected<Json> parseJson(llvm::StringRef text, llvm::StringRef file,
                               unsigned maxDepth);

/// The whole number that `value` is, if it is one and fits.
std::optional<int64_t> getInteger(const Json &value);

/// `value` as short text for a message.
std::string describeJson(const Json &value);

} // namespace moec

#endif // MOEC_WEIGHTS_JSON_H
