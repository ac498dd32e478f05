// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fixed first bytes of a .moe file and the limits that reader and writer
// share. The header behind them is described in moe.fbs.

#ifndef MOEC_RUNTIME_SCHEMA_PRELUDE_H
#define MOEC_RUNTIME_SCHEMA_PRELUDE_H

#include <cstdint>

namespace moec::schema {

/// Not text, and changed by any transfer that translates line ends.
inline constexpr unsigned char preludeMagic[8] = {0x89, 'M',  'O',  'E',
                                                  '\r', '\n', 0x1a, '\n'};

inline constexpr uint32_t versionMajor = 1;
inline constexpr uint32_t versionMinor = 0;
/// Bits of Header.required_features that this code understands.
inline constexpr uint64_t knownFeatures = 0;

inline constexpr uint64_t maxHeaderSize = uint64_t(64) << 20;
inline constexpr uint64_t codeAlignment = 64;
inline constexpr uint64_t weightsAlignment = 4096;
inline constexpr uint64_t parameterAlignment = 64;
inline constexpr uint32_t maxRank = 8;
inline constexpr uint32_t maxTensors = 64; ///< arguments, and results
inline constexpr uint32_t maxSymbols = 64; ///< distinct, of one function
inline constexpr uint32_t maxSegments = 4096;
inline constexpr uint32_t maxEntries = 65536; ///< functions, parameters, ..

/// Little-endian; `reserved` is zero.
struct Prelude {
  unsigned char magic[8];
  uint64_t headerSize;    ///< bytes of the header, which starts at 64
  uint64_t fileSize;      ///< bytes of the whole file
  uint64_t headerHash[2]; ///< XXH3, 128 bits, low half first
  uint64_t reserved[3];
};
static_assert(sizeof(Prelude) == 64);

} // namespace moec::schema

#endif // MOEC_RUNTIME_SCHEMA_PRELUDE_H
