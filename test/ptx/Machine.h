// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block in execution and the decoded instructions that act on its warps.

#ifndef MOEC_TEST_PTX_MACHINE_H
#define MOEC_TEST_PTX_MACHINE_H

#include "test/ptx/Interpreter.h"
#include "test/ptx/Syntax.h"

#include <array>
#include <functional>

namespace moec::ptx {

struct Block;

struct Copy {
  unsigned lane = 0, group = 0;
  uint32_t to = 0;
  std::array<uint8_t, 16> value{}, written{};
  uint32_t bytes = 0;
};

struct Warp {
  Block *block = nullptr;
  unsigned index = 0;
  /// 32 lanes a register; a predicate is 0 or 1.
  std::vector<uint64_t> registers;
  std::array<uint32_t, 32> pc{};
  uint32_t live = 0;
  bool atBarrier = false;
  std::vector<Copy> copies;
  std::array<unsigned, 32> groups{};

  uint64_t &at(int reg, unsigned lane) { return registers[reg * 32 + lane]; }
};

/// `mask`: the lanes that execute.
using Execute = std::function<void(Warp &, uint32_t mask)>;

struct Instruction {
  enum Flow { Next, Branch, Exit, Barrier, Aligned };
  Flow flow = Next;
  Execute execute;
  int guard = -1;
  bool negated = false;
  unsigned line = 0;
  uint32_t target = 0;
};

struct Kernel {
  Function syntax;
  std::vector<Instruction> code;
  std::map<std::string, size_t> parameters, shared;
  size_t parameterBytes = 0, sharedBytes = 0;
};

struct Program {
  std::map<std::string, Kernel, std::less<>> kernels;
};

/// A byte of shared memory: who touched it since which barrier.
struct SharedByte {
  uint8_t value = 0xff;
  bool written = false, inFlight = false;
  int16_t writer = -1, reader = -1; ///< warps; -2: several
  uint32_t writeEpoch = 0, readEpoch = 0;
};

struct Block {
  Device &device;
  const Kernel &kernel;
  Schedule schedule;
  Dim3 grid, size, index;
  std::vector<uint8_t> parameters;
  std::vector<SharedByte> shared;
  std::vector<Warp> warps;
  uint32_t epoch = 1;
  unsigned line = 0;
  std::string error;

  void fail(const Warp &warp, unsigned lane, const std::string &what);
  /// Both return false after fail().
  bool read(Warp &warp, unsigned lane, const std::string &space,
            uint64_t address, unsigned bytes, void *to);
  bool write(Warp &warp, unsigned lane, const std::string &space,
             uint64_t address, unsigned bytes, const void *from);
  bool touchShared(Warp &warp, unsigned lane, uint64_t address, unsigned bytes,
                   bool writes);
  void land(Warp &warp, const Copy &copy, bool retire);
};

/// Generic addresses of shared memory begin here.
inline constexpr uint64_t sharedWindow = uint64_t(1) << 24;

/// Returns an empty string or "line 7: unknown instruction ...".
std::string decode(const Syntax &syntax, Program &program);
/// Decodes arithmetic, comparison and conversion; null for anything else.
Execute decodeArithmetic(const Statement &statement);
float halfToFloat(uint16_t bits, bool bfloat);
uint16_t floatToHalf(float value, bool bfloat);

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_MACHINE_H
