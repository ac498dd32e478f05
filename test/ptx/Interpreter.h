// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Executes PTX without a GPU and reports what a GPU might only sometimes show:
// accesses out of bounds, misaligned or of bytes never written, races in shared
// memory, copies used before they have landed, divergent barriers.

#ifndef MOEC_TEST_PTX_INTERPRETER_H
#define MOEC_TEST_PTX_INTERPRETER_H

#include "test/ptx/Counters.h"
#include "test/ptx/Device.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moec::ptx {

struct Program;

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
};

/// The freedom that the machine has. A right kernel gives the same under all.
struct Schedule {
  /// Copies land when they are waited for, not when they are issued.
  bool lazyCopies = false;
  /// The last warp and the last block run first.
  bool reverse = false;
  /// Where it is not 0, warps and blocks run in an order that it draws.
  uint64_t seed = 0;
  /// wgmma reads and writes when it is waited for, not when it is issued.
  bool lazyWgmma = false;
};

struct Options {
  Schedule schedule;
  /// Fills Report::counters, which takes time.
  bool count = false;
  /// A kernel that takes more has an error: it is taken not to end.
  uint64_t maxWarpInstructions = uint64_t(1) << 28;

  Options(const Schedule &schedule = {}) : schedule(schedule) {}
};

/// A parsed and decoded module.
class Module {
public:
  /// Null and `error` set ("line 12: ...") where the text is not PTX that the
  /// interpreter knows; an unknown instruction or modifier is an error.
  static std::unique_ptr<Module> parse(std::string_view text,
                                       std::string &error);
  ~Module();
  std::vector<std::string> kernels() const;
  /// The bytes of each parameter; empty where there is no such kernel.
  std::vector<size_t> parameterBytes(std::string_view kernel) const;
  /// As the text says after .target, for example "sm_90a".
  const std::string &target() const;

private:
  friend struct Report launch(Device &, const Module &, std::string_view, Dim3,
                              Dim3, size_t, std::span<const void *const>,
                              const Options &);
  Module();
  std::unique_ptr<Program> program;
};

/// How a launch ended. `error` names the kernel, the line, block, thread,
/// address and what was expected.
struct Report {
  std::string error;
  /// Zero but for the instructions of warps and threads unless asked for.
  Counters counters;
};

/// Runs a kernel to its end, `arguments` being one pointer a parameter. The
/// first check that fails ends the launch. Blocks run one after the other.
Report launch(Device &device, const Module &module, std::string_view kernel,
              Dim3 grid, Dim3 block, size_t dynamicSharedBytes,
              std::span<const void *const> arguments,
              const Options &options = {});

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_INTERPRETER_H
