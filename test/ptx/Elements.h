// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elements of tensor-core operands.

#ifndef MOEC_TEST_PTX_ELEMENTS_H
#define MOEC_TEST_PTX_ELEMENTS_H

#include "test/ptx/Values.h"

namespace moec::ptx {

struct Element {
  unsigned bits = 0;
  bool isInteger = false, isSigned = false;
  Format format = singleFormat;
  uint64_t ignored = 0; ///< bits that the hardware does not look at
};

/// Of bf16, f16, tf32, e4m3, e5m2, s8 and u8; `bits` is 0 for any other.
Element elementOf(const std::string &type);
/// Of the lowest bits.
double elementValue(uint64_t bits, const Element &element);
/// A sum from and to a register of type f32 or s32.
double sumValue(uint64_t bits, const std::string &type);
uint64_t sumBits(double sum, const std::string &type, bool satfinite);

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_ELEMENTS_H
