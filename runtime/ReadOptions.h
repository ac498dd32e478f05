// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_RUNTIME_READOPTIONS_H
#define MOEC_RUNTIME_READOPTIONS_H

#include "runtime/Error.h"

#include <cstring>

namespace moec::runtime {

/// Copies an options struct of a caller that may be older, whose missing
/// members read as 0, or newer, who must have set nothing that is not known
/// here. Null is all 0. `name` is that of the type.
template <typename Options>
moec_status readOptions(const Options *given, const char *name,
                        Options &options, moec_error *error) {
  // No struct of this interface will ever be larger: the number is garbage.
  constexpr uint32_t mostBytes = 4096;
  memset(static_cast<void *>(&options), 0, sizeof(options));
  if (!given)
    return MOEC_OK;
  uint32_t size = given->struct_size;
  if (size < sizeof(uint32_t) || size > mostBytes)
    return fail(error, MOEC_BAD_ARGUMENT,
                "%s.struct_size is %u, expected sizeof(%s)", name, size, name);
  const char *bytes = reinterpret_cast<const char *>(given);
  for (uint32_t i = sizeof(options); i < size; ++i)
    if (bytes[i])
      return fail(error, MOEC_BAD_ARGUMENT,
                  "%s sets a member at byte %u, which this runtime does not "
                  "know: it has %u bytes here",
                  name, i, uint32_t(sizeof(options)));
  memcpy(static_cast<void *>(&options), given,
         size < sizeof(options) ? size : sizeof(options));
  return MOEC_OK;
}

} // namespace moec::runtime

#endif // MOEC_RUNTIME_READOPTIONS_H
