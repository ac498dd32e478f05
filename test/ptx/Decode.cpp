// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Statements as instructions, names as addresses.

#include "test/ptx/Lanes.h"

#include <algorithm>
#include <atomic>

using namespace moec::ptx;

std::string moec::ptx::spelled(const Statement &s, size_t begin) {
  std::string text;
  for (size_t i = begin; i < s.opcode.size(); ++i)
    text += (i > begin ? "." : "") + s.opcode[i];
  return text;
}

/// What has no effect on one block that runs by itself, or ends it.
static Execute decodeOther(const Statement &s) {
  const std::string &op = s.opcode[0];
  std::string all = spelled(s);
  if (op == "membar" || all.starts_with("fence.acq_rel") ||
      all.starts_with("fence.sc") || all.starts_with("fence.mbarrier_init") ||
      op == "setmaxnreg" || op == "griddepcontrol")
    return [](Warp &, uint32_t) {};
  // All that is known to the warp becomes visible to copies and wgmma.
  if (all == "fence.proxy.async" || all == "fence.proxy.async.shared::cta")
    return [](Warp &warp, uint32_t) {
      join(warp.fenced, warp.clocks);
      ++warp.clocks[warp.index];
    };
  if (op == "nanosleep")
    return [](Warp &warp, uint32_t) { warp.yields = true; };
  if (op == "trap" && s.operands.empty())
    return [](Warp &warp, uint32_t mask) {
      warp.block->fail(warp, __builtin_ctz(mask), "trap");
    };
  return {};
}

static bool decodeOne(const Statement &s, Instruction &i) {
  std::string op = spelled(s);
  size_t count = s.operands.size();
  if (op == "bra" || op == "bra.uni" || op == "brx.idx" ||
      op == "brx.idx.uni") {
    i.flow = Instruction::Branch;
    i.targets = s.targets;
    if (count == 2)
      i.selector = s.operands[0];
    return !s.targets.empty() && count <= 2;
  }
  if ((op == "ret" || op == "ret.uni" || op == "exit") && count == 0) {
    i.flow = Instruction::Exit;
    return true;
  }
  i.joinsLanes = op == "bar.warp.sync" && count == 1 &&
                 s.operands[0].kind == Operand::Immediate &&
                 uint32_t(s.operands[0].value) == ~0u;
  for (Execute (*decode)(const Statement &) :
       {decodeArithmetic, decodeComparison, decodeConversion, decodeBits,
        decodeMemory, decodeAtomic, decodeAddress, decodeCollective,
        decodeMbarrier, decodeBulk, decodeOther})
    if ((i.execute = decode(s)))
      return true;
  if ((i.execute = decodeCopy(s)))
    return true;
  if ((i.execute = decodeBarrier(s)))
    return i.aligned = true;
  if ((i.execute = decodeWgmma(s)))
    return i.isWgmma = i.aligned = i.wholeWarp = true;
  if ((i.execute = decodeMatrix(s)) || (i.execute = decodeMma(s)))
    return i.aligned = i.wholeWarp = true;
  return false;
}

static void listRegisters(const Operand &o, std::vector<int> &registers) {
  if (o.reg >= 0)
    registers.push_back(o.reg);
  for (const Operand &element : o.elements)
    listRegisters(element, registers);
}

static uint64_t place(size_t &size, const Variable &v) {
  size_t at = (size + v.align - 1) / v.align * v.align;
  size = at + v.bytes;
  return at;
}
/// An odd multiple of the alignment: no more than it can be relied on.
static uint64_t placeOddly(size_t &size, const Variable &v) {
  size_t at = (size + v.align - 1) / v.align * v.align;
  if (at % (2 * v.align) == 0)
    at += v.align;
  size = at + v.bytes;
  return at;
}

static std::string layOut(Kernel &kernel, const Syntax &syntax,
                          const Program &program) {
  const Function &function = kernel.syntax;
  for (const Variable &v : function.parameters)
    kernel.symbols[v.name] = place(kernel.parameterBytes, v);
  std::vector<Variable> variables = function.variables;
  variables.insert(variables.end(), syntax.variables.begin(),
                   syntax.variables.end());
  // All external arrays are the same memory, behind everything else.
  Variable dynamic;
  for (const Variable &v : variables)
    if (v.space == "local")
      kernel.symbols[v.name] = placeOddly(kernel.localBytes, v);
    else if (v.space == "shared" && v.external)
      dynamic.align = std::max(dynamic.align, v.align);
    else if (v.space == "shared")
      kernel.symbols[v.name] = placeOddly(kernel.sharedBytes, v);
  for (const Variable &v : variables)
    if (v.space == "shared" && v.external && v.bytes)
      return "variable " + v.name + " is external but has a size";
  // Alone, they begin where shared memory does, as compilers rely on.
  size_t end = kernel.sharedBytes;
  for (const Variable &v : variables)
    if (v.space == "shared" && v.external) {
      kernel.sharedBytes = end;
      kernel.symbols[v.name] =
          end ? placeOddly(kernel.sharedBytes, dynamic) : 0;
    }
  for (const Static &s : program.statics)
    kernel.symbols[s.variable.name] = s.address;
  return {};
}

/// Replaces the names of variables and parameters by their addresses.
static std::string resolve(Operand &o, const Kernel &kernel) {
  for (Operand &element : o.elements)
    if (std::string error = resolve(element, kernel); !error.empty())
      return error;
  if (o.reg >= 0 || o.name.empty())
    return {};
  auto it = kernel.symbols.find(o.name);
  if (it == kernel.symbols.end())
    return "no variable " + o.name;
  o.value += it->second;
  if (o.kind == Operand::Symbol)
    o.kind = Operand::Immediate;
  return {};
}

std::string moec::ptx::decode(const Syntax &syntax, Program &program) {
  program.target = syntax.target;
  // No two variables of any modules share an address.
  static std::atomic<uint64_t> next{uint64_t(1) << 32};
  for (const Variable &v : syntax.variables)
    if (v.space != "shared") {
      if (v.external)
        return "variable " + v.name + " is not defined";
      uint64_t at = next.fetch_add((v.bytes + 3 * 65536) & ~uint64_t(65535));
      program.statics.push_back({v, at + v.align});
    }
  for (const Function &function : syntax.functions) {
    Kernel &kernel = program.kernels[function.name];
    kernel.syntax = function;
    if (std::string error = layOut(kernel, syntax, program); !error.empty())
      return error;
    for (size_t r = 0; r < function.registers.size(); ++r)
      if (isSpecialRegister(function.registers[r]))
        kernel.specialRegisters.push_back(r);
    for (Statement s : function.body) {
      std::string at = "line " + std::to_string(s.line) + ": ";
      for (Operand &o : s.operands)
        if (s.targets.empty())
          if (std::string error = resolve(o, kernel); !error.empty())
            return at + error;
      Instruction instruction;
      instruction.line = s.line;
      instruction.guard = s.guard;
      instruction.negated = s.guardNegated;
      instruction.opcode = s.opcode[0];
      if (!decodeOne(s, instruction))
        return at + "unknown instruction, modifier or operand: " + spelled(s);
      for (const Operand &o : s.operands)
        listRegisters(o, instruction.registers);
      if (!s.operands.empty() && s.operands[0].kind != Operand::Address)
        listRegisters(s.operands[0], instruction.destinations);
      kernel.usesWgmma |= instruction.isWgmma;
      kernel.code.push_back(std::move(instruction));
    }
    Instruction end;
    end.flow = Instruction::Exit;
    kernel.code.push_back(end);
    kernel.syntax.body.clear();
  }
  return {};
}
