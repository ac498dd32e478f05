// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_MOE_BENCH_PEAKMEMORY_H
#define MOEC_TOOLS_MOE_BENCH_PEAKMEMORY_H

#include <cstdint>

namespace moec::bench {

/// Forgets the process's peak so far, where the system can.
void resetPeakMemory();

/// The most bytes of this process that were resident at once, mapped weights
/// included, since resetPeakMemory; 0 where the system does not say.
int64_t getPeakMemory();

} // namespace moec::bench

#endif // MOEC_TOOLS_MOE_BENCH_PEAKMEMORY_H
