// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wgmma.mma_async. Each warp of a group computes its own 16 rows, when it comes
// to the instruction or when it waits.

#include "test/ptx/Elements.h"
#include "test/ptx/Machine.h"

using namespace moec::ptx;

uint64_t moec::ptx::swizzle(uint64_t address, unsigned span) {
  return address ^ ((address >> 7 & (span / 16 - 1)) << 4);
}

namespace {
/// A matrix descriptor: where a row (or column) and a byte along k are.
struct Descriptor {
  uint64_t start, leading, stride;
  unsigned span;
  bool transposed;

  Descriptor(uint64_t bits, bool transposed)
      : start((bits & 0x3fff) << 4), leading((bits >> 16 & 0x3fff) << 4),
        stride((bits >> 32 & 0x3fff) << 4),
        span(std::array{16u, 128u, 64u, 32u}[bits >> 62]),
        transposed(transposed) {}

  /// Of element (row, k) of 16-byte groups: k is contiguous, or row is.
  uint64_t at(unsigned row, unsigned k, unsigned bytes) const {
    uint64_t offset;
    if (!transposed) {
      uint64_t byte = k * bytes;
      offset = span == 16 ? row % 8 * 16 + byte % 16 + byte / 16 * leading
                          : row % 8 * span + byte;
      offset += row / 8 * stride;
    } else {
      uint64_t byte = row * bytes;
      offset = byte % span + k % 8 * span;
      offset += span == 16 ? byte / 16 * stride + k / 8 * leading
                           : byte / span * leading + k / 8 * stride;
    }
    return swizzle(start + offset, span);
  }
};

struct Shape {
  unsigned n = 0, depth = 0;
  Element a, b;
  std::string sum;
  bool hasRegisters = false, transposeA = false, transposeB = false;
  double scaleA = 1, scaleB = 1;
};
} // namespace

/// Reads an element that copies or fenced writes have put there.
static double load(Warp &warp, uint64_t address, const Element &e) {
  Block &block = *warp.block;
  unsigned bytes = e.bits / 8;
  if (!block.touchShared(warp, 0, address, bytes, Access::Read))
    return 0;
  uint64_t bits = 0;
  for (unsigned i = 0; i < bytes; ++i) {
    const SharedByte &b = block.shared[address + i];
    if (b.writer < 32 && b.clock > warp.fenced[b.writer])
      block.fail(warp, 0,
                 "wgmma reads shared address " + std::to_string(address + i) +
                     ", written without fence.proxy.async");
    bits |= uint64_t(b.value) << (8 * i);
  }
  return elementValue(bits, e);
}

static void multiply(Warp &warp, const Shape &s, const std::vector<Operand> &d,
                     const std::vector<double> &rows, uint64_t a, uint64_t b,
                     bool accumulates) {
  std::vector<double> x = rows, y(s.n * s.depth);
  if (x.empty()) {
    Descriptor descriptor(a, s.transposeA);
    x.resize(16 * s.depth);
    for (unsigned i = 0; i < 16; ++i)
      for (unsigned k = 0; k < s.depth; ++k)
        x[i * s.depth + k] = load(
            warp, descriptor.at(warp.index % 4 * 16 + i, k, s.a.bits / 8), s.a);
  }
  Descriptor descriptor(b, s.transposeB);
  for (unsigned j = 0; j < s.n; ++j)
    for (unsigned k = 0; k < s.depth; ++k)
      y[j * s.depth + k] = load(warp, descriptor.at(j, k, s.b.bits / 8), s.b);
  for (unsigned l = 0; l < 32 && warp.block->error.empty(); ++l)
    for (unsigned r = 0; r < d.size(); ++r) {
      unsigned i = l / 4 + 8 * (r >> 1 & 1),
               j = r / 4 * 8 + l % 4 * 2 + (r & 1);
      uint64_t &to = warp.at(d[r].reg, l);
      double sum = accumulates ? sumValue(to, s.sum) : 0, products = 0;
      for (unsigned k = 0; k < s.depth; ++k)
        products += x[i * s.depth + k] * y[j * s.depth + k];
      to = sumBits(sum + s.scaleA * s.scaleB * products, s.sum, false);
    }
}

/// Ends the multiplications of the groups before the last `pending`.
static void wait(Warp &warp, unsigned pending) {
  std::erase_if(warp.multiplications, [&](const Multiplication &m) {
    if (m.group + pending >= warp.multiplicationGroup)
      return false;
    if (m.run)
      m.run();
    return true;
  });
}

static Execute decodeMultiply(const Statement &s, Shape shape) {
  const std::vector<Operand> &o = s.operands;
  shape.hasRegisters = o[1].kind == Operand::Vector;
  bool mayTranspose = shape.a.bits == 16;
  size_t flags = mayTranspose ? (shape.hasRegisters ? 1 : 2) : 0;
  // Integers have no scales.
  size_t scales = shape.a.isInteger ? 0 : 2;
  if (o.size() != 4 + scales + flags || o[0].elements.size() != shape.n / 2 ||
      o[2].kind != Operand::Register || o[3].kind == Operand::Vector ||
      (shape.hasRegisters && o[1].elements.size() != 4))
    return {};
  if (scales) {
    shape.scaleA = o[4].value;
    shape.scaleB = o[5].value;
  }
  shape.transposeB = flags && o.back().value;
  shape.transposeA = flags == 2 && o[o.size() - 2].value;
  return [=](Warp &warp, uint32_t) {
    Block &block = *warp.block;
    const std::vector<std::string> &names =
        block.launch.kernel.syntax.registers;
    Multiplication m{warp.multiplicationGroup, {}, {}};
    for (const Operand &list : {o[0], o[1]})
      for (const Operand &e : list.elements) {
        if (warp.unfenced[e.reg])
          return block.fail(warp, 0,
                            names[e.reg] + " is used without wgmma.fence");
        m.registers.push_back(e.reg);
      }
    if (block.warps.size() < warp.index / 4 * 4 + 4)
      return block.fail(warp, 0, "wgmma needs four warps");
    std::vector<double> rows;
    if (shape.hasRegisters) {
      rows.resize(16 * shape.depth);
      unsigned each = 32 / shape.a.bits;
      for (unsigned l = 0; l < 32; ++l)
        for (unsigned r = 0; r < 4; ++r)
          for (unsigned h = 0; h < each; ++h)
            rows[(l / 4 + 8 * (r & 1)) * shape.depth + l % 4 * each + h +
                 4 * each * (r >> 1)] =
                elementValue(warp.at(o[1].elements[r].reg, l) >>
                                 (shape.a.bits * h),
                             shape.a);
    }
    uint64_t a = shape.hasRegisters ? 0 : operandValue(warp, o[1], 0),
             b = operandValue(warp, o[2], 0);
    bool accumulates = operandValue(warp, o[3], 0);
    if (((a | b) >> 49 & 7) != 0)
      return block.fail(warp, 0, "matrix descriptor with a base offset");
    m.run = [=, &warp] {
      multiply(warp, shape, o[0].elements, rows, a, b, accumulates);
    };
    if (!block.launch.options.schedule.lazyWgmma) {
      m.run();
      m.run = nullptr;
    }
    warp.multiplications.push_back(std::move(m));
    if (block.launch.options.count)
      block.launch.counters.tensorOperations += 2 * 16 * shape.n * shape.depth;
  };
}

Execute moec::ptx::decodeWgmma(const Statement &s) {
  const std::vector<std::string> &w = s.opcode;
  std::string op = spelled(s);
  if (op == "wgmma.fence.sync.aligned" && s.operands.empty())
    return [](Warp &warp, uint32_t) {
      warp.unfenced.assign(warp.unfenced.size(), 0);
    };
  if (op == "wgmma.commit_group.sync.aligned" && s.operands.empty())
    return [](Warp &warp, uint32_t) { ++warp.multiplicationGroup; };
  if (op == "wgmma.wait_group.sync.aligned" && s.operands.size() == 1)
    return [n = unsigned(s.operands[0].value)](Warp &warp, uint32_t) {
      wait(warp, n);
    };
  if (w.size() != 8 || !op.starts_with("wgmma.mma_async.sync.aligned.m64n") ||
      s.operands.size() < 4)
    return {};
  Shape shape;
  char *end = nullptr;
  shape.n = std::strtoul(w[4].c_str() + 4, &end, 10);
  shape.depth = *end == 'k' ? std::strtoul(end + 1, nullptr, 10) : 0;
  shape.sum = w[5];
  shape.a = elementOf(w[6]);
  shape.b = elementOf(w[7]);
  if (!shape.a.bits || shape.a.bits != shape.b.bits ||
      shape.a.isInteger != shape.b.isInteger ||
      shape.depth * shape.a.bits != 256 || shape.n % 8 || shape.n > 256 ||
      !shape.n || shape.sum != (shape.a.isInteger ? "s32" : "f32"))
    return {};
  return decodeMultiply(s, shape);
}
