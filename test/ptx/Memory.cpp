// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads, stores, atomics and conversions of addresses.

#include "test/ptx/Lanes.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <set>

using namespace moec::ptx;

/// Cache and eviction hints say nothing about values.
static bool isHint(const std::string &m) {
  static const std::set<std::string> hints = {"nc", "ca", "cg", "cs",  "lu",
                                              "cv", "wb", "wt", "weak"};
  return hints.count(m) || m.starts_with("L1::") || m.starts_with("L2::");
}
/// Accesses that others may make at the same time.
static bool isStrong(const std::string &m) {
  return m == "volatile" || m == "relaxed" || m == "acquire" ||
         m == "release" || m == "acq_rel";
}
static bool isScope(const std::string &m) {
  return m == "cta" || m == "gpu" || m == "sys";
}

/// Lanes that write different values to an address at once: the hardware takes
/// any of them.
static void checkConflict(Warp &warp, uint32_t mask, const uint64_t *addresses,
                          const uint8_t (*buffers)[32]) {
  for (unsigned l = 0; l < 32; ++l)
    for (unsigned k = 0; mask >> l & 1 && k < l; ++k)
      if (mask >> k & 1 && addresses[k] == addresses[l] &&
          addresses[l] >> 24 != localWindow >> 24 &&
          memcmp(buffers[k], buffers[l], 32))
        return warp.block->fail(warp, l,
                                "writes to " + std::to_string(addresses[l]) +
                                    " at once with lane " + std::to_string(k) +
                                    ", which writes another value");
}

Execute moec::ptx::decodeMemory(const Statement &s) {
  bool loads = s.opcode[0] == "ld";
  if ((!loads && s.opcode[0] != "st") || s.operands.size() < 2)
    return {};
  Space space = Space::Generic;
  Access access = loads ? Access::Read : Access::Write;
  unsigned count = 1;
  size_t operands = 2;
  std::string type;
  for (size_t i = 1; i < s.opcode.size(); ++i) {
    const std::string &m = s.opcode[i];
    if (m == "v2" || m == "v4" || m == "v8")
      count = m[1] - '0';
    else if (m == "L2::cache_hint")
      operands = 3;
    else if (isStrong(m))
      access = Access::Atomic;
    else if (isType(m) && type.empty())
      type = m;
    else if (!isHint(m) && !isScope(m) && !parseSpace(m, space))
      return {};
  }
  const Operand &address = s.operands[loads ? 1 : 0];
  const Operand &data = s.operands[loads ? 0 : 1];
  std::vector<Operand> elements =
      data.kind == Operand::Vector ? data.elements : std::vector<Operand>{data};
  unsigned bytes = type.empty() ? 0 : bitsOf(type) / 8;
  if (!bytes || s.operands.size() != operands || elements.size() != count ||
      count * bytes > 32 || address.kind != Operand::Address ||
      (!loads && (space == Space::Param || space == Space::Const)))
    return {};
  for (const Operand &e : elements)
    if (e.kind != Operand::Register && (loads || e.kind != Operand::Immediate))
      return {};
  return [=](Warp &warp, uint32_t mask) {
    uint64_t addresses[32];
    uint8_t buffers[32][32] = {};
    for (unsigned l = 0; l < 32; ++l) {
      if (!(mask >> l & 1))
        continue;
      uint8_t *buffer = buffers[l];
      uint64_t at = addresses[l] = operandValue(warp, address, l);
      for (unsigned i = 0; !loads && i < count; ++i) {
        uint64_t v = operandValue(warp, elements[i], l);
        memcpy(buffer + i * bytes, &v, bytes);
      }
      Block &block = *warp.block;
      if (!(loads
                ? block.read(warp, l, space, at, count * bytes, buffer, access)
                : block.write(warp, l, space, at, count * bytes, buffer,
                              access)))
        return;
      for (unsigned i = 0; loads && i < count; ++i) {
        uint64_t v = 0;
        memcpy(&v, buffer + i * bytes, bytes);
        // A register that is wider holds the sign.
        warp.at(elements[i].reg, l) =
            lowBits(extend(v, type), elements[i].bits);
      }
    }
    if (!loads && space != Space::Local)
      checkConflict(warp, mask, addresses, buffers);
    countAccess(warp.block->launch, space, mask, addresses, count * bytes,
                !loads);
  };
}

static Lane combine(const std::string &op, const std::string &t) {
  if (op == "exch")
    return [](uint64_t, uint64_t b, uint64_t) { return b; };
  if (op == "cas")
    return [](uint64_t a, uint64_t b, uint64_t c) { return a == b ? c : a; };
  if (op == "inc")
    return [](uint64_t a, uint64_t b, uint64_t) { return a >= b ? 0 : a + 1; };
  if (op == "dec")
    return [](uint64_t a, uint64_t b, uint64_t) {
      return a == 0 || a > b ? b : a - 1;
    };
  // The rest is the arithmetic of one instruction.
  if (op != "add" && op != "min" && op != "max" && op != "and" && op != "or" &&
      op != "xor")
    return {};
  return decodeLane(op, t);
}

/// atom.sem.scope.space.op.type d, [a], b{, c} and red, without d.
Execute moec::ptx::decodeAtomic(const Statement &s) {
  bool returns = s.opcode[0] == "atom";
  if (!returns && s.opcode[0] != "red")
    return {};
  Space space = Space::Generic;
  unsigned count = 1;
  std::string op, type;
  for (size_t i = 1; i < s.opcode.size(); ++i) {
    const std::string &m = s.opcode[i];
    if (m == "v2" || m == "v4")
      count = m[1] - '0';
    else if (m == "f16x2" || m == "bf16x2" || isType(m))
      type = m;
    else if (!isStrong(m) && !isScope(m) && m != "noftz" &&
             !parseSpace(m, space)) {
      if (!op.empty())
        return {};
      op = m;
    }
  }
  size_t first = returns;
  if (op.empty() || type.empty() || (count > 1 && returns) ||
      s.operands.size() != first + 2 + (op == "cas") ||
      s.operands[first].kind != Operand::Address)
    return {};
  Lane lane = combine(op, type);
  const Operand &data = s.operands[first + 1];
  std::vector<Operand> elements =
      data.kind == Operand::Vector ? data.elements : std::vector<Operand>{data};
  if (!lane || elements.size() != count)
    return {};
  unsigned bytes = type.ends_with("x2") ? 4 : bitsOf(type) / 8;
  return [=, o = s.operands](Warp &warp, uint32_t mask) {
    Block &block = *warp.block;
    uint64_t addresses[32];
    for (unsigned l = 0; l < 32; ++l) {
      if (!(mask >> l & 1))
        continue;
      uint64_t at = addresses[l] = operandValue(warp, o[first], l);
      for (unsigned i = 0; i < count; ++i, at += bytes) {
        uint64_t old = 0;
        if (!block.read(warp, l, space, at, bytes, &old, Access::Atomic))
          return;
        uint64_t b = lowBits(operandValue(warp, elements[i], l), 8 * bytes);
        uint64_t c = op == "cas" ? operandValue(warp, o[first + 2], l) : 0;
        uint64_t value = lane(old, b, lowBits(c, 8 * bytes));
        if (!block.write(warp, l, space, at, bytes, &value, Access::Atomic))
          return;
        if (returns)
          warp.at(o[0].reg, l) = old;
      }
    }
    countAccess(block.launch, space, mask, addresses, count * bytes, true);
  };
}

/// cvta, isspacep, and what only prefetches.
Execute moec::ptx::decodeAddress(const Statement &s) {
  const std::string &op = s.opcode[0];
  size_t words = s.opcode.size(), count = s.operands.size();
  if (op == "prefetch" || op == "prefetchu" || op == "createpolicy" ||
      op == "discard")
    return [](Warp &, uint32_t) {};
  Space space;
  if (op == "isspacep" && words == 2 && count == 2 &&
      parseSpace(s.opcode[1], space))
    return eachLane(
        s, [=](uint64_t a, uint64_t, uint64_t) { return spaceOf(a) == space; });
  if (op != "cvta" || count != 2 || words < 3)
    return {};
  bool to = s.opcode[1] == "to";
  if (words != (to ? 4u : 3u) || !parseSpace(s.opcode[to ? 2 : 1], space) ||
      (s.opcode.back() != "u64" && s.opcode.back() != "u32"))
    return {};
  uint64_t window = space == Space::Shared  ? sharedWindow
                    : space == Space::Local ? localWindow
                    : space == Space::Param ? parameterWindow
                                            : 0;
  return eachLane(s, [=](uint64_t a, uint64_t, uint64_t) {
    return to ? a - window : a + window;
  });
}
