// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_PASSES_MACHINE_H
#define MOEC_PASSES_MACHINE_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace moec {

/// A machine in the numbers that predictions need.
struct Machine {
  /// Cores that run tasks.
  int64_t cores = 8;
  /// Data caches of a core, in bytes.
  int64_t l1Bytes = 32 << 10;
  int64_t l2Bytes = 512 << 10;
  /// Peak of f32 fused multiply-add of one core, in GFLOP/s.
  double coreGflops = 100;
  /// Read bandwidth of the memory from all cores, in GB/s.
  double readGbps = 40;

  /// The numbers by the keys that they have in modules and artifacts:
  /// "moec.cores", "moec.l1_bytes", "moec.l2_bytes", "moec.core_gflops" and
  /// "moec.read_gbps".
  std::vector<std::pair<std::string, double>> getEntries() const;
  /// Sets the number of this key; false if there is none, or if the value is
  /// not a positive number below 1e15.
  bool set(const std::string &key, double value);
};

} // namespace moec

#endif // MOEC_PASSES_MACHINE_H
