// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exchange within a warp: shfl, vote, match, redux, elect, bar.warp.

#include "test/ptx/Lanes.h"

#include <bit>

using namespace moec::ptx;

/// All live lanes that the member mask names must be here, and no other.
static bool checkMembers(Warp &warp, uint32_t mask, const Operand &members) {
  for (unsigned l = 0; l < 32; ++l) {
    if (!(mask >> l & 1))
      continue;
    uint32_t named = operandValue(warp, members, l);
    if (!(named >> l & 1)) {
      warp.block->fail(warp, l, "is not in its own member mask");
      return false;
    }
    if (uint32_t missing = named & warp.live & ~mask) {
      warp.block->fail(warp, std::countr_zero(missing),
                       "does not execute what all lanes of the warp must that "
                       "the member mask names");
      return false;
    }
  }
  return true;
}

/// shfl.sync.mode.b32 d{|p}, a, b, c, members
static Execute decodeShuffle(const Statement &s) {
  size_t first = s.pair ? 2 : 1;
  if (s.opcode.size() != 4 || s.opcode[1] != "sync" || s.opcode[3] != "b32" ||
      s.operands.size() != first + 4)
    return {};
  std::string mode = s.opcode[2];
  if (mode != "up" && mode != "down" && mode != "bfly" && mode != "idx")
    return {};
  return [=, o = s.operands](Warp &warp, uint32_t mask) {
    if (!checkMembers(warp, mask, o[first + 3]))
      return;
    uint64_t values[32], found[32];
    for (unsigned l = 0; l < 32; ++l)
      values[l] = mask >> l & 1 ? operandValue(warp, o[first], l) : 0;
    for (unsigned l = 0; l < 32; ++l) {
      if (!(mask >> l & 1))
        continue;
      int b = operandValue(warp, o[first + 1], l) & 31;
      unsigned c = operandValue(warp, o[first + 2], l);
      int clamp = c & 31, segment = c >> 8 & 31;
      int lower = int(l) & segment, upper = lower | (clamp & ~segment);
      int j = mode == "up"     ? int(l) - b
              : mode == "down" ? int(l) + b
              : mode == "bfly" ? int(l) ^ b
                               : lower | (b & ~segment);
      bool inside = mode == "up" ? j >= upper : j <= upper;
      j = inside ? j : l;
      if (!(mask >> j & 1))
        return warp.block->fail(warp, l,
                                "shfl reads lane " + std::to_string(j) +
                                    ", which does not take part");
      found[l] = values[j];
      if (first == 2)
        warp.at(o[1].reg, l) = inside;
    }
    for (unsigned l = 0; l < 32; ++l)
      if (mask >> l & 1)
        warp.at(o[0].reg, l) = found[l];
  };
}

/// One value for all lanes, of the lanes' values.
template <typename F> static Execute agree(const Statement &s, F f) {
  if (s.operands.size() != 3)
    return {};
  return [=, o = s.operands](Warp &warp, uint32_t mask) {
    if (!checkMembers(warp, mask, o[2]))
      return;
    uint64_t values[32] = {};
    for (unsigned l = 0; l < 32; ++l)
      if (mask >> l & 1)
        values[l] = operandValue(warp, o[1], l);
    uint64_t result = f(mask, values);
    for (unsigned l = 0; l < 32; ++l)
      if (mask >> l & 1)
        warp.at(o[0].reg, l) = result;
  };
}

static Execute decodeVote(const Statement &s) {
  std::string op = spelled(s, 1);
  auto ballot = [](uint32_t mask, const uint64_t *values) {
    uint32_t result = 0;
    for (unsigned l = 0; l < 32; ++l)
      result |= uint32_t(mask >> l & 1 && values[l]) << l;
    return result;
  };
  if (op == "sync.ballot.b32")
    return agree(s, [=](uint32_t m, const uint64_t *v) -> uint64_t {
      return ballot(m, v);
    });
  if (op == "sync.any.pred")
    return agree(s, [=](uint32_t m, const uint64_t *v) -> uint64_t {
      return ballot(m, v) != 0;
    });
  if (op == "sync.all.pred")
    return agree(s, [=](uint32_t m, const uint64_t *v) -> uint64_t {
      return ballot(m, v) == m;
    });
  if (op == "sync.uni.pred")
    return agree(s, [=](uint32_t m, const uint64_t *v) -> uint64_t {
      return ballot(m, v) == m || ballot(m, v) == 0;
    });
  return {};
}

static Execute decodeRedux(const Statement &s) {
  if (s.opcode.size() != 4 || s.opcode[1] != "sync")
    return {};
  Lane lane = decodeLane(s.opcode[2], s.opcode[3]);
  if (!lane || bitsOf(s.opcode[3]) != 32 || isRealType(s.opcode[3]))
    return {};
  return agree(s, [=](uint32_t mask, const uint64_t *values) {
    unsigned l = std::countr_zero(mask);
    uint64_t result = values[l];
    for (++l; l < 32; ++l)
      if (mask >> l & 1)
        result = lane(result, values[l], 0);
    return result;
  });
}

/// match.any.sync.b32 d, a, members and match.all.sync.b32 d{|p}, a, members
static Execute decodeMatch(const Statement &s) {
  size_t first = s.pair ? 2 : 1;
  bool all = s.opcode.size() == 4 && s.opcode[1] == "all";
  if (s.opcode.size() != 4 || (!all && (s.opcode[1] != "any" || s.pair)) ||
      s.opcode[2] != "sync" || !isType(s.opcode[3]) ||
      s.operands.size() != first + 2)
    return {};
  return [=, o = s.operands](Warp &warp, uint32_t mask) {
    if (!checkMembers(warp, mask, o[first + 1]))
      return;
    uint32_t same[32] = {};
    for (unsigned l = 0; l < 32; ++l)
      for (unsigned j = 0; mask >> l & 1 && j < 32; ++j)
        same[l] |=
            uint32_t(mask >> j & 1 && operandValue(warp, o[first], l) ==
                                          operandValue(warp, o[first], j))
            << j;
    for (unsigned l = 0; l < 32; ++l)
      if (mask >> l & 1) {
        warp.at(o[0].reg, l) = all && same[l] != mask ? 0 : same[l];
        if (first == 2)
          warp.at(o[1].reg, l) = same[l] == mask;
      }
  };
}

Execute moec::ptx::decodeCollective(const Statement &s) {
  const std::string &op = s.opcode[0];
  if (op == "shfl")
    return decodeShuffle(s);
  if (op == "vote")
    return decodeVote(s);
  if (op == "redux")
    return decodeRedux(s);
  if (op == "match")
    return decodeMatch(s);
  std::string all = spelled(s);
  if (all == "activemask.b32" && s.operands.size() == 1)
    return [o = s.operands](Warp &warp, uint32_t mask) {
      for (unsigned l = 0; l < 32; ++l)
        if (mask >> l & 1)
          warp.at(o[0].reg, l) = mask;
    };
  if (all == "elect.sync" && s.pair && s.operands.size() == 3)
    return [o = s.operands](Warp &warp, uint32_t mask) {
      if (!checkMembers(warp, mask, o[2]))
        return;
      unsigned leader = std::countr_zero(mask);
      for (unsigned l = 0; l < 32; ++l)
        if (mask >> l & 1) {
          warp.at(o[0].reg, l) = leader;
          warp.at(o[1].reg, l) = l == leader;
        }
    };
  if (all == "bar.warp.sync" && s.operands.size() == 1)
    return [o = s.operands](Warp &warp, uint32_t mask) {
      checkMembers(warp, mask, o[0]);
    };
  return {};
}
