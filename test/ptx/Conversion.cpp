// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Lanes.h"

#include <bit>
#include <cmath>

using namespace moec::ptx;

namespace {
struct Modes {
  std::string rounding;
  bool ftz = false, sat = false, relu = false, satfinite = false;
};
} // namespace

static uint64_t clampTo(__int128 v, const std::string &to) {
  unsigned bits = bitsOf(to);
  bool isSigned = to[0] == 's';
  __int128 top = (__int128(1) << (isSigned ? bits - 1 : bits)) - 1;
  __int128 bottom = isSigned ? -top - 1 : 0;
  return lowBits(uint64_t(v > top ? top : v < bottom ? bottom : v), bits);
}

static double roundToInteger(double v, const std::string &mode) {
  return mode == "rni"   ? std::nearbyint(v)
         : mode == "rzi" ? std::trunc(v)
         : mode == "rmi" ? std::floor(v)
                         : std::ceil(v);
}

static Lane conversion(const std::string &to, const std::string &from,
                       const Modes &m) {
  bool toReal = isRealType(to), fromReal = isRealType(from);
  unsigned bits = bitsOf(to);
  bool isInteger = m.rounding == "rni" || m.rounding == "rzi" ||
                   m.rounding == "rmi" || m.rounding == "rpi";
  if (!toReal && !fromReal && m.rounding.empty() && !m.ftz)
    return [=](uint64_t a, uint64_t, uint64_t) {
      __int128 v = from[0] == 's' ? __int128(extend(a, from))
                                  : __int128(uint64_t(extend(a, from)));
      return m.sat ? clampTo(v, to) : lowBits(uint64_t(v), bits);
    };
  if (!toReal && fromReal && isInteger)
    return [=](uint64_t a, uint64_t, uint64_t) -> uint64_t {
      double v = toDouble(a, from);
      if (m.ftz && std::fabs(v) < 0x1p-126)
        v = 0;
      v = std::isnan(v) ? 0 : roundToInteger(v, m.rounding);
      double limit = std::ldexp(1.0, 65);
      return clampTo(__int128(std::fmin(std::fmax(v, -limit), limit)), to);
    };
  if (!toReal || (!fromReal && (isInteger || m.rounding.empty())) || m.relu)
    return {};
  if (fromReal && m.rounding.empty() && bits < bitsOf(from))
    return {};
  return [=](uint64_t a, uint64_t, uint64_t) -> uint64_t {
    double v, rest = 0;
    if (fromReal) {
      v = toDouble(a, from);
      if (m.ftz && std::fabs(v) < 0x1p-126)
        v = std::copysign(0.0, v);
    } else {
      // 64 bits in a double and what it lacks.
      bool isSigned = from[0] == 's';
      int64_t x = extend(a, from);
      v = isSigned ? double(x) : double(uint64_t(x));
      __int128 exact = isSigned ? __int128(x) : __int128(uint64_t(x));
      rest = double(exact - __int128(v));
    }
    if (isInteger)
      v = roundToInteger(v, m.rounding);
    if (m.sat)
      v = v > 0 ? std::fmin(v, 1) : 0;
    if (to == "f64")
      return std::bit_cast<uint64_t>(v);
    uint64_t result =
        encodeReal(v, rest, formatOf(to),
                   isInteger || m.rounding.empty() ? "rn" : m.rounding);
    if (m.ftz && std::fabs(toDouble(result, to)) < 0x1p-126)
      result &= uint64_t(1) << (bits - 1);
    return result;
  };
}

static const Format *pairFormat(const std::string &type) {
  return type == "f16x2"    ? &halfFormat
         : type == "bf16x2" ? &bfloatFormat
         : type == "e4m3x2" ? &e4m3Format
         : type == "e5m2x2" ? &e5m2Format
                            : nullptr;
}

Execute moec::ptx::decodeConversion(const Statement &s) {
  if (s.opcode[0] != "cvt")
    return {};
  std::vector<std::string> types;
  Modes m;
  for (size_t i = 1; i < s.opcode.size(); ++i) {
    const std::string &word = s.opcode[i];
    if (isType(word) || word.ends_with("x2") || word == "tf32")
      types.push_back(word);
    else if (word == "ftz")
      m.ftz = true;
    else if (word == "sat")
      m.sat = true;
    else if (word == "relu")
      m.relu = true;
    else if (word == "satfinite")
      m.satfinite = true;
    else if (m.rounding.empty() && word[0] == 'r')
      m.rounding = word;
    else
      return {};
  }
  if (types.size() != 2)
    return {};
  const Format *to = pairFormat(types[0]), *from = pairFormat(types[1]);
  auto round = [=](double v, const Format &f) {
    if (m.relu && !(v > 0) && !std::isnan(v))
      v = 0;
    return encodeReal(v, 0, f, m.rounding, m.satfinite);
  };
  bool isKnown = m.rounding == "rn" || m.rounding == "rz";
  // The first source goes into the upper half.
  if (to && types[1] == "f32" && isKnown && s.operands.size() == 3)
    return eachLane(s, [=](uint64_t a, uint64_t b, uint64_t) {
      return round(toDouble(a, "f32"), *to) << to->bits |
             round(toDouble(b, "f32"), *to);
    });
  if (s.operands.size() != 2)
    return {};
  if (to && from && m.rounding == "rn")
    return eachLane(s, [=](uint64_t a, uint64_t, uint64_t) {
      return round(decodeReal(lowBits(a >> from->bits, from->bits), *from), *to)
                 << to->bits |
             round(decodeReal(lowBits(a, from->bits), *from), *to);
    });
  // 19 bits that stay where they are in f32.
  if (types[0] == "tf32" && types[1] == "f32" &&
      (isKnown || m.rounding == "rna"))
    return eachLane(s, [=](uint64_t a, uint64_t, uint64_t) -> uint64_t {
      double v = toDouble(a, "f32");
      if (m.relu && v < 0)
        v = 0;
      return encodeReal(v, 0, Format{19, 10, 127}, m.rounding) << 13;
    });
  if (!isType(types[0]) || !isType(types[1]) || m.satfinite)
    return {};
  // cvt.rn.relu.f16.f32 and the like.
  if (m.relu && types[1] == "f32" && bitsOf(types[0]) == 16 && isKnown)
    return eachLane(s, [=](uint64_t a, uint64_t, uint64_t) {
      return round(toDouble(a, "f32"), formatOf(types[0]));
    });
  return eachLane(s, conversion(types[0], types[1], m));
}
