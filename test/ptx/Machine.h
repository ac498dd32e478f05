// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block in execution and the decoded instructions that act on its warps.

#ifndef MOEC_TEST_PTX_MACHINE_H
#define MOEC_TEST_PTX_MACHINE_H

#include "test/ptx/Interpreter.h"
#include "test/ptx/Syntax.h"

#include <array>
#include <functional>
#include <random>

namespace moec::ptx {

struct Block;

enum class Space { Generic, Global, Const, Shared, Local, Param };
enum class Access { Read, Write, Atomic };

/// What has happened before, by agent: warps 0 to 31, and bulk copies by the
/// mbarrier that they complete on, 32 to 63.
using Clocks = std::array<uint32_t, 64>;
void join(Clocks &clocks, const Clocks &other);

/// A cp.async that its thread has not waited for.
struct Copy {
  unsigned lane = 0, group = 0;
  uint32_t to = 0;
  std::array<uint8_t, 16> value{}, written{};
  uint32_t bytes = 0;
};

/// A wgmma that its warp has not waited for.
struct Multiplication {
  unsigned group = 0;
  /// Null once it has run.
  std::function<void()> run;
  std::vector<int> registers;
};

/// A bulk copy under way: its bytes land at an mbarrier.
struct BulkCopy {
  uint64_t barrier = 0;
  unsigned agent = 0;
  uint32_t clock = 0;
  /// Where each byte goes, its value and whether it was written.
  std::vector<uint32_t> to;
  std::vector<uint8_t> value, written;
};

struct Mbarrier {
  uint32_t expected = 0, pending = 0;
  int64_t bytes = 0;
  uint64_t phase = 0;
  /// The agent of the copies that complete on it.
  unsigned agent = 0;
  uint32_t agentClock = 0;
  /// Of those who arrived, and of those who had when a phase was completed.
  Clocks clocks{}, fenced{}, doneClocks{}, doneFenced{};
};

struct LocalByte {
  uint8_t value = 0xff;
  bool written = false;
};

struct Warp {
  Block *block = nullptr;
  unsigned index = 0;
  /// 32 lanes a register; a predicate is 0 or 1.
  std::vector<uint64_t> registers;
  std::array<uint32_t, 32> pc{};
  uint32_t live = 0;
  /// The named barrier that it waits at, or -1.
  int barrier = -1;
  /// Lets the other warps run.
  bool yields = false;
  std::vector<Copy> copies;
  std::array<unsigned, 32> groups{};
  /// Each lane's local memory, one after the other.
  std::vector<LocalByte> local;
  /// `fenced`: what fence.proxy.async has made visible to copies and wgmma.
  Clocks clocks{}, fenced{};
  std::vector<Multiplication> multiplications;
  unsigned multiplicationGroup = 0;
  /// Registers written since wgmma.fence; empty in kernels without wgmma.
  std::vector<uint8_t> unfenced;

  uint64_t &at(int reg, unsigned lane) { return registers[reg * 32 + lane]; }
};

/// `mask`: the lanes that execute, at least one.
using Execute = std::function<void(Warp &, uint32_t mask)>;

struct Instruction {
  enum Flow { Next, Branch, Exit };
  Flow flow = Next;
  Execute execute;
  /// All lanes of the warp must execute it together.
  bool aligned = false, wholeWarp = false;
  /// Lanes may come to it one after the other; they wait for all.
  bool joinsLanes = false;
  int guard = -1;
  bool negated = false;
  unsigned line = 0;
  std::vector<size_t> targets;
  /// Of a branch with several targets: which.
  Operand selector;
  std::string opcode;
  bool isWgmma = false;
  /// Every register that it names, and those that it writes.
  std::vector<int> registers, destinations;
};

struct Kernel {
  Function syntax;
  std::vector<Instruction> code;
  /// The address of each variable and parameter within its space.
  std::map<std::string, uint64_t> symbols;
  std::vector<int> specialRegisters;
  bool usesWgmma = false;
  size_t parameterBytes = 0, sharedBytes = 0, localBytes = 0;
};

/// A variable of .global or .const, which a launch puts on the device.
struct Static {
  Variable variable;
  uint64_t address = 0;
};

struct Program {
  std::string target;
  std::map<std::string, Kernel, std::less<>> kernels;
  std::vector<Static> statics;
};

/// A byte of shared memory and who wrote it last, plainly and by an atomic.
struct SharedByte {
  uint8_t value = 0xff;
  bool written = false, inFlight = false;
  uint8_t writer = 0, atomicWriter = 0;
  uint32_t clock = 0, atomicClock = 0;
};

/// One of the 16 barriers of a block.
struct Barrier {
  /// Threads that have arrived, and that the first of them asked for; 0 where
  /// all live warps must arrive.
  unsigned arrived = 0, expected = 0;
  Clocks clocks{}, fenced{};
  /// Of bar.red: threads with a true operand, and each warp's way to take the
  /// result.
  unsigned votes = 0;
  std::vector<std::function<void(const Barrier &)>> waiting;
};

/// Which bytes of an allocation a launch has read and written.
struct Touched {
  std::vector<bool> read, written;
};

/// What the blocks of a launch have in common.
struct Launch {
  Device &device;
  const Kernel &kernel;
  const Options &options;
  Dim3 grid, size;
  size_t dynamicSharedBytes = 0;
  std::vector<uint8_t> parameters;
  Counters counters{};
  std::map<const Allocation *, Touched> touched{};
  std::mt19937_64 random{};
};

struct Block {
  Launch &launch;
  Dim3 index;
  std::vector<SharedByte> shared{};
  /// The clock of each warp's last read, by byte and warp.
  std::vector<uint32_t> readers{};
  std::vector<Warp> warps{};
  std::array<Barrier, 16> barriers{};
  /// By address in shared memory.
  std::map<uint64_t, Mbarrier> mbarriers{};
  std::vector<BulkCopy> bulkCopies{};
  /// Waits at mbarriers that were in vain since anything happened to one.
  uint64_t vainWaits = 0;
  unsigned line = 0;
  std::string error{};

  void fail(const Warp &warp, unsigned lane, const std::string &what);
  /// Each returns false after fail(). An atomic access does not race with
  /// another.
  bool read(Warp &warp, unsigned lane, Space space, uint64_t address,
            unsigned bytes, void *to, Access access = Access::Read);
  bool write(Warp &warp, unsigned lane, Space space, uint64_t address,
             unsigned bytes, const void *from, Access access = Access::Write);
  bool touchShared(Warp &warp, unsigned lane, uint64_t address, unsigned bytes,
                   Access access);
  /// Arrives, adds bytes, and ends the phase where nothing is missing.
  void progress(Mbarrier &barrier, uint32_t arrivals, int64_t bytes);
  /// Lands the oldest bulk copy to an mbarrier; false where there is none.
  bool landBulk(uint64_t barrier);
  /// Puts the bytes of a copy where they go.
  void land(const Copy &copy);
  /// From here on the bytes count as written by the warp.
  void retire(Warp &warp, const Copy &copy);
  /// Lets the warps go on whose barriers nobody is missing from. Returns
  /// whether there was one.
  bool releaseBarriers();
};

/// Generic addresses of shared memory, local memory and parameters.
inline constexpr uint64_t sharedWindow = uint64_t(1) << 24,
                          localWindow = uint64_t(2) << 24,
                          parameterWindow = uint64_t(3) << 24;
/// Turns a generic address into one of its space.
Space spaceOf(uint64_t &address);
/// False where `word` ("global", "shared::cta") names no space.
bool parseSpace(const std::string &word, Space &space);

/// A register, number or address; addresses in 32-bit registers wrap.
inline uint64_t operandValue(Warp &warp, const Operand &o, unsigned lane) {
  if (o.reg < 0)
    return uint64_t(o.value);
  uint64_t v = warp.at(o.reg, lane);
  if (o.kind == Operand::Address)
    return o.bits == 32 ? uint32_t(v + o.value) : v + o.value;
  return o.negated ? !v : v;
}

/// The access of a warp: `addresses` of the lanes in `mask`, `bytes` each.
void countAccess(Launch &launch, Space space, uint32_t mask,
                 const uint64_t *addresses, unsigned bytes, bool writes);

/// "ld.global.f32" from the word `begin` on.
std::string spelled(const Statement &statement, size_t begin = 0);

/// Returns an empty string or "line 7: unknown instruction ...".
std::string decode(const Syntax &syntax, Program &program);
/// Each returns null for what it does not know.
Execute decodeMemory(const Statement &statement);
Execute decodeAtomic(const Statement &statement);
Execute decodeAddress(const Statement &statement);
Execute decodeCopy(const Statement &statement);
Execute decodeCollective(const Statement &statement);
Execute decodeBarrier(const Statement &statement);
Execute decodeMatrix(const Statement &statement);
Execute decodeMma(const Statement &statement);
Execute decodeWgmma(const Statement &statement);
Execute decodeMbarrier(const Statement &statement);
Execute decodeBulk(const Statement &statement);
/// The bits 4 to 6 of an address change with the bits 7 to 9: `span` is 32, 64
/// or 128 bytes, or 16 for no swizzle.
uint64_t swizzle(uint64_t address, unsigned span);

/// Runs the warps of a block to their end.
void run(Block &block);

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_MACHINE_H
