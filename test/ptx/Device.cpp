// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Device.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

using namespace moec::ptx;

/// Unmapped bytes between allocations: an index that is off by a row or two
/// must not reach the neighbour.
static constexpr uint64_t gap = 64 << 10;

static std::string hex(uint64_t value) {
  char text[32];
  snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
  return text;
}

uint64_t Device::allocate(size_t bytes, std::string name) {
  auto allocation = std::make_unique<Allocation>();
  // An odd multiple of 256, so that code which needs more than the driver
  // promises is seen to.
  uint64_t base = ((next + 511) & ~uint64_t(511)) + 256;
  allocation->base = base;
  allocation->name = name.empty() ? "allocation " + hex(base) : std::move(name);
  allocation->bytes.assign(bytes, 0xff);
  allocation->written.assign(bytes, 0);
  next = base + bytes + gap;
  held += bytes;
  table.emplace(base, std::move(allocation));
  return base;
}

void Device::place(uint64_t address, std::vector<uint8_t> bytes,
                   std::string name) {
  std::unique_ptr<Allocation> &allocation = table[address];
  if (allocation)
    return;
  allocation = std::make_unique<Allocation>();
  allocation->base = address;
  allocation->name = std::move(name);
  allocation->written.assign(bytes.size(), 1);
  allocation->bytes = std::move(bytes);
}

std::string Device::release(uint64_t address) {
  auto it = table.find(address);
  if (it == table.end())
    return "no allocation begins at " + hex(address);
  held -= it->second->bytes.size();
  last = nullptr;
  table.erase(it);
  return {};
}

Allocation *Device::search(uint64_t address, size_t bytes) const {
  auto it = table.upper_bound(address);
  if (it == table.begin())
    return nullptr;
  Allocation *found = std::prev(it)->second.get();
  uint64_t offset = address - found->base;
  if (offset > found->bytes.size() || bytes > found->bytes.size() - offset)
    return nullptr;
  return last = found;
}

std::string Device::describe(uint64_t address, size_t bytes) const {
  std::string text = std::to_string(bytes) + " bytes at " + hex(address);
  auto it = table.upper_bound(address);
  if (it == table.begin())
    return text + ", below every allocation";
  const Allocation &before = *std::prev(it)->second;
  uint64_t size = before.bytes.size(), offset = address - before.base;
  std::string place = before.name + " (" + std::to_string(size) + " bytes at " +
                      hex(before.base) + ")";
  if (offset < size)
    return text + ", at offset " + std::to_string(offset) + " of " + place;
  return text + ", " + std::to_string(offset - size) + " past the end of " +
         place;
}

std::string Device::write(uint64_t address, const void *from, size_t bytes) {
  Allocation *to = find(address, bytes);
  if (!to)
    return "write out of bounds: " + describe(address, bytes);
  if (bytes == 0)
    return {};
  memcpy(&to->bytes[address - to->base], from, bytes);
  memset(&to->written[address - to->base], 1, bytes);
  return {};
}

std::string Device::read(uint64_t address, void *to, size_t bytes) const {
  const Allocation *from = find(address, bytes);
  if (!from)
    return "read out of bounds: " + describe(address, bytes);
  if (bytes == 0)
    return {};
  auto first = from->written.begin() + (address - from->base);
  auto hole = std::find(first, first + bytes, 0);
  if (hole != first + bytes)
    return "read of a byte that was never written: " +
           describe(address + (hole - first), 1);
  memcpy(to, &from->bytes[address - from->base], bytes);
  return {};
}

std::string Device::fill(uint64_t address, int value, size_t bytes) {
  if (!find(address, bytes))
    return "write out of bounds: " + describe(address, bytes);
  return write(address, std::vector<uint8_t>(bytes, value).data(), bytes);
}

std::string Device::copy(uint64_t to, uint64_t from, size_t bytes) {
  if (!find(from, bytes))
    return "read out of bounds: " + describe(from, bytes);
  std::vector<uint8_t> buffer(bytes);
  std::string error = read(from, buffer.data(), bytes);
  return error.empty() ? write(to, buffer.data(), bytes) : error;
}
