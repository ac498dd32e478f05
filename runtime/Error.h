// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_RUNTIME_ERROR_H
#define MOEC_RUNTIME_ERROR_H

#include "moec/runtime.h"

namespace moec::runtime {

/// Writes the message, if anybody wants it, and returns `status`. Control
/// characters of file contents are replaced.
[[gnu::format(printf, 3, 4)]] moec_status
fail(moec_error *error, moec_status status, const char *format, ...);

} // namespace moec::runtime

#endif // MOEC_RUNTIME_ERROR_H
