// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-bench/PeakMemory.h"
#include <fstream>
#include <limits>
#include <string>

namespace moec::bench {

void resetPeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

int64_t getPeakMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") {
      int64_t kib = 0;
      status >> kib;
      return kib * 1024;
    }
    status.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

} // namespace moec::bench
