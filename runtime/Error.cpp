// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Error.h"

#include <cstdarg>
#include <cstdio>

namespace moec::runtime {

moec_status fail(moec_error *error, moec_status status, const char *format,
                 ...) {
  if (!error)
    return status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof(error->text), format, arguments);
  va_end(arguments);
  for (char *c = error->text; *c; ++c)
    if (static_cast<unsigned char>(*c) < 0x20 || *c == 0x7f)
      *c = '?';
  return status;
}

} // namespace moec::runtime
