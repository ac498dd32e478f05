// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/Wait.h"

#include <ctime>

namespace moec::runtime {

/// With the timer's slack about 0.1 ms: what a late writer costs at most.
static constexpr long napNanoseconds = 50000;

void waitForCounter(const int32_t *counter, int32_t least) {
  auto reached = [&] {
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE) >= least;
  };
  for (int i = 0; i < kSpins; ++i) {
    if (reached())
      return;
    relax();
  }
  while (!reached()) {
    timespec nap = {0, napNanoseconds};
    nanosleep(&nap, nullptr);
  }
}

} // namespace moec::runtime
