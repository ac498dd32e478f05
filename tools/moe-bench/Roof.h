// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The machine's roof: how fast it multiplies and reads when it does nothing
// else. Benchmarks are stated as fractions of what was measured in the same
// run, since two machines of one model differ.

#ifndef MOEC_TOOLS_MOE_BENCH_ROOF_H
#define MOEC_TOOLS_MOE_BENCH_ROOF_H

#include <cstdint>

namespace moec::bench {

struct Roof {
  double gflops = 0; ///< f32 fused multiply-adds, two operations each
  double gbps = 0;   ///< bytes read from a buffer larger than any cache, 1e9/s
  const char *vectors = ""; ///< widest vectors used: "avx512" or "avx2"
};

/// Measures on `threads` threads; the best of a few rounds, about two seconds.
/// False when the machine has neither AVX2 with FMA nor 1 GiB for the buffer.
bool measureRoof(uint32_t threads, Roof &roof);

} // namespace moec::bench

#endif // MOEC_TOOLS_MOE_BENCH_ROOF_H
