// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_IMPORTERS_NEARESTNAMES_H
#define MOEC_IMPORTERS_NEARESTNAMES_H

#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace moec {

/// "the nearest are 'a', 'b' and 'c'": the three of at least three known names
/// that are most like `name`, for a message.
std::string listNearest(llvm::StringRef name,
                        std::vector<llvm::StringRef> known);

} // namespace moec

#endif // MOEC_IMPORTERS_NEARESTNAMES_H
