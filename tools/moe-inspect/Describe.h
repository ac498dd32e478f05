// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_MOE_INSPECT_DESCRIBE_H
#define MOEC_TOOLS_MOE_INSPECT_DESCRIBE_H

#include "moec/runtime.h"

#include <nlohmann/json.hpp>
#include <string>

namespace moec {

/// Everything that the header says, in the order of the file.
nlohmann::ordered_json describeModule(const moec_module *module);

/// The same for people: one line a segment, variant, parameter and function.
std::string formatModule(const nlohmann::ordered_json &description);

} // namespace moec

#endif // MOEC_TOOLS_MOE_INSPECT_DESCRIBE_H
