// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/NearestNames.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

using llvm::StringRef;

std::string moec::listNearest(StringRef name, std::vector<StringRef> known) {
  // A common beginning counts twice: names differ in suffixes.
  auto distance = [&](StringRef candidate) {
    size_t common = 0;
    while (common < std::min(candidate.size(), name.size()) &&
           candidate[common] == name[common])
      ++common;
    return static_cast<int64_t>(candidate.edit_distance(name)) -
           2 * static_cast<int64_t>(common);
  };
  llvm::sort(known, [&](StringRef a, StringRef b) {
    return std::pair(distance(a), a) < std::pair(distance(b), b);
  });
  return ("the nearest are '" + known[0] + "', '" + known[1] + "' and '" +
          known[2] + "'")
      .str();
}
