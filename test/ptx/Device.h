// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The memory of a device: allocations with gaps between them, of which every
// byte is known to be written or not.

#ifndef MOEC_TEST_PTX_DEVICE_H
#define MOEC_TEST_PTX_DEVICE_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace moec::ptx {

/// `written` holds a byte for each byte: whether it was ever written.
struct Allocation {
  uint64_t base = 0;
  std::string name;
  std::vector<uint8_t> bytes, written;
};

class Device {
public:
  /// The address, a multiple of 256 but of no higher power of two. The bytes
  /// are poison (0xff) that counts as never written. `name` is for messages.
  uint64_t allocate(size_t bytes, std::string name = {});
  /// Puts bytes, all written, at an address below all of allocate(), unless
  /// something is there already. For variables of modules.
  void place(uint64_t address, std::vector<uint8_t> bytes, std::string name);
  /// Each returns an empty string or what is wrong.
  std::string release(uint64_t address);
  std::string write(uint64_t address, const void *from, size_t bytes);
  /// Fails where a byte was never written.
  std::string read(uint64_t address, void *to, size_t bytes) const;
  std::string fill(uint64_t address, int value, size_t bytes);
  std::string copy(uint64_t to, uint64_t from, size_t bytes);

  /// Bytes that allocate() holds now.
  size_t allocatedBytes() const { return held; }

  /// The allocation that holds all of these bytes, or null.
  Allocation *find(uint64_t address, size_t bytes) const {
    if (last && address >= last->base &&
        address - last->base <= last->bytes.size() &&
        bytes <= last->bytes.size() - (address - last->base))
      return last;
    return search(address, bytes);
  }
  /// Where an address is: "8 bytes past the end of x (4096 bytes at 0x...)".
  std::string describe(uint64_t address, size_t bytes) const;

private:
  Allocation *search(uint64_t address, size_t bytes) const;

  std::map<uint64_t, std::unique_ptr<Allocation>> table;
  mutable Allocation *last = nullptr;
  uint64_t next = uint64_t(1) << 33;
  size_t held = 0;
};

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_DEVICE_H
