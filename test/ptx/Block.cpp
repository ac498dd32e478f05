// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checked accesses to memory. Races in shared memory are found by the clocks of
// warps, not by the order in which the interpreter happens to run them.

#include "test/ptx/Machine.h"

#include <algorithm>
#include <cstring>

using namespace moec::ptx;

void moec::ptx::join(Clocks &clocks, const Clocks &other) {
  for (size_t i = 0; i < clocks.size(); ++i)
    clocks[i] = std::max(clocks[i], other[i]);
}

bool moec::ptx::parseSpace(const std::string &word, Space &space) {
  static const std::map<std::string, Space> names = {
      {"global", Space::Global},      {"const", Space::Const},
      {"shared", Space::Shared},      {"shared::cta", Space::Shared},
      {"local", Space::Local},        {"param", Space::Param},
      {"param::entry", Space::Param}, {"param::func", Space::Param},
  };
  auto it = names.find(word);
  if (it != names.end())
    space = it->second;
  return it != names.end();
}

Space moec::ptx::spaceOf(uint64_t &address) {
  for (auto [window, space] : {std::pair(sharedWindow, Space::Shared),
                               std::pair(localWindow, Space::Local),
                               std::pair(parameterWindow, Space::Param)})
    if (address >> 24 == window >> 24) {
      address -= window;
      return space;
    }
  return Space::Global;
}

void Block::fail(const Warp &warp, unsigned lane, const std::string &what) {
  if (!error.empty())
    return;
  auto triple = [](uint32_t x, uint32_t y, uint32_t z) {
    return "(" + std::to_string(x) + ", " + std::to_string(y) + ", " +
           std::to_string(z) + ")";
  };
  uint32_t t = warp.index * 32 + lane;
  Dim3 size = launch.size;
  error = launch.kernel.syntax.name + ", line " + std::to_string(line) +
          ", block " + triple(index.x, index.y, index.z) + ", thread " +
          triple(t % size.x, t / size.x % size.y, t / size.x / size.y) + ": " +
          what;
}

bool Block::touchShared(Warp &warp, unsigned lane, uint64_t address,
                        unsigned bytes, Access access) {
  auto bad = [&](const std::string &what) {
    fail(warp, lane,
         std::to_string(bytes) + " bytes at shared address " +
             std::to_string(address) + what);
    return false;
  };
  if (address > shared.size() || bytes > shared.size() - address)
    return bad(" are out of bounds: the block has " +
               std::to_string(shared.size()) + " bytes");
  unsigned self = warp.index, count = warps.size();
  for (uint64_t at = address; at < address + bytes; ++at) {
    SharedByte &b = shared[at];
    if (b.inFlight)
      return bad(" are used before cp.async has been waited for");
    auto follows = [&](uint8_t writer, uint32_t clock) {
      return writer == self || clock <= warp.clocks[writer];
    };
    bool isAtomic = access == Access::Atomic;
    if (!follows(b.writer, b.clock) ||
        (!isAtomic && !follows(b.atomicWriter, b.atomicClock))) {
      unsigned w = follows(b.writer, b.clock) ? b.atomicWriter : b.writer;
      return bad(
          ", a race: they were written by " +
          (w < 32 ? "warp " + std::to_string(w) : std::string("a bulk copy")) +
          " and no barrier has come between");
    }
    uint32_t *readers = &this->readers[at * count];
    if (access == Access::Read) {
      readers[self] = warp.clocks[self];
      continue;
    }
    for (unsigned w = 0; w < count; ++w)
      if (w != self && readers[w] > warp.clocks[w])
        return bad(", a race: they were read by another warp, " +
                   std::to_string(w) + ", and no barrier has come between");
    (isAtomic ? b.atomicWriter : b.writer) = self;
    (isAtomic ? b.atomicClock : b.clock) = warp.clocks[self];
  }
  return true;
}

void Block::land(const Copy &copy) {
  for (unsigned i = 0; i < copy.bytes; ++i) {
    SharedByte &b = shared[copy.to + i];
    b.value = copy.value[i];
    b.written = copy.written[i];
  }
}

void Block::retire(Warp &warp, const Copy &copy) {
  for (unsigned i = 0; i < copy.bytes; ++i) {
    SharedByte &b = shared[copy.to + i];
    b.inFlight = false;
    b.writer = warp.index;
    b.clock = warp.clocks[warp.index];
  }
}

bool Block::read(Warp &warp, unsigned lane, Space space, uint64_t address,
                 unsigned bytes, void *to, Access access) {
  auto bad = [&](const std::string &what) {
    fail(warp, lane, what);
    return false;
  };
  if (address % bytes)
    return bad("misaligned read of " + std::to_string(bytes) + " bytes at " +
               std::to_string(address));
  if (space == Space::Generic)
    space = spaceOf(address);
  if (space == Space::Param) {
    const std::vector<uint8_t> &from = launch.parameters;
    if (address > from.size() || bytes > from.size() - address)
      return bad("parameter read out of bounds");
    memcpy(to, &from[address], bytes);
  } else if (space == Space::Shared) {
    if (!touchShared(warp, lane, address, bytes, access))
      return false;
    for (unsigned i = 0; i < bytes; ++i) {
      if (!shared[address + i].written)
        return bad("read of shared address " + std::to_string(address + i) +
                   ", which was never written");
      static_cast<uint8_t *>(to)[i] = shared[address + i].value;
    }
  } else if (space == Space::Local) {
    size_t size = launch.kernel.localBytes;
    if (address > size || bytes > size - address)
      return bad("read of local memory out of bounds");
    for (unsigned i = 0; i < bytes; ++i) {
      const LocalByte &b = warp.local[lane * size + address + i];
      if (!b.written)
        return bad("read of local address " + std::to_string(address + i) +
                   ", which was never written");
      static_cast<uint8_t *>(to)[i] = b.value;
    }
  } else if (std::string what = launch.device.read(address, to, bytes);
             !what.empty()) {
    return bad(what);
  }
  return true;
}

bool Block::write(Warp &warp, unsigned lane, Space space, uint64_t address,
                  unsigned bytes, const void *from, Access access) {
  auto bad = [&](const std::string &what) {
    fail(warp, lane, what);
    return false;
  };
  if (address % bytes)
    return bad("misaligned write of " + std::to_string(bytes) + " bytes at " +
               std::to_string(address));
  if (space == Space::Generic)
    space = spaceOf(address);
  if (space == Space::Param || space == Space::Const)
    return bad("write to what is constant");
  if (space == Space::Shared) {
    if (!touchShared(warp, lane, address, bytes, access))
      return false;
    for (unsigned i = 0; i < bytes; ++i) {
      shared[address + i].value = static_cast<const uint8_t *>(from)[i];
      shared[address + i].written = true;
    }
  } else if (space == Space::Local) {
    size_t size = launch.kernel.localBytes;
    if (address > size || bytes > size - address)
      return bad("write of local memory out of bounds");
    for (unsigned i = 0; i < bytes; ++i)
      warp.local[lane * size + address + i] = {
          static_cast<const uint8_t *>(from)[i], true};
  } else if (std::string what = launch.device.write(address, from, bytes);
             !what.empty()) {
    return bad(what);
  }
  return true;
}
