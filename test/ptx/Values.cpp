// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Values.h"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <cstring>

using namespace moec::ptx;

double moec::ptx::decodeReal(uint64_t bits, const Format &f) {
  unsigned exponentBits = f.bits - 1 - f.mantissa;
  uint64_t mask = (uint64_t(1) << f.mantissa) - 1;
  uint64_t top = (uint64_t(1) << exponentBits) - 1;
  uint64_t mantissa = bits & mask, exponent = bits >> f.mantissa & top;
  double sign = bits >> (f.bits - 1) & 1 ? -1 : 1;
  if (exponent == top && f.hasInfinity)
    return mantissa ? std::nan("") : sign * INFINITY;
  if (exponent == top && mantissa == mask)
    return std::nan("");
  if (exponent == 0)
    return sign * std::ldexp(double(mantissa), 1 - f.bias - int(f.mantissa));
  return sign * std::ldexp(double(mantissa | (mask + 1)),
                           int(exponent) - f.bias - int(f.mantissa));
}

uint64_t moec::ptx::encodeReal(double value, double rest, const Format &f,
                               const std::string &mode, bool satfinite) {
  uint64_t signBit = uint64_t(1) << (f.bits - 1);
  uint64_t all = signBit - 1;
  uint64_t infinity = f.hasInfinity ? all >> f.mantissa << f.mantissa : all;
  if (std::isnan(value))
    return all;
  uint64_t sign = std::signbit(value) ? signBit : 0;
  double v = std::fabs(value), s = sign ? -rest : rest;
  if (v == 0)
    return sign;
  auto limit = [&](uint64_t pattern) {
    if (pattern >= infinity && satfinite)
      return infinity - 1;
    return std::min(pattern, infinity);
  };
  if (std::isinf(v))
    return sign | limit(infinity);
  int exponent = std::max(std::ilogb(v), 1 - f.bias);
  double q = std::ldexp(v, int(f.mantissa) - exponent);
  double whole = std::floor(q), part = q - whole;
  bool isOdd = std::fmod(whole, 2) != 0;
  bool up = part > 0.5 || (part == 0.5 && (mode == "rna" ? s >= 0
                                           : s == 0      ? isOdd
                                                         : s > 0));
  whole += up;
  uint64_t pattern = infinity;
  if (exponent + f.bias <= int(all >> f.mantissa))
    pattern = std::min((uint64_t(exponent + f.bias - 1) << f.mantissa) +
                           uint64_t(whole),
                       infinity);
  if (mode != "rn" && mode != "rna") {
    bool isUpward = mode == (sign ? "rm" : "rp");
    double difference = pattern == infinity ? -1 : v - decodeReal(pattern, f);
    if (difference == 0)
      difference = s;
    if (difference > 0 && isUpward)
      ++pattern;
    else if (difference < 0 && !isUpward)
      --pattern;
  }
  return sign | limit(pattern);
}

bool moec::ptx::isType(const std::string &s) {
  return s == "pred" || s == "f16" || s == "bf16" ||
         (s.size() >= 2 && strchr("subf", s[0]) && isdigit(s[1]) &&
          s.find('x') == std::string::npos);
}
bool moec::ptx::isRealType(const std::string &type) {
  return type.find('f') != std::string::npos;
}
unsigned moec::ptx::bitsOf(const std::string &type) {
  return type == "pred"   ? 1
         : type == "bf16" ? 16
                          : std::strtoul(type.c_str() + 1, nullptr, 10);
}
const Format &moec::ptx::formatOf(const std::string &type) {
  return type == "bf16"  ? bfloatFormat
         : type == "f16" ? halfFormat
                         : singleFormat;
}
uint64_t moec::ptx::lowBits(uint64_t v, unsigned bits) {
  return bits >= 64 ? v : v & ((uint64_t(1) << bits) - 1);
}
int64_t moec::ptx::extend(uint64_t v, const std::string &type) {
  unsigned bits = bitsOf(type);
  return type[0] == 's' && bits < 64 ? int64_t(v << (64 - bits)) >> (64 - bits)
                                     : int64_t(lowBits(v, bits));
}
double moec::ptx::toDouble(uint64_t v, const std::string &type) {
  if (type == "f64")
    return std::bit_cast<double>(v);
  if (type == "f32")
    return std::bit_cast<float>(uint32_t(v));
  return decodeReal(v, formatOf(type));
}
uint64_t moec::ptx::fromDouble(double v, const std::string &type) {
  if (type == "f64")
    return std::bit_cast<uint64_t>(v);
  if (type == "f32")
    return std::bit_cast<uint32_t>(float(v));
  return encodeReal(v, 0, formatOf(type));
}
