// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Waiting for another thread: spin for as long as it is likely to come soon,
// then sleep, so that a thread whose core was taken can have this one's.

#ifndef MOEC_RUNTIME_WAIT_H
#define MOEC_RUNTIME_WAIT_H

#include <cstdint>

namespace moec::runtime {

/// About 50 microseconds: longer than the serial code between two loops, short
/// against a scheduler's time slice.
inline constexpr int kSpins = 1000;

/// Tells the processor that this thread spins.
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Returns when `*counter` is at least `least`; what its writers wrote before
/// is visible then. Sleeps in naps, so that writers need not know of waiters.
void waitForCounter(const int32_t *counter, int32_t least);

} // namespace moec::runtime

#endif // MOEC_RUNTIME_WAIT_H
