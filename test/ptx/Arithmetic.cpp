// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Integer and floating-point arithmetic, of scalars and of two halves.

#include "test/ptx/Lanes.h"

#include <algorithm>
#include <bit>
#include <cmath>

using namespace moec::ptx;

static Lane integer(const std::string &op, const std::string &mode,
                    const std::string &t) {
  unsigned bits = bitsOf(t);
  bool isSigned = t[0] == 's';
  auto product = [=](uint64_t a, uint64_t b) {
    __int128 p =
        isSigned
            ? __int128(extend(a, t)) * extend(b, t)
            : __int128((unsigned __int128)lowBits(a, bits) * lowBits(b, bits));
    return mode == "hi" ? uint64_t(p >> bits) : uint64_t(p);
  };
  unsigned width = mode == "wide" ? 2 * bits : bits;
  auto wrap = [=](auto f) -> Lane {
    return [=](uint64_t a, uint64_t b, uint64_t c) {
      return lowBits(f(a, b, c), width);
    };
  };
#define LANE(...)                                                              \
  wrap([=](uint64_t a, uint64_t b, uint64_t c) -> uint64_t { __VA_ARGS__; })
  if (op == "mul")
    return LANE(return product(a, b));
  if (op == "mad")
    return LANE(return product(a, b) + c);
  if (!mode.empty())
    return {};
  if (op == "add")
    return LANE(return a + b);
  if (op == "sub")
    return LANE(return a - b);
  if (op == "and")
    return LANE(return a & b);
  if (op == "or")
    return LANE(return a | b);
  if (op == "xor")
    return LANE(return a ^ b);
  if (op == "not")
    return LANE(return ~a);
  if (op == "mov")
    return LANE(return a);
  if (op == "selp")
    return LANE(return c ? a : b);
  if (op == "neg")
    return LANE(return -a);
  if (op == "abs")
    return LANE(return std::abs(extend(a, t)));
  if (op == "shl")
    return LANE(return uint32_t(b) >= bits ? 0 : a << uint32_t(b));
  if (op == "shr")
    return LANE(unsigned n = std::min(uint32_t(b), isSigned ? bits - 1 : bits);
                return n == 64 ? 0
                               : (isSigned ? uint64_t(extend(a, t) >> n)
                                           : lowBits(a, bits) >> n));
  if (op == "div" || op == "rem")
    return LANE(int64_t x = extend(a, t), y = extend(b, t);
                if (y == 0) return ~0ull;
                if (!isSigned) return op == "div" ? uint64_t(x) / uint64_t(y)
                                                  : uint64_t(x) % uint64_t(y);
                if (y == -1) return op == "div" ? -uint64_t(x) : 0;
                return op == "div" ? x / y : x % y);
  if (op == "min" || op == "max")
    return LANE(bool less = isSigned ? extend(a, t) < extend(b, t)
                                     : lowBits(a, bits) < lowBits(b, bits);
                return less == (op == "min") ? a : b);
#undef LANE
  return {};
}

/// A value and the part of the exact result that it lacks.
struct Exact {
  double value, rest;
};
static Exact add(double a, double b, bool down) {
  double sum = a + b, part = sum - a;
  if (sum == 0 && down && (std::signbit(a) || std::signbit(b)))
    sum = -0.0;
  double rest = (a - (sum - part)) + (b - part);
  return {sum, std::isfinite(sum) ? rest : 0};
}

static double least(double a, double b, bool minimum, bool nan) {
  if (std::isnan(a) || std::isnan(b))
    return nan ? std::nan("") : std::isnan(a) ? b : a;
  if (a == b)
    return std::signbit(a) == minimum ? a : b;
  return (a < b) == minimum ? a : b;
}

/// Of the functions that PTX calls approximate: exact up to their rounding.
static double (*function(const std::string &op))(double) {
  if (op == "ex2")
    return [](double a) { return std::exp2(a); };
  if (op == "lg2")
    return [](double a) { return std::log2(a); };
  if (op == "rcp")
    return [](double a) { return 1 / a; };
  if (op == "sqrt")
    return [](double a) { return std::sqrt(a); };
  if (op == "rsqrt")
    return [](double a) { return 1 / std::sqrt(a); };
  if (op == "tanh")
    return [](double a) { return std::tanh(a); };
  if (op == "sin")
    return [](double a) { return std::sin(a); };
  if (op == "cos")
    return [](double a) { return std::cos(a); };
  return nullptr;
}

struct RealModes {
  std::string rounding = "rn";
  bool ftz = false, sat = false, relu = false, nan = false;
};

/// Subnormals become zeros where the instruction says so.
static double flush(double v, bool ftz) {
  return ftz && std::fabs(v) < 0x1p-126 ? std::copysign(0.0, v) : v;
}

static Lane real(const std::string &op, const std::string &t,
                 const RealModes &m) {
  auto wrap = [=](auto f) -> Lane {
    return [=](uint64_t a, uint64_t b, uint64_t c) -> uint64_t {
      auto get = [&](uint64_t v) { return flush(toDouble(v, t), m.ftz); };
      Exact r = f(get(a), get(b), get(c));
      if (m.sat)
        r = r.value > 0 ? (r.value < 1 ? r : Exact{1, 0}) : Exact{0, 0};
      if (m.relu && r.value < 0)
        r = {0, 0};
      if (std::isnan(r.value))
        return t == "f64" ? 0x7fffffffffffffff : lowBits(~0ull, bitsOf(t) - 1);
      if (t == "f64")
        return std::bit_cast<uint64_t>(r.value);
      if (t == "f32" && m.rounding == "rn" && r.rest == 0)
        return std::bit_cast<uint32_t>(float(flush(float(r.value), m.ftz)));
      uint64_t bits = encodeReal(r.value, r.rest, formatOf(t), m.rounding);
      return m.ftz ? fromDouble(flush(toDouble(bits, t), true), t) : bits;
    };
  };
#define LANE(...)                                                              \
  wrap([=](double a, double b, double c) -> Exact { return __VA_ARGS__; })
  bool isDouble = t == "f64";
  if (isDouble && m.rounding != "rn")
    return {};
  if (op == "add")
    return LANE(isDouble ? Exact{a + b, 0} : add(a, b, m.rounding == "rm"));
  if (op == "sub")
    return LANE(isDouble ? Exact{a - b, 0} : add(a, -b, m.rounding == "rm"));
  if (op == "mul")
    return LANE(Exact{a * b, 0}); // exact up to 26 bits of mantissa
  if (op == "fma" || op == "mad")
    return LANE(isDouble ? Exact{std::fma(a, b, c), 0}
                         : add(a * b, c, m.rounding == "rm"));
  if (op == "div" && m.rounding == "rn")
    return LANE(Exact{a / b, 0});
  if (op == "min" || op == "max")
    return LANE(Exact{least(a, b, op == "min", m.nan), 0});
  if (auto *f = function(op); f && m.rounding == "rn")
    return LANE(Exact{f(a), 0});
#undef LANE
  if (op == "neg" || op == "abs") {
    uint64_t sign = uint64_t(1) << (bitsOf(t) - 1);
    return [=](uint64_t a, uint64_t, uint64_t) {
      if (m.ftz)
        a = fromDouble(flush(toDouble(a, t), true), t);
      return op == "neg" ? a ^ sign : a & ~sign;
    };
  }
  if (op == "copysign")
    return [sign = uint64_t(1) << (bitsOf(t) - 1)](uint64_t a, uint64_t b,
                                                   uint64_t) {
      return (a & sign) | (b & ~sign);
    };
  if (op == "mov")
    return [](uint64_t a, uint64_t, uint64_t) { return a; };
  if (op == "selp")
    return [](uint64_t a, uint64_t b, uint64_t c) { return c ? a : b; };
  return {};
}

Lane moec::ptx::decodeRealLane(const std::string &op, const std::string &type,
                               const std::vector<std::string> &modes) {
  RealModes m;
  for (const std::string &mode : modes) {
    if (mode == "rn" || mode == "rz" || mode == "rm" || mode == "rp")
      m.rounding = mode;
    else if (mode == "ftz")
      m.ftz = true;
    else if (mode == "sat")
      m.sat = true;
    else if (mode == "relu")
      m.relu = true;
    else if (mode == "NaN")
      m.nan = true;
    else if (mode != "approx" && mode != "full")
      return {};
  }
  return real(op, type, m);
}

/// Applies `lane` to the lower and the upper half.
static Lane halves(const Lane &lane) {
  return [=](uint64_t a, uint64_t b, uint64_t c) {
    return (lane(a & 0xffff, b & 0xffff, c & 0xffff) & 0xffff) |
           lane(a >> 16 & 0xffff, b >> 16 & 0xffff, c >> 16 & 0xffff) << 16;
  };
}

Lane moec::ptx::decodeLane(const std::string &op, const std::string &type) {
  if (type.ends_with("x2")) {
    Lane one = real(op, type.substr(0, type.size() - 2), {});
    return one ? halves(one) : one;
  }
  return isRealType(type) ? real(op, type, {}) : integer(op, "", type);
}

Execute moec::ptx::decodeArithmetic(const Statement &s) {
  const std::string &op = s.opcode[0];
  std::string type;
  std::vector<std::string> modes;
  bool isPacked = false;
  for (size_t i = 1; i < s.opcode.size(); ++i) {
    std::string m = s.opcode[i];
    bool packed = m == "f16x2" || m == "bf16x2";
    if (packed)
      m.resize(m.size() - 2);
    if (!isType(m)) {
      modes.push_back(m);
    } else if (type.empty()) {
      type = m;
      isPacked = packed;
    } else {
      return {};
    }
  }
  if (type.empty() || s.pair || s.operands.size() < 2 || s.operands.size() > 4)
    return {};
  Lane lane;
  if (isRealType(type)) {
    lane = decodeRealLane(op, type, modes);
  } else if (modes.size() <= 1) {
    std::string mode = modes.empty() ? "" : modes[0];
    bool isProduct = mode == "lo" || mode == "hi" || mode == "wide";
    if (mode.empty() || (isProduct && (op == "mul" || op == "mad")))
      lane = integer(op, mode, type);
  }
  return eachLane(s, lane && isPacked ? halves(lane) : lane);
}
