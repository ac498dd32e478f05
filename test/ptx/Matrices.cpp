// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ldmatrix, stmatrix and mma.sync.

#include "test/ptx/Elements.h"
#include "test/ptx/Machine.h"

#include <algorithm>
#include <bit>

using namespace moec::ptx;

/// ldmatrix.sync.aligned.m8n8.xN{.trans}.shared.b16 {d..}, [a] and stmatrix,
/// operands swapped. Rows that were never written may be loaded: their poison
/// is NaN.
Execute moec::ptx::decodeMatrix(const Statement &s) {
  std::string op = spelled(s, 1);
  bool loads = s.opcode[0] == "ldmatrix";
  if ((!loads && s.opcode[0] != "stmatrix") || s.operands.size() != 2)
    return {};
  const Operand &address = s.operands[loads], &data = s.operands[!loads];
  unsigned count = data.elements.size();
  bool trans = op.find(".trans") != op.npos;
  std::string head =
      "sync.aligned.m8n8.x" + std::to_string(count) + (trans ? ".trans" : "");
  if ((op != head + ".shared.b16" && op != head + ".shared::cta.b16") ||
      (count != 1 && count != 2 && count != 4) ||
      address.kind != Operand::Address)
    return {};
  return [=](Warp &warp, uint32_t) {
    Block &block = *warp.block;
    uint64_t at[32];
    for (unsigned l = 0; l < 8 * count; ++l) {
      at[l] = operandValue(warp, address, l);
      if (at[l] % 16)
        return block.fail(warp, l,
                          s.opcode[0] + " row at shared address " +
                              std::to_string(at[l]) +
                              " is not a multiple of 16");
      if (!block.touchShared(warp, l, at[l], 16,
                             loads ? Access::Read : Access::Write))
        return;
    }
    countAccess(block.launch, Space::Shared,
                count == 4 ? ~0u : (1u << (8 * count)) - 1, at, 16, !loads);
    for (unsigned i = 0; i < count; ++i)
      for (unsigned l = 0; l < 32; ++l) {
        uint64_t v = loads ? 0 : operandValue(warp, data.elements[i], l);
        for (unsigned h = 0; h < 2; ++h) {
          unsigned r = l / 4, c = l % 4 * 2 + h;
          if (trans)
            std::swap(r, c);
          SharedByte *b = &block.shared[at[8 * i + r] + 2 * c];
          if (loads)
            v |= uint64_t(b[0].value | b[1].value << 8) << (16 * h);
          for (unsigned k = 0; !loads && k < 2; ++k) {
            b[k].value = v >> (16 * h + 8 * k);
            b[k].written = true;
          }
        }
        if (loads)
          warp.at(data.elements[i].reg, l) = v;
      }
  };
}

Element moec::ptx::elementOf(const std::string &type) {
  if (type == "bf16")
    return {16, false, false, bfloatFormat};
  if (type == "f16")
    return {16, false, false, halfFormat};
  if (type == "tf32")
    return {32, false, false, singleFormat, 0x1fff};
  if (type == "e4m3")
    return {8, false, false, e4m3Format};
  if (type == "e5m2")
    return {8, false, false, e5m2Format};
  if (type == "s8" || type == "u8")
    return {8, true, type == "s8"};
  return {};
}

double moec::ptx::elementValue(uint64_t bits, const Element &e) {
  bits = lowBits(bits, e.bits) & ~e.ignored;
  if (e.isInteger)
    return e.isSigned ? double(int8_t(bits)) : double(bits);
  return decodeReal(bits, e.format);
}

double moec::ptx::sumValue(uint64_t bits, const std::string &type) {
  return type == "s32" ? double(int32_t(bits)) : toDouble(bits, type);
}
uint64_t moec::ptx::sumBits(double sum, const std::string &type,
                            bool satfinite) {
  if (type != "s32")
    return fromDouble(sum, type);
  return uint32_t(
      int64_t(satfinite ? std::clamp(sum, -0x1p31, 0x1p31 - 1) : sum));
}

/// mma.sync.aligned.m16n8kK.row.col{.satfinite}.d.a.b.c: products exact, one
/// rounding of their sum.
Execute moec::ptx::decodeMma(const Statement &s) {
  std::vector<std::string> w(s.opcode.begin(), s.opcode.end());
  bool satfinite = w.size() == 11 && w[6] == "satfinite";
  if (satfinite)
    w.erase(w.begin() + 6);
  if (w[0] != "mma" || w.size() != 10 || s.operands.size() != 4 ||
      w[1] != "sync" || w[2] != "aligned" || !w[3].starts_with("m16n8k") ||
      w[4] != "row" || w[5] != "col" || w[6] != w[9])
    return {};
  unsigned depth = std::strtoul(w[3].c_str() + 6, nullptr, 10);
  Element ea = elementOf(w[7]), eb = elementOf(w[8]);
  bool isInteger = ea.isInteger;
  if (!ea.bits || ea.bits != eb.bits || isInteger != eb.isInteger ||
      (ea.bits > 8 && w[7] != w[8]) || (satfinite && !isInteger) ||
      (depth * ea.bits != 256 && depth * ea.bits != 128) ||
      w[6] != (isInteger       ? "s32"
               : w[6] == "f16" ? "f16"
                               : "f32") ||
      (w[6] == "f16" && w[7] != "f16"))
    return {};
  unsigned a = depth * ea.bits / 64, sums = w[6] == "f16" ? 2 : 4;
  const size_t sizes[] = {sums, a, a / 2, sums};
  for (unsigned i = 0; i < 4; ++i) {
    size_t size = s.operands[i].elements.size();
    if (size != sizes[i] &&
        !(sizes[i] == 1 && s.operands[i].kind == Operand::Register))
      return {};
  }
  return [=, o = s.operands](Warp &warp, uint32_t) {
    auto registerOf = [&](unsigned i, unsigned r) -> const Operand & {
      return o[i].elements.empty() ? o[i] : o[i].elements[r];
    };
    double ma[16][32], mb[32][8], md[16][8];
    unsigned each = 32 / ea.bits;
    std::string type = w[6];
    for (unsigned l = 0; l < 32; ++l) {
      unsigned g = l / 4, t = l % 4 * each;
      for (unsigned h = 0; h < each; ++h) {
        for (unsigned r = 0; r < a; ++r)
          ma[g + 8 * (r & 1)][t + h + 4 * each * (r >> 1)] = elementValue(
              operandValue(warp, registerOf(1, r), l) >> (ea.bits * h), ea);
        for (unsigned r = 0; r < a / 2; ++r)
          mb[t + h + 4 * each * r][g] = elementValue(
              operandValue(warp, registerOf(2, r), l) >> (eb.bits * h), eb);
      }
      for (unsigned r = 0; r < 4; ++r) {
        uint64_t c = operandValue(warp, registerOf(3, r * sums / 4), l);
        md[g + 8 * (r >> 1)][l % 4 * 2 + (r & 1)] =
            sums == 2 ? toDouble(c >> (16 * (r & 1)) & 0xffff, "f16")
                      : sumValue(c, type);
      }
    }
    for (unsigned i = 0; i < 16; ++i)
      for (unsigned k = 0; k < depth; ++k)
        for (unsigned j = 0; j < 8; ++j)
          md[i][j] += ma[i][k] * mb[k][j];
    for (unsigned l = 0; l < 32; ++l)
      for (unsigned r = 0; r < 4; ++r) {
        double sum = md[l / 4 + 8 * (r >> 1)][l % 4 * 2 + (r & 1)];
        uint64_t &d = warp.at(registerOf(0, r * sums / 4).reg, l);
        if (sums == 4)
          d = sumBits(sum, type, satfinite);
        else
          d = r & 1 ? (d & 0xffff) | fromDouble(sum, type) << 16
                    : fromDouble(sum, type);
      }
    if (warp.block->launch.options.count)
      warp.block->launch.counters.tensorOperations += 2 * 16 * 8 * depth;
  };
}
