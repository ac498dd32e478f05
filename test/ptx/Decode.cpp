// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory, control flow, warp collectives and tensor-core instructions.

#include "test/ptx/Machine.h"

#include <bit>
#include <cstring>

using namespace moec::ptx;

static uint64_t value(Warp &warp, const Operand &o, unsigned lane) {
  return o.kind == Operand::Register ||
                 (o.kind == Operand::Address && o.reg >= 0)
             ? warp.at(o.reg, lane) + (o.kind == Operand::Address ? o.value : 0)
             : uint64_t(o.value);
}

static std::string join(const Statement &s, size_t begin = 0) {
  std::string text;
  for (size_t i = begin; i < s.opcode.size(); ++i)
    text += (i > begin ? "." : "") + s.opcode[i];
  return text;
}

/// ld and st of .param, .global, .shared and generic addresses.
static Execute decodeMemory(const Statement &s) {
  if (s.operands.size() != 2)
    return {};
  bool loads = s.opcode[0] == "ld";
  std::string space;
  unsigned count = 1, bytes = 0;
  bool isSigned = false;
  for (size_t i = 1; i < s.opcode.size(); ++i) {
    const std::string &m = s.opcode[i];
    if (m == "global" || m == "shared" || m == "param")
      space = m;
    else if (m == "v2" || m == "v4")
      count = m[1] - '0';
    else if (m.size() <= 3 && strchr("subf", m[0]) && isdigit(m[1])) {
      bytes = std::stoul(m.substr(1)) / 8;
      isSigned = m[0] == 's';
    } else if (m != "nc" && m != "volatile")
      return {};
  }
  const Operand &address = s.operands[loads ? 1 : 0];
  const Operand &data = s.operands[loads ? 0 : 1];
  std::vector<Operand> elements =
      data.kind == Operand::Vector ? data.elements : std::vector<Operand>{data};
  if (!bytes || elements.size() != count || address.kind != Operand::Address ||
      !address.name.empty() || (space == "param" && !loads))
    return {};
  for (const Operand &e : elements)
    if (e.kind != Operand::Register && (loads || e.kind != Operand::Immediate))
      return {};
  return [=](Warp &warp, uint32_t mask) {
    for (unsigned l = 0; l < 32; ++l) {
      if (!(mask >> l & 1))
        continue;
      uint8_t buffer[32] = {};
      uint64_t at = value(warp, address, l);
      if (!loads)
        for (unsigned i = 0; i < count; ++i) {
          uint64_t v = value(warp, elements[i], l);
          memcpy(buffer + i * bytes, &v, bytes);
        }
      if (!(loads
                ? warp.block->read(warp, l, space, at, count * bytes, buffer)
                : warp.block->write(warp, l, space, at, count * bytes, buffer)))
        return;
      for (unsigned i = 0; loads && i < count; ++i) {
        uint64_t v = 0;
        memcpy(&v, buffer + i * bytes, bytes);
        if (isSigned &&
            bytes < 8) // registers hold 32 bits and fewer zero-extended
          v = uint32_t(int64_t(v << (64 - 8 * bytes)) >> (64 - 8 * bytes));
        warp.at(elements[i].reg, l) = v;
      }
    }
  };
}

static Execute decodeAsync(const Statement &s) {
  std::string op = join(s, 2);
  if (op == "commit_group" && s.operands.empty())
    return [](Warp &warp, uint32_t mask) {
      for (unsigned l = 0; l < 32; ++l)
        warp.groups[l] += mask >> l & 1;
    };
  if ((op == "wait_group" && s.operands.size() == 1) ||
      (op == "wait_all" && s.operands.empty())) {
    bool all = op == "wait_all";
    unsigned pending = all ? 0 : s.operands[0].value;
    return [=](Warp &warp, uint32_t mask) {
      std::erase_if(warp.copies, [&](const Copy &copy) {
        if (!(mask >> copy.lane & 1) ||
            (!all && copy.group + pending >= warp.groups[copy.lane]))
          return false;
        if (warp.block->schedule.lazyCopies)
          warp.block->land(warp, copy, true);
        else
          for (unsigned i = 0; i < copy.bytes; ++i) {
            SharedByte &b = warp.block->shared[copy.to + i];
            b.inFlight = false;
            b.writer = warp.index;
            b.writeEpoch = warp.block->epoch;
          }
        return true;
      });
    };
  }
  if ((op != "ca.shared.global" && op != "cg.shared.global") ||
      s.operands.size() < 3 || s.operands.size() > 4 ||
      s.operands[0].kind != Operand::Address ||
      s.operands[1].kind != Operand::Address)
    return {};
  unsigned bytes = s.operands[2].value;
  if (bytes != 16 && (op[1] == 'g' || (bytes != 4 && bytes != 8)))
    return {};
  return [=, o = s.operands](Warp &warp, uint32_t mask) {
    Block &block = *warp.block;
    for (unsigned l = 0; l < 32; ++l) {
      if (!(mask >> l & 1))
        continue;
      uint64_t to = value(warp, o[0], l), from = value(warp, o[1], l);
      uint64_t size = o.size() > 3 ? value(warp, o[3], l) : bytes;
      if (to % bytes || from % bytes || size > bytes)
        return block.fail(warp, l, "cp.async is misaligned or too long");
      if (!block.touchShared(warp, l, to, bytes, true))
        return;
      Copy copy{l, warp.groups[l], uint32_t(to), {}, {}, bytes};
      copy.written.fill(1);
      if (size) {
        const Allocation *a = block.device.find(from, size);
        if (!a)
          return block.fail(warp, l,
                            "cp.async reads out of bounds: " +
                                block.device.describe(from, size));
        memcpy(copy.value.data(), &a->bytes[from - a->base], size);
        memcpy(copy.written.data(), &a->written[from - a->base], size);
      }
      for (unsigned i = 0; i < bytes; ++i)
        block.shared[to + i].inFlight = true;
      if (!block.schedule.lazyCopies)
        block.land(warp, copy, false);
      warp.copies.push_back(copy);
    }
  };
}

/// Rows that were never written are allowed: their poison is NaN.
static Execute decodeLdmatrix(const Statement &s) {
  std::string op = join(s);
  unsigned count = op.find(".x4") != op.npos   ? 4
                   : op.find(".x2") != op.npos ? 2
                                               : 1;
  bool trans = op.find(".trans") != op.npos;
  if (op != "ldmatrix.sync.aligned.m8n8.x" + std::to_string(count) +
                (trans ? ".trans" : "") + ".shared.b16" ||
      s.operands.size() != 2 || s.operands[0].elements.size() != count ||
      s.operands[1].kind != Operand::Address)
    return {};
  return [=, o = s.operands](Warp &warp, uint32_t) {
    Block &block = *warp.block;
    uint16_t m[4][8][8];
    for (unsigned l = 0; l < 8 * count; ++l) {
      uint64_t at = value(warp, o[1], l);
      if (at % 16)
        return block.fail(warp, l,
                          "ldmatrix row at shared address " +
                              std::to_string(at) + " is not a multiple of 16");
      if (!block.touchShared(warp, l, at, 16, false))
        return;
      for (unsigned i = 0; i < 8; ++i)
        m[l / 8][l % 8][i] = block.shared[at + 2 * i].value |
                             block.shared[at + 2 * i + 1].value << 8;
    }
    for (unsigned i = 0; i < count; ++i)
      for (unsigned l = 0; l < 32; ++l) {
        unsigned r = l / 4, c = l % 4 * 2;
        uint32_t first = trans ? m[i][c][r] : m[i][r][c];
        uint32_t second = trans ? m[i][c + 1][r] : m[i][r][c + 1];
        warp.at(o[0].elements[i].reg, l) = first | second << 16;
      }
  };
}

/// D = A B + C of 16x8x16, products exact, one rounding of the sum to f32.
static Execute decodeMma(const Statement &s) {
  std::string op = join(s, 1);
  bool bfloat = op == "sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32";
  if (!bfloat && op != "sync.aligned.m16n8k16.row.col.f32.f16.f16.f32")
    return {};
  static constexpr size_t sizes[] = {4, 4, 2, 4};
  for (unsigned i = 0; i < 4; ++i)
    if (s.operands.size() != 4 || s.operands[i].elements.size() != sizes[i])
      return {};
  return [bfloat, o = s.operands](Warp &warp, uint32_t) {
    float a[16][16], b[16][8];
    double d[16][8];
    for (unsigned l = 0; l < 32; ++l) {
      unsigned g = l / 4, t = l % 4 * 2;
      for (unsigned h = 0; h < 2; ++h) {
        for (unsigned r = 0; r < 4; ++r)
          a[g + 8 * (r & 1)][t + h + 8 * (r >> 1)] =
              halfToFloat(value(warp, o[1].elements[r], l) >> (16 * h), bfloat);
        for (unsigned r = 0; r < 2; ++r)
          b[t + h + 8 * r][g] =
              halfToFloat(value(warp, o[2].elements[r], l) >> (16 * h), bfloat);
      }
      for (unsigned r = 0; r < 4; ++r)
        d[g + 8 * (r >> 1)][t + (r & 1)] =
            std::bit_cast<float>(uint32_t(value(warp, o[3].elements[r], l)));
    }
    for (unsigned i = 0; i < 16; ++i)
      for (unsigned k = 0; k < 16; ++k)
        for (unsigned j = 0; j < 8; ++j)
          d[i][j] += double(a[i][k]) * b[k][j];
    for (unsigned l = 0; l < 32; ++l)
      for (unsigned r = 0; r < 4; ++r)
        warp.at(o[0].elements[r].reg, l) = std::bit_cast<uint32_t>(
            float(d[l / 4 + 8 * (r >> 1)][l % 4 * 2 + (r & 1)]));
  };
}

static bool decodeOne(const Statement &s, Instruction &i) {
  std::string op = join(s);
  size_t count = s.operands.size();
  if ((op == "bra" || op == "bra.uni") && count == 1) {
    i.flow = Instruction::Branch;
    i.target = s.target;
    return true;
  }
  if ((op == "ret" || op == "exit") && count == 0) {
    i.flow = Instruction::Exit;
    return true;
  }
  if ((op == "bar.sync" || op == "barrier.sync.aligned") && count == 1 &&
      s.operands[0].kind == Operand::Immediate && s.operands[0].value == 0) {
    i.flow = Instruction::Barrier;
    return true;
  }
  if (s.opcode[0] == "ld" || s.opcode[0] == "st")
    i.execute = decodeMemory(s);
  else if (op.starts_with("cp.async."))
    i.execute = decodeAsync(s);
  else if (s.opcode[0] == "ldmatrix" || s.opcode[0] == "mma") {
    i.flow = Instruction::Aligned;
    i.execute = s.opcode[0] == "mma" ? decodeMma(s) : decodeLdmatrix(s);
  } else if (s.opcode[0] == "cvta" && count == 2 &&
             s.operands[0].kind == Operand::Register &&
             s.operands[1].kind == Operand::Register &&
             (op.ends_with("global.u64") || op.ends_with("shared.u64"))) {
    int64_t shift = op.ends_with("global.u64")         ? 0
                    : op.starts_with("cvta.to.shared") ? -int64_t(sharedWindow)
                                                       : int64_t(sharedWindow);
    i.execute = [=, o = s.operands](Warp &warp, uint32_t mask) {
      for (unsigned l = 0; l < 32; ++l)
        if (mask >> l & 1)
          warp.at(o[0].reg, l) = warp.at(o[1].reg, l) + shift;
    };
  } else
    i.execute = decodeArithmetic(s);
  return bool(i.execute);
}

static size_t place(size_t &size, const Variable &v) {
  size_t at = (size + v.align - 1) / v.align * v.align;
  size = at + v.bytes;
  return at;
}

/// Replaces names of shared variables and parameters by their addresses.
static void resolve(Operand &o, const Kernel &kernel) {
  for (const auto *table : {&kernel.parameters, &kernel.shared})
    if (auto it = table->find(o.name); o.reg < 0 && it != table->end()) {
      o.value += it->second;
      o.name.clear();
      if (o.kind == Operand::Symbol)
        o.kind = Operand::Immediate;
    }
}

std::string moec::ptx::decode(const Syntax &syntax, Program &program) {
  for (const Function &function : syntax.kernels) {
    Kernel &kernel = program.kernels[function.name];
    kernel.syntax = function;
    for (const Variable &v : function.parameters)
      kernel.parameters[v.name] = place(kernel.parameterBytes, v);
    std::vector<Variable> variables = function.variables;
    variables.insert(variables.end(), syntax.variables.begin(),
                     syntax.variables.end());
    for (bool external : {false, true})
      for (const Variable &v : variables) {
        if (v.space != "shared")
          return "variable " + v.name + ": ." + v.space + " is not supported";
        // One odd multiple of the alignment: no more than it can be relied on.
        if (v.external != external)
          continue;
        size_t at = place(kernel.sharedBytes, v);
        if (at % (2 * v.align) == 0)
          at += v.align;
        kernel.shared[v.name] = at;
        kernel.sharedBytes = at + v.bytes;
      }
    for (Statement s : function.body) {
      for (Operand &o : s.operands)
        resolve(o, kernel);
      Instruction instruction;
      instruction.line = s.line;
      instruction.guard = s.guard;
      instruction.negated = s.guardNegated;
      if (!decodeOne(s, instruction))
        return "line " + std::to_string(s.line) +
               ": unknown instruction, modifier or operand: " + join(s);
      kernel.code.push_back(std::move(instruction));
    }
    Instruction end;
    end.flow = Instruction::Exit;
    kernel.code.push_back(end);
  }
  return {};
}
