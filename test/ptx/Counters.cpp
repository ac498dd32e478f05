// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/Counters.h"

#include "test/ptx/Machine.h"

#include <algorithm>

using namespace moec::ptx;

static uint64_t sum(const std::map<std::string, Counters::Buffer> &buffers,
                    uint64_t Counters::Buffer::*field) {
  uint64_t total = 0;
  for (const auto &[name, buffer] : buffers)
    total += buffer.*field;
  return total;
}
uint64_t Counters::readBytes() const {
  return sum(buffers, &Buffer::readBytes);
}
uint64_t Counters::writtenBytes() const {
  return sum(buffers, &Buffer::writtenBytes);
}
uint64_t Counters::uniqueReadBytes() const {
  return sum(buffers, &Buffer::uniqueReadBytes);
}
uint64_t Counters::uniqueWrittenBytes() const {
  return sum(buffers, &Buffer::uniqueWrittenBytes);
}

namespace {
struct Field {
  const char *name;
  uint64_t Counters::*member;
};
} // namespace
static const Field fields[] = {
    {"warp_instructions", &Counters::warpInstructions},
    {"thread_instructions", &Counters::threadInstructions},
    {"global_requests", &Counters::globalRequests},
    {"global_sectors", &Counters::globalSectors},
    {"ideal_sectors", &Counters::idealSectors},
    {"shared_read_bytes", &Counters::sharedReadBytes},
    {"shared_written_bytes", &Counters::sharedWrittenBytes},
    {"shared_wavefronts", &Counters::sharedWavefronts},
    {"ideal_wavefronts", &Counters::idealWavefronts},
    {"tensor_operations", &Counters::tensorOperations},
    {"barriers", &Counters::barriers},
};

void Counters::add(const Counters &other) {
  for (const Field &field : fields)
    this->*field.member += other.*field.member;
  for (const auto &[name, count] : other.opcodes)
    opcodes[name] += count;
  for (const auto &[name, b] : other.buffers) {
    Buffer &to = buffers[name];
    to.readBytes += b.readBytes;
    to.writtenBytes += b.writtenBytes;
    to.uniqueReadBytes += b.uniqueReadBytes;
    to.uniqueWrittenBytes += b.uniqueWrittenBytes;
  }
}

std::string Counters::json() const {
  std::string text = "{";
  auto put = [&](const std::string &name, uint64_t value) {
    text += (text.back() == '{' ? "\"" : ", \"") + name +
            "\": " + std::to_string(value);
  };
  for (const Field &field : fields)
    put(field.name, this->*field.member);
  put("read_bytes", readBytes());
  put("written_bytes", writtenBytes());
  put("unique_read_bytes", uniqueReadBytes());
  put("unique_written_bytes", uniqueWrittenBytes());
  text += ", \"opcodes\": {";
  for (const auto &[name, count] : opcodes)
    put(name, count);
  text += "}, \"buffers\": {";
  for (const auto &[name, b] : buffers) {
    std::string quoted;
    for (char c : name)
      quoted +=
          c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    text += (text.back() == '{' ? "\"" : ", \"") + quoted + "\": {";
    put("read_bytes", b.readBytes);
    put("written_bytes", b.writtenBytes);
    put("unique_read_bytes", b.uniqueReadBytes);
    put("unique_written_bytes", b.uniqueWrittenBytes);
    text += "}";
  }
  return text + "}}";
}

static void countGlobal(Launch &launch, std::vector<uint64_t> addresses,
                        unsigned bytes, bool writes) {
  Counters &counters = launch.counters;
  for (uint64_t address : addresses) {
    const Allocation *a = launch.device.find(address, bytes);
    if (!a)
      continue;
    Counters::Buffer &buffer = counters.buffers[a->name];
    Touched &touched = launch.touched[a];
    std::vector<bool> &seen = writes ? touched.written : touched.read;
    seen.resize(a->bytes.size());
    (writes ? buffer.writtenBytes : buffer.readBytes) += bytes;
    for (uint64_t i = address - a->base; i < address - a->base + bytes; ++i)
      if (!seen[i]) {
        seen[i] = true;
        ++(writes ? buffer.uniqueWrittenBytes : buffer.uniqueReadBytes);
      }
  }
  std::sort(addresses.begin(), addresses.end());
  uint64_t sectors = 0, distinct = 0, nextSector = 0, nextByte = 0;
  for (uint64_t address : addresses) {
    uint64_t first = std::max(address / 32, nextSector);
    uint64_t end = (address + bytes + 31) / 32;
    sectors += end > first ? end - first : 0;
    nextSector = std::max(nextSector, end);
    uint64_t begin = std::max(address, nextByte);
    distinct += address + bytes > begin ? address + bytes - begin : 0;
    nextByte = std::max(nextByte, address + bytes);
  }
  ++counters.globalRequests;
  counters.globalSectors += sectors;
  counters.idealSectors += (distinct + 31) / 32;
}

/// 128 bytes a pass: 32, 16 or 8 lanes by the width of the access. In a pass,
/// a bank gives one word to all that ask for it.
static void countShared(Counters &counters, uint32_t mask,
                        const uint64_t *addresses, unsigned bytes) {
  unsigned lanes = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8;
  for (unsigned begin = 0; begin < 32; begin += lanes) {
    std::vector<uint64_t> words;
    for (unsigned l = begin; l < begin + lanes; ++l)
      for (unsigned i = 0; mask >> l & 1 && i < std::max(bytes / 4, 1u); ++i)
        words.push_back(addresses[l] / 4 + i);
    if (words.empty())
      continue;
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    unsigned banks[32] = {};
    for (uint64_t word : words)
      ++banks[word % 32];
    counters.sharedWavefronts += *std::max_element(banks, banks + 32);
    ++counters.idealWavefronts;
  }
}

void moec::ptx::countAccess(Launch &launch, Space space, uint32_t mask,
                            const uint64_t *addresses, unsigned bytes,
                            bool writes) {
  if (!launch.options.count || !mask)
    return;
  uint64_t plain[32] = {};
  uint32_t sharedMask = 0;
  std::vector<uint64_t> global;
  for (unsigned l = 0; l < 32; ++l) {
    if (!(mask >> l & 1))
      continue;
    plain[l] = addresses[l];
    Space s = space == Space::Generic ? spaceOf(plain[l]) : space;
    if (s == Space::Shared)
      sharedMask |= 1u << l;
    else if (s == Space::Global || s == Space::Const)
      global.push_back(plain[l]);
  }
  if (!global.empty())
    countGlobal(launch, std::move(global), bytes, writes);
  if (!sharedMask)
    return;
  Counters &counters = launch.counters;
  (writes ? counters.sharedWrittenBytes : counters.sharedReadBytes) +=
      __builtin_popcount(sharedMask) * bytes;
  countShared(counters, sharedMask, plain, bytes);
}
