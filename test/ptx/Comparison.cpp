// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Lanes.h"

#include <cmath>

using namespace moec::ptx;

using Test = std::function<bool(uint64_t, uint64_t)>;

static bool order(const std::string &op, auto a, auto b) {
  if (op == "eq")
    return a == b;
  if (op == "ne")
    return a != b;
  if (op == "lt" || op == "lo")
    return a < b;
  if (op == "le" || op == "ls")
    return a <= b;
  if (op == "gt" || op == "hi")
    return a > b;
  return a >= b;
}

static bool isOneOf(const std::string &word, const std::string &list) {
  return (" " + list + " ").find(" " + word + " ") != std::string::npos;
}

static Test decodeTest(std::string op, const std::string &t, bool ftz) {
  if (!isRealType(t)) {
    if (ftz || !isOneOf(op, "eq ne lt le gt ge lo ls hi hs"))
      return {};
    return [=](uint64_t a, uint64_t b) {
      return t[0] == 's'
                 ? order(op, extend(a, t), extend(b, t))
                 : order(op, uint64_t(extend(a, t)), uint64_t(extend(b, t)));
    };
  }
  if (op == "num" || op == "nan")
    return [=](uint64_t a, uint64_t b) {
      return (std::isnan(toDouble(a, t)) || std::isnan(toDouble(b, t))) ==
             (op == "nan");
    };
  // "equ" is true where an operand is NaN, "eq" is not.
  bool unordered = isOneOf(op, "equ neu ltu leu gtu geu");
  if (unordered)
    op.pop_back();
  if (!isOneOf(op, "eq ne lt le gt ge"))
    return {};
  return [=](uint64_t a, uint64_t b) {
    auto get = [&](uint64_t v) {
      double x = toDouble(v, t);
      return ftz && std::fabs(x) < 0x1p-126 ? 0.0 : x;
    };
    double x = get(a), y = get(b);
    return std::isnan(x) || std::isnan(y) ? unordered : order(op, x, y);
  };
}

/// setp.lt{.and}.s32 p{|q}, a, b{, c}, and the same of two halves.
static Execute decodeSetp(const Statement &s) {
  std::string type, combine;
  std::vector<std::string> tests;
  bool ftz = false, isPacked = false;
  for (size_t i = 1; i < s.opcode.size(); ++i) {
    std::string m = s.opcode[i];
    if (m == "f16x2" || m == "bf16x2") {
      isPacked = true;
      m.resize(m.size() - 2);
    }
    if (isOneOf(m, "and or xor"))
      combine = m;
    else if (m == "ftz")
      ftz = true;
    else if (isType(m) && type.empty())
      type = m;
    else
      tests.push_back(m);
  }
  size_t first = s.pair ? 2 : 1;
  if (type.empty() || tests.size() != 1 ||
      s.operands.size() != first + 2 + !combine.empty() ||
      (isPacked && (!s.pair || !combine.empty())))
    return {};
  for (size_t i = 0; i < s.operands.size(); ++i)
    if (s.operands[i].kind != Operand::Register &&
        (i < first || s.operands[i].kind != Operand::Immediate))
      return {};
  Test test = decodeTest(tests[0], type, ftz);
  if (!test)
    return {};
  return [=, o = s.operands](Warp &warp, uint32_t mask) {
    for (unsigned l = 0; l < 32; ++l) {
      if (!(mask >> l & 1))
        continue;
      uint64_t a = operandValue(warp, o[first], l),
               b = operandValue(warp, o[first + 1], l);
      bool c = combine.empty() || operandValue(warp, o[first + 2], l);
      auto with = [&](bool t) {
        return combine == "or" ? t || c : combine == "xor" ? t != c : t && c;
      };
      bool t = isPacked ? test(a & 0xffff, b & 0xffff) : test(a, b);
      warp.at(o[0].reg, l) = with(t);
      if (isPacked)
        warp.at(o[1].reg, l) = test(a >> 16 & 0xffff, b >> 16 & 0xffff);
      else if (first == 2)
        warp.at(o[1].reg, l) = with(!t);
    }
  };
}

/// set.lt.u32.f32 d, a, b: all ones or 1.0 where the test holds.
static Execute decodeSet(const Statement &s) {
  if (s.opcode.size() != 4 || s.operands.size() != 3 || !isType(s.opcode[2]) ||
      !isType(s.opcode[3]))
    return {};
  Test test = decodeTest(s.opcode[1], s.opcode[3], false);
  if (!test)
    return {};
  uint64_t set = isRealType(s.opcode[2]) ? fromDouble(1, s.opcode[2])
                                         : uint64_t(0xffffffff);
  return eachLane(s, [=](uint64_t a, uint64_t b, uint64_t) {
    return test(a, b) ? set : 0;
  });
}

Execute moec::ptx::decodeComparison(const Statement &s) {
  return s.opcode[0] == "setp"  ? decodeSetp(s)
         : s.opcode[0] == "set" ? decodeSet(s)
                                : Execute();
}
