// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instructions that act on each lane by itself.

#ifndef MOEC_TEST_PTX_LANES_H
#define MOEC_TEST_PTX_LANES_H

#include "test/ptx/Machine.h"
#include "test/ptx/Values.h"

namespace moec::ptx {

/// The result of up to three sources, as bits.
using Lane = std::function<uint64_t(uint64_t, uint64_t, uint64_t)>;

/// Null where `lane` is, or an operand is neither register nor number.
Execute eachLane(const Statement &statement, Lane lane);

/// Null for what is not known, as are the following.
Lane decodeRealLane(const std::string &op, const std::string &type,
                    const std::vector<std::string> &modes);
/// The same of integers or floating-point numbers, without modes.
Lane decodeLane(const std::string &op, const std::string &type);
Execute decodeArithmetic(const Statement &statement);
/// setp and set.
Execute decodeComparison(const Statement &statement);
Execute decodeConversion(const Statement &statement);
/// Bit fields, permutations, counts, and moves that pack or unpack.
Execute decodeBits(const Statement &statement);

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_LANES_H
