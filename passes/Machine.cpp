// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Machine.h"
#include <algorithm>

using namespace moec;

std::vector<std::pair<std::string, double>> Machine::getEntries() const {
  return {{"moec.cores", double(cores)},
          {"moec.l1_bytes", double(l1Bytes)},
          {"moec.l2_bytes", double(l2Bytes)},
          {"moec.core_gflops", coreGflops},
          {"moec.read_gbps", readGbps}};
}

bool Machine::set(const std::string &key, double value) {
  // Also refuses what is not a number at all.
  if (!(value > 0 && value < 1e15))
    return false;
  auto whole = [&](int64_t &number) {
    number = std::max<int64_t>(1, int64_t(value));
    return true;
  };
  if (key == "moec.cores")
    return whole(cores);
  if (key == "moec.l1_bytes")
    return whole(l1Bytes);
  if (key == "moec.l2_bytes")
    return whole(l2Bytes);
  if (key == "moec.core_gflops")
    return coreGflops = value, true;
  if (key == "moec.read_gbps")
    return readGbps = value, true;
  return false;
}
