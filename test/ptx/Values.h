// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types of PTX, and floating-point formats with their rounding modes.

#ifndef MOEC_TEST_PTX_VALUES_H
#define MOEC_TEST_PTX_VALUES_H

#include <cstdint>
#include <string>

namespace moec::ptx {

/// A binary format of at most 32 bits with a sign.
struct Format {
  unsigned bits, mantissa;
  int bias;
  /// Otherwise the highest exponent holds numbers, and all ones is NaN.
  bool hasInfinity = true;
};
inline constexpr Format halfFormat{16, 10, 15}, bfloatFormat{16, 7, 127},
    singleFormat{32, 23, 127}, e5m2Format{8, 2, 15}, e4m3Format{8, 3, 7, false};

double decodeReal(uint64_t bits, const Format &format);

/// Rounds value + rest, `rest` being less than half a unit of `value`, as
/// "rn", "rz", "rm", "rp" or "rna" (ties away from zero) say.
uint64_t encodeReal(double value, double rest, const Format &format,
                    const std::string &mode = "rn", bool satfinite = false);

/// "u32", "b64", "pred", "f16", "bf16" and so on, no vectors.
bool isType(const std::string &name);
bool isRealType(const std::string &type);
unsigned bitsOf(const std::string &type);
/// Of f16, bf16 and f32.
const Format &formatOf(const std::string &type);
uint64_t lowBits(uint64_t v, unsigned bits);
/// Sign-extended where the type is signed.
int64_t extend(uint64_t v, const std::string &type);
double toDouble(uint64_t v, const std::string &type);
/// Rounds to nearest even.
uint64_t fromDouble(double v, const std::string &type);

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_VALUES_H
