// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Machine.h"

#include <cstring>

using namespace moec::ptx;

void Block::fail(const Warp &warp, unsigned lane, const std::string &what) {
  if (!error.empty())
    return;
  auto triple = [](uint32_t x, uint32_t y, uint32_t z) {
    return "(" + std::to_string(x) + ", " + std::to_string(y) + ", " +
           std::to_string(z) + ")";
  };
  uint32_t t = warp.index * 32 + lane;
  error = kernel.syntax.name + ", line " + std::to_string(line) + ", block " +
          triple(index.x, index.y, index.z) + ", thread " +
          triple(t % size.x, t / size.x % size.y, t / size.x / size.y) + ": " +
          what;
}

bool Block::touchShared(Warp &warp, unsigned lane, uint64_t address,
                        unsigned bytes, bool writes) {
  std::string where = std::to_string(bytes) + " bytes at shared address " +
                      std::to_string(address);
  if (address > shared.size() || bytes > shared.size() - address) {
    fail(warp, lane,
         where + " are out of bounds: the block has " +
             std::to_string(shared.size()) + " bytes");
    return false;
  }
  int self = warp.index;
  for (unsigned i = 0; i < bytes; ++i) {
    SharedByte &b = shared[address + i];
    bool written = b.writeEpoch == epoch && b.writer != self;
    bool read = b.readEpoch == epoch && b.reader != self;
    if (b.inFlight)
      fail(warp, lane, where + " are used before cp.async has been waited for");
    else if (written)
      fail(warp, lane,
           "race: " + where + " were written by warp " +
               std::to_string(b.writer) + " since the last barrier");
    else if (writes && read)
      fail(warp, lane,
           "race: " + where +
               " were read by another warp since the last barrier");
    if (!error.empty())
      return false;
    if (writes) {
      b.writer = self;
      b.writeEpoch = epoch;
    } else {
      b.reader = b.readEpoch == epoch && b.reader != self ? -2 : self;
      b.readEpoch = epoch;
    }
  }
  return true;
}

void Block::land(Warp &warp, const Copy &copy, bool retire) {
  for (unsigned i = 0; i < copy.bytes; ++i) {
    SharedByte &b = shared[copy.to + i];
    b.value = copy.value[i];
    b.written = copy.written[i];
    if (retire) {
      b.inFlight = false;
      b.writer = warp.index;
      b.writeEpoch = epoch;
    }
  }
}

static bool aligned(uint64_t address, unsigned bytes) {
  return address % bytes == 0;
}

bool Block::read(Warp &warp, unsigned lane, const std::string &space,
                 uint64_t address, unsigned bytes, void *to) {
  if (space == "param") {
    if (address > parameters.size() || bytes > parameters.size() - address) {
      fail(warp, lane, "parameter read out of bounds");
      return false;
    }
    memcpy(to, &parameters[address], bytes);
    return true;
  }
  if (!aligned(address, bytes)) {
    fail(warp, lane,
         "misaligned read of " + std::to_string(bytes) + " bytes at " +
             std::to_string(address));
    return false;
  }
  if (space == "shared" || (space.empty() && address >= sharedWindow &&
                            address < 2 * sharedWindow)) {
    uint64_t at = space.empty() ? address - sharedWindow : address;
    if (!touchShared(warp, lane, at, bytes, false))
      return false;
    for (unsigned i = 0; i < bytes; ++i) {
      if (!shared[at + i].written) {
        fail(warp, lane,
             "read of shared address " + std::to_string(at + i) +
                 ", which was never written");
        return false;
      }
      static_cast<uint8_t *>(to)[i] = shared[at + i].value;
    }
    return true;
  }
  if (std::string what = device.read(address, to, bytes); !what.empty()) {
    fail(warp, lane, what);
    return false;
  }
  return true;
}

bool Block::write(Warp &warp, unsigned lane, const std::string &space,
                  uint64_t address, unsigned bytes, const void *from) {
  if (!aligned(address, bytes)) {
    fail(warp, lane,
         "misaligned write of " + std::to_string(bytes) + " bytes at " +
             std::to_string(address));
    return false;
  }
  if (space == "shared" || (space.empty() && address >= sharedWindow &&
                            address < 2 * sharedWindow)) {
    uint64_t at = space.empty() ? address - sharedWindow : address;
    if (!touchShared(warp, lane, at, bytes, true))
      return false;
    for (unsigned i = 0; i < bytes; ++i) {
      shared[at + i].value = static_cast<const uint8_t *>(from)[i];
      shared[at + i].written = true;
    }
    return true;
  }
  if (std::string what = device.write(address, from, bytes); !what.empty()) {
    fail(warp, lane, what);
    return false;
  }
  return true;
}
