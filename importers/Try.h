// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_IMPORTERS_TRY_H
#define MOEC_IMPORTERS_TRY_H

#include "llvm/Support/Error.h"
#include <utility>

/// Assigns the value of an llvm::Expected to `target`, or returns its error.
#define MOEC_TRY(target, ...)                                                  \
  do {                                                                         \
    auto tried = (__VA_ARGS__);                                                \
    if (!tried)                                                                \
      return tried.takeError();                                                \
    target = std::move(*tried);                                                \
  } while (false)

#endif // MOEC_IMPORTERS_TRY_H
