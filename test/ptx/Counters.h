// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a launch executed and moved. A count is not a time.

#ifndef MOEC_TEST_PTX_COUNTERS_H
#define MOEC_TEST_PTX_COUNTERS_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace moec::ptx {

struct Counters {
  /// Traffic of one allocation. "Requested" counts the bytes of each active
  /// lane and those within bounds of tensor copies, "unique" each byte once a
  /// launch.
  struct Buffer {
    uint64_t readBytes = 0, writtenBytes = 0;
    uint64_t uniqueReadBytes = 0, uniqueWrittenBytes = 0;
  };

  /// Issued, those whose guard is false in every lane included.
  uint64_t warpInstructions = 0;
  /// Lanes that executed, summed.
  uint64_t threadInstructions = 0;
  /// Warp instructions by the first word of the opcode.
  std::map<std::string, uint64_t> opcodes;

  /// By the name of the allocation.
  std::map<std::string, Buffer> buffers;
  /// Warp-wide accesses of global memory by ld, st, cp.async, atom and red, the
  /// 32-byte sectors that they touch, and the fewest that their distinct bytes
  /// need.
  uint64_t globalRequests = 0, globalSectors = 0, idealSectors = 0;

  uint64_t sharedReadBytes = 0, sharedWrittenBytes = 0;
  /// Passes over the 32 banks that warp-wide accesses of shared memory take,
  /// and those that they would take without conflicts.
  uint64_t sharedWavefronts = 0, idealWavefronts = 0;

  /// Operations (a multiply-add is two) that mma and wgmma issued.
  uint64_t tensorOperations = 0;
  /// Times that a warp waited at bar.sync.
  uint64_t barriers = 0;

  uint64_t readBytes() const;
  uint64_t writtenBytes() const;
  uint64_t uniqueReadBytes() const;
  uint64_t uniqueWrittenBytes() const;

  /// Sums a further launch; unique bytes are those of each launch, summed.
  void add(const Counters &other);
  /// A JSON object of all figures, sums of the buffers included.
  std::string json() const;
};

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_COUNTERS_H
