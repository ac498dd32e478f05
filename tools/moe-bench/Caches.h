// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_MOE_BENCH_CACHES_H
#define MOEC_TOOLS_MOE_BENCH_CACHES_H

#include <cstdint>

namespace moec::bench {

/// Reads more than caches hold, so that the weights of the next call come from
/// memory, as those of one layer among many do. Takes some milliseconds.
void evictCaches();
/// Bytes of memory that this takes, once and for all.
uint64_t getEvictionBytes();

} // namespace moec::bench

#endif // MOEC_TOOLS_MOE_BENCH_CACHES_H
