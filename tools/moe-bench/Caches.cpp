// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-bench/Caches.h"
#include <unistd.h>
#include <vector>

/// Twice the last-level cache; where the system does not know it, twice a large
/// one's share of a few cores.
uint64_t moec::bench::getEvictionBytes() {
  long bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
  return 2 * (bytes > 0 ? uint64_t(bytes) : uint64_t(32) << 20);
}

void moec::bench::evictCaches() {
  static std::vector<uint64_t> buffer(getEvictionBytes() / sizeof(uint64_t), 1);
  uint64_t sum = 0;
  for (size_t i = 0; i < buffer.size(); i += 8)
    sum += buffer[i];
  asm volatile("" : : "r"(sum));
}
