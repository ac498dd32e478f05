// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pipeline: chunks are made on worker threads and consumed in order.

#ifndef MOEC_WEIGHTS_ORDEREDCHUNKS_H
#define MOEC_WEIGHTS_ORDEREDCHUNKS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <vector>

namespace moec {

/// Calls make(i, buffer) for i in [0, count) on up to `workers` threads (0: on
/// this one) and use(buffer) for each on this thread, in order. At most
/// workers + 2 buffers live at once. Stops at the first error.
llvm::Error runOrderedChunks(
    int64_t count, unsigned workers,
    llvm::function_ref<llvm::Error(int64_t, std::vector<char> &)> make,
    llvm::function_ref<llvm::Error(const std::vector<char> &)> use);

} // namespace moec

#endif // MOEC_WEIGHTS_ORDEREDCHUNKS_H
