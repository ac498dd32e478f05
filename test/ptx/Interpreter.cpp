// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Interpreter.h"

#include "test/ptx/Machine.h"

#include <bit>
#include <cstring>

using namespace moec::ptx;

Module::Module() : program(std::make_unique<Program>()) {}
Module::~Module() = default;

std::unique_ptr<Module> Module::parse(std::string_view text,
                                      std::string &error) {
  Syntax syntax;
  error = moec::ptx::parse(text, syntax);
  if (!error.empty())
    return nullptr;
  std::unique_ptr<Module> module(new Module);
  error = decode(syntax, *module->program);
  return error.empty() ? std::move(module) : nullptr;
}

std::vector<std::string> Module::kernels() const {
  std::vector<std::string> names;
  for (const auto &[name, kernel] : program->kernels)
    names.push_back(name);
  return names;
}

std::vector<size_t> Module::parameterBytes(std::string_view name) const {
  std::vector<size_t> bytes;
  if (auto it = program->kernels.find(name); it != program->kernels.end())
    for (const Variable &v : it->second.syntax.parameters)
      bytes.push_back(v.bytes);
  return bytes;
}

/// False where the name is of no special register that is known.
static bool special(const std::string &name, const Block &block,
                    uint32_t thread, uint64_t &value) {
  auto of = [&](const char *root, uint32_t x, uint32_t y, uint32_t z) {
    if (!name.starts_with(root) || name.size() != strlen(root) + 2)
      return false;
    value = name.back() == 'x' ? x : name.back() == 'y' ? y : z;
    return true;
  };
  Dim3 s = block.size, g = block.grid, i = block.index;
  if (name == "%laneid") {
    value = thread % 32;
    return true;
  }
  return of("%tid", thread % s.x, thread / s.x % s.y, thread / s.x / s.y) ||
         of("%ntid", s.x, s.y, s.z) || of("%ctaid", i.x, i.y, i.z) ||
         of("%nctaid", g.x, g.y, g.z);
}

/// Runs until the warp waits, ends or fails. The lanes with the least program
/// counter go first, so that the others wait where the paths meet.
static void run(Block &block, Warp &warp, Report &report) {
  while (warp.live && block.error.empty()) {
    uint32_t pc = ~0u, mask = 0;
    for (unsigned l = 0; l < 32; ++l)
      if (warp.live >> l & 1) {
        if (warp.pc[l] < pc) {
          pc = warp.pc[l];
          mask = 0;
        }
        mask |= uint32_t(warp.pc[l] == pc) << l;
      }
    const Instruction &i = block.kernel.code[pc];
    block.line = i.line;
    uint32_t active = mask;
    for (unsigned l = 0; i.guard >= 0 && l < 32; ++l)
      if (bool(warp.at(i.guard, l)) == i.negated)
        active &= ~(1u << l);
    ++report.warpInstructions;
    report.threadInstructions += std::popcount(active);
    for (unsigned l = 0; l < 32; ++l)
      if (mask >> l & 1)
        warp.pc[l] = i.flow == Instruction::Branch && active >> l & 1 ? i.target
                                                                      : pc + 1;
    if ((i.flow == Instruction::Barrier || i.flow == Instruction::Aligned) &&
        active != warp.live)
      return block.fail(warp, std::countr_zero(warp.live & ~active),
                        "does not execute what all lanes of the warp must");
    if (i.flow == Instruction::Aligned && active != ~0u)
      return block.fail(warp, std::countr_one(active),
                        "has ended; the instruction needs a whole warp");
    if (i.flow == Instruction::Exit) {
      warp.live &= ~active;
    } else if (i.flow == Instruction::Barrier) {
      warp.atBarrier = true;
      return;
    } else if (i.execute && active) {
      i.execute(warp, active);
    }
  }
}

static void run(Block &block, Report &report) {
  for (bool live = true; live && block.error.empty();) {
    live = false;
    for (size_t n = block.warps.size(), i = 0; i < n; ++i) {
      Warp &warp = block.warps[block.schedule.reverse ? n - 1 - i : i];
      run(block, warp, report);
      live |= warp.live != 0;
    }
    ++block.epoch; // every live warp stands at the barrier
  }
}

Report moec::ptx::launch(Device &device, const Module &module,
                         std::string_view name, Dim3 grid, Dim3 size,
                         size_t dynamicSharedBytes,
                         std::span<const void *const> arguments,
                         const Schedule &schedule) {
  Report report;
  auto it = module.program->kernels.find(name);
  if (it == module.program->kernels.end()) {
    report.error = "no kernel " + std::string(name);
    return report;
  }
  const Kernel &kernel = it->second;
  uint64_t threads = uint64_t(size.x) * size.y * size.z;
  uint32_t most = kernel.syntax.maxThreads ? kernel.syntax.maxThreads : 1024;
  if (threads == 0 || threads > most)
    report.error = std::to_string(threads) +
                   " threads a block, expected 1 to " + std::to_string(most);
  else if (arguments.size() != kernel.syntax.parameters.size())
    report.error = std::to_string(arguments.size()) + " arguments, expected " +
                   std::to_string(kernel.syntax.parameters.size());
  else if (kernel.sharedBytes + dynamicSharedBytes > 227 << 10)
    report.error = "more than 227 KiB of shared memory";
  if (!report.error.empty())
    return report;
  std::vector<uint8_t> parameters(kernel.parameterBytes);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Variable &v = kernel.syntax.parameters[i];
    memcpy(&parameters[kernel.parameters.at(v.name)], arguments[i], v.bytes);
  }
  uint64_t blocks = uint64_t(grid.x) * grid.y * grid.z;
  for (uint64_t n = 0; n < blocks && report.error.empty(); ++n) {
    uint64_t b = schedule.reverse ? blocks - 1 - n : n;
    Dim3 index{uint32_t(b % grid.x), uint32_t(b / grid.x % grid.y),
               uint32_t(b / grid.x / grid.y)};
    Block block{device,     kernel, schedule, grid, size, index,
                parameters, {},     {},       1,    0,    {}};
    block.shared.resize(kernel.sharedBytes + dynamicSharedBytes);
    block.warps.resize((threads + 31) / 32);
    const std::vector<std::string> &names = kernel.syntax.registers;
    for (unsigned w = 0; w < block.warps.size(); ++w) {
      Warp &warp = block.warps[w];
      warp.block = &block;
      warp.index = w;
      uint64_t left = threads - 32 * w;
      warp.live = left >= 32 ? ~0u : (1u << left) - 1;
      warp.registers.assign(names.size() * 32, 0);
      for (size_t r = 0; r < names.size(); ++r)
        for (unsigned l = 0; l < 32; ++l)
          special(names[r], block, 32 * w + l, warp.at(r, l));
    }
    run(block, report);
    report.error = block.error;
  }
  return report;
}
