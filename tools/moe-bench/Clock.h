// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_MOE_BENCH_CLOCK_H
#define MOEC_TOOLS_MOE_BENCH_CLOCK_H

#include <chrono>

namespace moec::bench {

/// Seconds of a clock that never goes back.
inline double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

} // namespace moec::bench

#endif // MOEC_TOOLS_MOE_BENCH_CLOCK_H
