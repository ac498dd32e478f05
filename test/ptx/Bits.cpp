// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Lanes.h"

#include <algorithm>
#include <bit>

using namespace moec::ptx;

static bool isMode(const Statement &s, size_t index,
                   std::initializer_list<const char *> modes) {
  return s.opcode.size() > index &&
         std::any_of(modes.begin(), modes.end(),
                     [&](const char *m) { return s.opcode[index] == m; });
}

static Lane count(const Statement &s) {
  const std::string &op = s.opcode[0], &t = s.opcode.back();
  unsigned bits = bitsOf(t);
  if (op == "popc")
    return [=](uint64_t a, uint64_t, uint64_t) -> uint64_t {
      return std::popcount(lowBits(a, bits));
    };
  if (op == "clz")
    return [=](uint64_t a, uint64_t, uint64_t) -> uint64_t {
      return std::countl_zero(lowBits(a, bits)) - (64 - bits);
    };
  if (op == "brev")
    return [=](uint64_t a, uint64_t, uint64_t) {
      uint64_t r = 0;
      for (unsigned i = 0; i < bits; ++i)
        r |= (a >> i & 1) << (bits - 1 - i);
      return r;
    };
  if (op == "bfind")
    return [=, shift = isMode(s, 1, {"shiftamt"})](uint64_t a, uint64_t,
                                                   uint64_t) -> uint64_t {
      uint64_t v = extend(a, t);
      if (t[0] == 's' && int64_t(v) < 0)
        v = ~v;
      v = lowBits(v, bits);
      unsigned top = 63 - std::countl_zero(v);
      return v == 0 ? 0xffffffff : shift ? bits - 1 - top : top;
    };
  return {};
}

/// bfe d, a, position, length: bits past the end repeat the sign, or are zero.
static Lane extract(const std::string &t) {
  unsigned bits = bitsOf(t);
  return [=](uint64_t a, uint64_t b, uint64_t c) {
    unsigned at = b & 0xff, length = c & 0xff;
    unsigned last = std::min(at + length - 1, bits - 1);
    bool sign = t[0] == 's' && length && a >> last & 1;
    uint64_t r = 0;
    for (unsigned i = 0; i < bits; ++i)
      r |= uint64_t(i < length && at + i < bits ? a >> (at + i) & 1 : sign)
           << i;
    return r;
  };
}

static uint64_t permute(uint64_t a, uint64_t b, uint64_t select) {
  uint64_t bytes = lowBits(a, 32) | b << 32, r = 0;
  for (unsigned i = 0; i < 4; ++i) {
    unsigned s = select >> (4 * i) & 15;
    uint64_t byte = bytes >> (8 * (s & 7)) & 0xff;
    r |= (s & 8 ? (byte & 0x80 ? 0xff : 0) : byte) << (8 * i);
  }
  return r;
}

/// Four operands, so not by eachLane().
template <typename F> static Execute four(const Statement &s, F f) {
  if (s.operands.size() != 5 || s.operands[0].kind != Operand::Register)
    return {};
  return [=, o = s.operands](Warp &warp, uint32_t mask) {
    for (unsigned l = 0; l < 32; ++l)
      if (mask >> l & 1)
        warp.at(o[0].reg, l) =
            f(operandValue(warp, o[1], l), operandValue(warp, o[2], l),
              operandValue(warp, o[3], l), operandValue(warp, o[4], l));
  };
}

/// mov.b64 {a, b}, c and mov.b64 c, {a, b}.
static Execute move(const Statement &s) {
  unsigned bits = bitsOf(s.opcode[1]);
  const Operand &to = s.operands[0], &from = s.operands[1];
  bool unpacks = to.kind == Operand::Vector;
  const std::vector<Operand> &parts = unpacks ? to.elements : from.elements;
  if (s.opcode[1][0] != 'b' || (parts.size() != 2 && parts.size() != 4) ||
      (unpacks ? from : to).kind == Operand::Vector)
    return {};
  unsigned width = bits / parts.size();
  return [=](Warp &warp, uint32_t mask) {
    for (unsigned l = 0; l < 32; ++l) {
      if (!(mask >> l & 1))
        continue;
      uint64_t v = unpacks ? operandValue(warp, from, l) : 0;
      for (size_t i = 0; i < parts.size(); ++i)
        if (unpacks)
          warp.at(parts[i].reg, l) = lowBits(v >> (i * width), width);
        else
          v |= lowBits(operandValue(warp, parts[i], l), width) << (i * width);
      if (!unpacks)
        warp.at(to.reg, l) = v;
    }
  };
}

Execute moec::ptx::decodeBits(const Statement &s) {
  const std::string &op = s.opcode[0], &t = s.opcode.back();
  size_t operands = s.operands.size();
  if (s.opcode.size() < 2 || !isType(t) || isRealType(t) || operands < 2)
    return {};
  bool isPlain = s.opcode.size() == 2;
  if (op == "mov" && isPlain && operands == 2 &&
      (s.operands[0].kind == Operand::Vector ||
       s.operands[1].kind == Operand::Vector))
    return move(s);
  if (operands == 2 && (isPlain || (op == "bfind" && s.opcode.size() == 3)))
    return eachLane(s, count(s));
  if (op == "bfe" && isPlain && operands == 4)
    return eachLane(s, extract(t));
  if (op == "bfi" && isPlain)
    return four(
        s, [bits = bitsOf(t)](uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
          unsigned at = c & 0xff, length = d & 0xff;
          for (unsigned i = 0; i < length && at + i < bits; ++i)
            b = (b & ~(uint64_t(1) << (at + i))) | (a >> i & 1) << (at + i);
          return b;
        });
  if (op == "lop3" && isPlain)
    return four(s, [](uint64_t a, uint64_t b, uint64_t c, uint64_t table) {
      uint64_t r = 0;
      for (unsigned i = 0; i < 8; ++i)
        if (table >> i & 1)
          r |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
      return lowBits(r, 32);
    });
  if (op == "prmt" && isPlain && operands == 4)
    return eachLane(s, permute);
  if (op == "shf" && operands == 4 && s.opcode.size() == 4 &&
      isMode(s, 1, {"l", "r"}) && isMode(s, 2, {"wrap", "clamp"}))
    return eachLane(
        s, [left = s.opcode[1] == "l",
            wrap = s.opcode[2] == "wrap"](uint64_t a, uint64_t b, uint64_t c) {
          uint64_t v = lowBits(a, 32) | b << 32;
          unsigned n = wrap ? c & 31 : std::min<uint64_t>(lowBits(c, 32), 32);
          return lowBits(left ? v >> (32 - n) : v >> n, 32);
        });
  if ((op == "dp4a" || op == "dp2a") && operands == 4 &&
      s.opcode.size() == (op == "dp4a" ? 3u : 4u)) {
    // dp2a takes two 16-bit elements of a with the low or high bytes of b.
    std::string ta = s.opcode[s.opcode.size() - 2], tb = t;
    bool high = s.opcode[1] == "hi", isFour = op == "dp4a";
    return eachLane(s, [=](uint64_t a, uint64_t b, uint64_t c) {
      int64_t sum = int32_t(c);
      auto byte = [](uint64_t v, unsigned i, const std::string &type) {
        return extend(v >> (8 * i) & 0xff, type[0] == 's' ? "s8" : "u8");
      };
      for (unsigned i = 0; i < (isFour ? 4 : 2); ++i)
        sum += (isFour ? byte(a, i, ta)
                       : extend(a >> (16 * i) & 0xffff,
                                ta[0] == 's' ? "s16" : "u16")) *
               byte(b, isFour ? i : i + 2 * high, tb);
      return lowBits(uint64_t(sum), 32);
    });
  }
  return {};
}
