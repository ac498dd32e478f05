// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions between f32 and narrower floats, rounded to nearest even.

#ifndef MOEC_WEIGHTS_ENCODINGS_FLOATS_H
#define MOEC_WEIGHTS_ENCODINGS_FLOATS_H

#include <cmath>
#include <cstdint>
#include <cstring>

namespace moec {

inline float floatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline uint32_t bitsOfFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline uint16_t roundToBf16(float value) {
  uint32_t bits = bitsOfFloat(value);
  if (std::isnan(value))
    return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

inline float widenBf16(uint16_t bits) {
  return floatFromBits(static_cast<uint32_t>(bits) << 16);
}

/// Round to nearest even by adding at the position of the last kept bit.
inline uint16_t roundToF16(float value) {
  uint32_t bits = bitsOfFloat(value);
  uint16_t sign = (bits >> 16) & 0x8000;
  float magnitude = std::fabs(value);
  if (std::isnan(value))
    return sign | 0x7E00;
  if (magnitude >= 65520.0f)
    return sign | 0x7C00;
  if (magnitude < 6.103515625e-05f) // subnormal: the adder does the rounding
    return sign |
           static_cast<uint16_t>(bitsOfFloat(magnitude + 0.5f) - 0x3F000000);
  bits &= 0x7FFFFFFF;
  bits += 0xFFF + ((bits >> 13) & 1);
  return sign | static_cast<uint16_t>((bits - (112u << 23)) >> 13);
}

inline float widenF16(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  uint32_t magnitude = half & 0x7FFF;
  if (magnitude >= 0x7C00)
    return floatFromBits(sign | 0x7F800000 | (magnitude & 0x3FF) << 13);
  // The exponent's bias differs by 112; a product gets subnormals right.
  float value = floatFromBits(magnitude << 13) * 0x1p112f;
  return floatFromBits(sign | bitsOfFloat(value));
}

/// E4M3 without infinities: 0x7F and 0xFF are NaN.
inline float widenE4M3(uint8_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x80) << 24;
  if ((bits & 0x7F) == 0x7F)
    return floatFromBits(sign | 0x7FC00000);
  float value =
      floatFromBits(static_cast<uint32_t>(bits & 0x7F) << 20) * 0x1p120f;
  return floatFromBits(sign | bitsOfFloat(value));
}

inline float widenE5M2(uint8_t bits) {
  return widenF16(static_cast<uint16_t>(bits << 8));
}

/// The power of two 2^(bits - 127); 255 is NaN.
inline float widenE8M0(uint8_t bits) {
  if (bits == 255)
    return floatFromBits(0x7FC00000);
  return floatFromBits(bits == 0 ? 0x00400000
                                 : static_cast<uint32_t>(bits) << 23);
}

} // namespace moec

#endif // MOEC_WEIGHTS_ENCODINGS_FLOATS_H
