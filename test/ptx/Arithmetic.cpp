// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Machine.h"

#include <bit>
#include <cmath>
#include <cstring>

using namespace moec::ptx;
using Lane = std::function<uint64_t(uint64_t, uint64_t, uint64_t)>;

float moec::ptx::halfToFloat(uint16_t bits, bool bfloat) {
  if (bfloat)
    return std::bit_cast<float>(uint32_t(bits) << 16);
  _Float16 half;
  memcpy(&half, &bits, 2);
  return half;
}

uint16_t moec::ptx::floatToHalf(float value, bool bfloat) {
  if (!bfloat) {
    _Float16 half = _Float16(value);
    return std::bit_cast<uint16_t>(half);
  }
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value))
    return 0x7fff;
  return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

static bool isType(const std::string &s) {
  return s == "pred" || s == "f16" || s == "bf16" ||
         (s.size() >= 2 && strchr("subf", s[0]) && isdigit(s[1]) &&
          s.find('x') == std::string::npos);
}
static unsigned bitsOf(const std::string &type) {
  return type == "pred" ? 1 : type == "bf16" ? 16 : std::stoul(type.substr(1));
}
static uint64_t low(uint64_t v, unsigned bits) {
  return bits == 64 ? v : v & ((uint64_t(1) << bits) - 1);
}
static int64_t extend(uint64_t v, const std::string &type) {
  unsigned bits = bitsOf(type);
  return type[0] == 's' && bits < 64 ? int64_t(v << (64 - bits)) >> (64 - bits)
                                     : int64_t(low(v, bits));
}
static double toDouble(uint64_t v, const std::string &type) {
  if (type == "f64")
    return std::bit_cast<double>(v);
  if (type == "f32")
    return std::bit_cast<float>(uint32_t(v));
  return halfToFloat(v, type == "bf16");
}
static uint64_t fromDouble(double v, const std::string &type) {
  if (type == "f64")
    return std::bit_cast<uint64_t>(v);
  if (type == "f32")
    return std::bit_cast<uint32_t>(float(v));
  return floatToHalf(float(v), type == "bf16");
}

static bool compare(const std::string &op, auto a, auto b) {
  if (op == "eq")
    return a == b;
  if (op == "ne" || op == "neu")
    return a != b;
  if (op == "lt" || op == "lo")
    return a < b;
  if (op == "le" || op == "ls")
    return a <= b;
  if (op == "gt" || op == "hi")
    return a > b;
  return a >= b;
}

static Lane integer(const std::string &op, const std::string &mode,
                    const std::string &t) {
  unsigned bits = bitsOf(t);
  bool isSigned = t[0] == 's';
  auto product = [=](uint64_t a, uint64_t b) {
    __int128 p = isSigned
                     ? __int128(extend(a, t)) * extend(b, t)
                     : __int128((unsigned __int128)low(a, bits) * low(b, bits));
    return mode == "hi" ? uint64_t(p >> bits) : uint64_t(p);
  };
  unsigned width = mode == "wide" ? 2 * bits : bits;
  auto wrap = [=](auto f) -> Lane {
    return [=](uint64_t a, uint64_t b, uint64_t c) {
      return low(f(a, b, c), width);
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
                                           : low(a, bits) >> n));
  if (op == "div" || op == "rem")
    return LANE(int64_t x = extend(a, t), y = extend(b, t);
                if (y == 0) return ~0ull;
                if (!isSigned) return op == "div" ? uint64_t(x) / uint64_t(y)
                                                  : uint64_t(x) % uint64_t(y);
                if (y == -1) return op == "div" ? -uint64_t(x) : 0;
                return op == "div" ? x / y : x % y);
  if (op == "min" || op == "max")
    return LANE(bool less = isSigned ? extend(a, t) < extend(b, t)
                                     : low(a, bits) < low(b, bits);
                return less == (op == "min") ? a : b);
#undef LANE
  return {};
}

static Lane real(const std::string &op, const std::string &t) {
  auto wrap = [=](auto f) -> Lane {
    return [=](uint64_t a, uint64_t b, uint64_t c) {
      return fromDouble(f(toDouble(a, t), toDouble(b, t), toDouble(c, t)), t);
    };
  };
#define LANE(value)                                                            \
  wrap([](double a, double b, double c) -> double { return value; })
  if (op == "add")
    return LANE(a + b);
  if (op == "sub")
    return LANE(a - b);
  if (op == "mul")
    return LANE(a * b);
  // Through double it would be rounded twice.
  if (op == "fma" && t == "f32")
    return [](uint64_t a, uint64_t b, uint64_t c) -> uint64_t {
      auto real = [](uint64_t v) { return std::bit_cast<float>(uint32_t(v)); };
      return std::bit_cast<uint32_t>(std::fma(real(a), real(b), real(c)));
    };
  if (op == "fma")
    return LANE(std::fma(a, b, c));
  if (op == "div")
    return LANE(a / b);
  if (op == "min")
    return LANE(std::fmin(a, b));
  if (op == "max")
    return LANE(std::fmax(a, b));
  if (op == "ex2")
    return LANE(std::exp2(a));
  if (op == "lg2")
    return LANE(std::log2(a));
  if (op == "rcp")
    return LANE(1 / a);
  if (op == "sqrt")
    return LANE(std::sqrt(a));
  if (op == "rsqrt")
    return LANE(1 / std::sqrt(a));
  if (op == "tanh")
    return LANE(std::tanh(a));
#undef LANE
  if (op == "neg" || op == "abs") {
    uint64_t sign = uint64_t(1) << (bitsOf(t) - 1);
    return [=](uint64_t a, uint64_t, uint64_t) {
      return op == "neg" ? a ^ sign : a & ~sign;
    };
  }
  if (op == "mov")
    return [](uint64_t a, uint64_t, uint64_t) { return a; };
  if (op == "selp")
    return [](uint64_t a, uint64_t b, uint64_t c) { return c ? a : b; };
  return {};
}

static Lane conversion(const std::string &to, const std::string &from,
                       const std::string &mode) {
  bool toReal = to.find('f') != std::string::npos,
       fromReal = from.find('f') != std::string::npos;
  unsigned bits = bitsOf(to);
  if (!toReal && !fromReal && mode.empty())
    return [=](uint64_t a, uint64_t, uint64_t) {
      return low(extend(a, from), bits);
    };
  if (toReal && !fromReal && mode == "rn")
    return [=](uint64_t a, uint64_t, uint64_t) {
      int64_t v = extend(a, from);
      if (to == "f32")
        return uint64_t(std::bit_cast<uint32_t>(
            from[0] == 's' ? float(v) : float(uint64_t(v))));
      return fromDouble(from[0] == 's' ? double(v) : double(uint64_t(v)), to);
    };
  if (toReal && fromReal &&
      (mode == "rn" || (mode.empty() && bits > bitsOf(from))))
    return [=](uint64_t a, uint64_t, uint64_t) {
      return fromDouble(toDouble(a, from), to);
    };
  if (!toReal && fromReal &&
      (mode == "rni" || mode == "rzi" || mode == "rmi" || mode == "rpi"))
    return [=](uint64_t a, uint64_t, uint64_t) -> uint64_t {
      double v = toDouble(a, from);
      v = std::isnan(v)   ? 0
          : mode == "rni" ? std::nearbyint(v)
          : mode == "rzi" ? std::trunc(v)
          : mode == "rmi" ? std::floor(v)
                          : std::ceil(v);
      bool isSigned = to[0] == 's';
      double top = std::ldexp(1.0, isSigned ? bits - 1 : bits);
      if (v >= top)
        return isSigned ? low(~0ull, bits - 1) : low(~0ull, bits);
      if (v <= (isSigned ? -top : 0))
        return isSigned ? uint64_t(1) << (bits - 1) : 0;
      return low(isSigned ? uint64_t(int64_t(v)) : uint64_t(v), bits);
    };
  return {};
}

Execute moec::ptx::decodeArithmetic(const Statement &s) {
  const std::string &op = s.opcode[0];
  std::vector<std::string> types, modes;
  for (size_t i = 1; i < s.opcode.size(); ++i)
    (isType(s.opcode[i]) ? types : modes).push_back(s.opcode[i]);
  bool isReal = !types.empty() && types[0].find('f') != std::string::npos;
  for (const Operand &operand : s.operands)
    if (operand.kind != Operand::Register && operand.kind != Operand::Immediate)
      return {};
  if (types.empty() || s.operands.size() < 2 || s.operands.size() > 4 ||
      s.operands[0].kind != Operand::Register)
    return {};
  // Modifiers of one rounding: exact here up to it. ftz is not modelled.
  auto known = [](const std::string &m) { return m == "rn" || m == "approx"; };
  Lane lane;
  if (op == "setp") {
    static const std::string integerTests = "eq ne lt le gt ge lo ls hi hs ";
    static const std::string realTests = "eq ne neu lt le gt ge ";
    if (types.size() != 1 || modes.size() != 1 || s.operands.size() != 3 ||
        (isReal ? realTests : integerTests).find(modes[0] + " ") ==
            std::string::npos)
      return {};
    std::string test = modes[0], t = types[0];
    if (isReal)
      lane = [=](uint64_t a, uint64_t b, uint64_t) -> uint64_t {
        double x = toDouble(a, t), y = toDouble(b, t);
        if (std::isnan(x) || std::isnan(y))
          return test == "neu";
        return compare(test, x, y);
      };
    else
      lane = [=](uint64_t a, uint64_t b, uint64_t) -> uint64_t {
        return t[0] == 's' ? compare(test, extend(a, t), extend(b, t))
                           : compare(test, uint64_t(extend(a, t)),
                                     uint64_t(extend(b, t)));
      };
  } else if (op == "cvt") {
    if (types.size() != 2 || modes.size() > 1)
      return {};
    lane = conversion(types[0], types[1], modes.empty() ? "" : modes[0]);
  } else if (types.size() != 1) {
    return {};
  } else if (isReal) {
    for (const std::string &mode : modes)
      if (!known(mode))
        return {};
    lane = real(op, types[0]);
  } else if (modes.empty()) {
    lane = integer(op, "", types[0]);
  } else if (modes.size() == 1 &&
             (modes[0] == "lo" || modes[0] == "hi" || modes[0] == "wide") &&
             (op == "mul" || op == "mad") &&
             !(op == "mad" && modes[0] == "hi")) {
    lane = integer(op, modes[0], types[0]);
  }
  if (!lane)
    return {};
  return [operands = s.operands, lane](Warp &warp, uint32_t mask) {
    auto get = [&](size_t i, unsigned l) -> uint64_t {
      if (i >= operands.size())
        return 0;
      const Operand &o = operands[i];
      uint64_t v =
          o.kind == Operand::Register ? warp.at(o.reg, l) : uint64_t(o.value);
      return o.negated ? !v : v;
    };
    for (unsigned l = 0; l < 32; ++l)
      if (mask >> l & 1)
        warp.at(operands[0].reg, l) = lane(get(1, l), get(2, l), get(3, l));
  };
}
