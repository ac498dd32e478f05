// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the processor and the kernel together can run.

#ifndef MOEC_RUNTIME_CPU_H
#define MOEC_RUNTIME_CPU_H

namespace moec::runtime {

/// Position in the order of preference, 0 for a level that this build of the
/// runtime does not know (another architecture, or newer).
int levelRank(const char *level);

/// The first feature of the level that is missing here, or null. Only for
/// levels that levelRank knows.
const char *missingLevelFeature(const char *level);

/// Whether a feature in LLVM's spelling ("avx512bf16") is here; false when the
/// name is unknown.
bool hasCpuFeature(const char *name);

} // namespace moec::runtime

#endif // MOEC_RUNTIME_CPU_H
