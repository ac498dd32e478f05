// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Interpreter.h"

#include "test/ptx/Machine.h"

#include <algorithm>
#include <cstring>
#include <numeric>

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
  error = inlineCalls(syntax);
  if (error.empty())
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

const std::string &Module::target() const { return program->target; }

/// The value of a special register; 0 for any other, and in clusters of one.
static uint64_t special(const std::string &name, const Block &block,
                        uint32_t thread) {
  Dim3 s = block.launch.size, g = block.launch.grid, i = block.index;
  size_t dot = name.find('.');
  if (dot != name.npos) {
    std::string root = name.substr(0, dot);
    Dim3 v = root == "%tid"
                 ? Dim3{thread % s.x, thread / s.x % s.y, thread / s.x / s.y}
             : root == "%ntid"                            ? s
             : root == "%ctaid" || root == "%clusterid"   ? i
             : root == "%nctaid" || root == "%nclusterid" ? g
             : root == "%cluster_nctaid"                  ? Dim3{1, 1, 1}
                                                          : Dim3{0, 0, 0};
    return name.back() == 'x' ? v.x : name.back() == 'y' ? v.y : v.z;
  }
  uint32_t lane = thread % 32, below = (1u << lane) - 1;
  const std::map<std::string, uint32_t> values = {
      {"%laneid", lane},
      {"%warpid", thread / 32},
      {"%nwarpid", uint32_t(block.warps.size())},
      {"%lanemask_eq", 1u << lane},
      {"%lanemask_lt", below},
      {"%lanemask_le", below | 1u << lane},
      {"%lanemask_gt", ~(below | 1u << lane)},
      {"%lanemask_ge", ~below},
      {"%dynamic_smem_size", uint32_t(block.launch.dynamicSharedBytes)},
      {"%total_smem_size", uint32_t(block.shared.size())},
      {"%cluster_nctarank", 1}};
  auto it = values.find(name);
  return it == values.end() ? 0 : it->second;
}

static void begin(Block &block) {
  const Launch &launch = block.launch;
  const Kernel &kernel = launch.kernel;
  uint64_t threads = uint64_t(launch.size.x) * launch.size.y * launch.size.z;
  block.shared.resize(kernel.sharedBytes + launch.dynamicSharedBytes);
  block.warps.resize((threads + 31) / 32);
  block.readers.resize(block.shared.size() * block.warps.size());
  const std::vector<std::string> &names = kernel.syntax.registers;
  for (unsigned w = 0; w < block.warps.size(); ++w) {
    Warp &warp = block.warps[w];
    warp.block = &block;
    warp.index = w;
    warp.clocks[w] = 1;
    uint64_t left = threads - 32 * w;
    warp.live = left >= 32 ? ~0u : (1u << left) - 1;
    warp.registers.assign(names.size() * 32, 0);
    warp.local.resize(32 * kernel.localBytes);
    if (kernel.usesWgmma)
      warp.unfenced.assign(names.size(), 1);
    for (int r : kernel.specialRegisters)
      for (unsigned l = 0; l < 32; ++l)
        warp.at(r, l) = special(names[r], block, 32 * w + l);
  }
}

/// What is wrong with a launch, or nothing.
static std::string check(const Kernel &kernel, Dim3 size, size_t dynamicBytes,
                         size_t arguments) {
  uint64_t threads = uint64_t(size.x) * size.y * size.z;
  const Function &f = kernel.syntax;
  uint32_t most = f.maxThreads ? f.maxThreads : 1024;
  if (threads == 0 || threads > most)
    return std::to_string(threads) + " threads a block, expected 1 to " +
           std::to_string(most);
  if (f.exactThreads && threads != f.exactThreads)
    return std::to_string(threads) + " threads a block, expected " +
           std::to_string(f.exactThreads);
  if (arguments != f.parameters.size())
    return std::to_string(arguments) + " arguments, expected " +
           std::to_string(f.parameters.size());
  if (kernel.sharedBytes + dynamicBytes > 227 << 10)
    return "more than 227 KiB of shared memory";
  return {};
}

Report moec::ptx::launch(Device &device, const Module &module,
                         std::string_view name, Dim3 grid, Dim3 size,
                         size_t dynamicSharedBytes,
                         std::span<const void *const> arguments,
                         const Options &options) {
  Report report;
  auto it = module.program->kernels.find(name);
  if (it == module.program->kernels.end()) {
    report.error = "no kernel " + std::string(name);
    return report;
  }
  const Kernel &kernel = it->second;
  report.error = check(kernel, size, dynamicSharedBytes, arguments.size());
  if (!report.error.empty())
    return report;
  for (const Static &s : module.program->statics) {
    std::vector<uint8_t> bytes = s.variable.initial;
    bytes.resize(s.variable.bytes);
    device.place(s.address, std::move(bytes), s.variable.name);
  }
  Launch launch{device,
                kernel,
                options,
                grid,
                size,
                dynamicSharedBytes,
                std::vector<uint8_t>(kernel.parameterBytes)};
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Variable &v = kernel.syntax.parameters[i];
    memcpy(&launch.parameters[kernel.symbols.at(v.name)], arguments[i],
           v.bytes);
  }
  std::vector<uint64_t> order(uint64_t(grid.x) * grid.y * grid.z);
  std::iota(order.begin(), order.end(), 0);
  launch.random.seed(options.schedule.seed);
  if (options.schedule.seed)
    std::shuffle(order.begin(), order.end(), launch.random);
  if (options.schedule.reverse)
    std::reverse(order.begin(), order.end());
  for (uint64_t b : order) {
    Block block{launch,
                Dim3{uint32_t(b % grid.x), uint32_t(b / grid.x % grid.y),
                     uint32_t(b / grid.x / grid.y)}};
    begin(block);
    run(block);
    report.error = block.error;
    if (!report.error.empty())
      break;
  }
  report.counters = std::move(launch.counters);
  return report;
}
