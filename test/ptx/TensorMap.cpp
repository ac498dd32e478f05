// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules are those of cuTensorMapEncodeTiled in the CUDA driver API, without
// interleaved layouts.

#include "test/ptx/TensorMap.h"

#include <cstring>
#include <type_traits>

using namespace moec::ptx;

static constexpr uint64_t magic = 0x70616d2d6f65636dull;
static_assert(sizeof(TensorMap) + sizeof(magic) <= sizeof(EncodedTensorMap));
static_assert(std::is_trivially_copyable_v<TensorMap>);

size_t moec::ptx::bytesOf(TensorElement element) {
  static constexpr uint8_t bytes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
  return bytes[size_t(element)];
}

static std::string wrong(const char *what, unsigned index, uint64_t value,
                         const char *expected) {
  return std::string(what) + " " + std::to_string(index) + " is " +
         std::to_string(value) + ", expected " + expected;
}

static std::string check(const TensorMap &map) {
  if (size_t(map.element) > size_t(TensorElement::TF32Ftz))
    return "unknown element type " + std::to_string(int(map.element));
  if (size_t(map.swizzle) > size_t(Swizzle::B128))
    return "unknown swizzle " + std::to_string(int(map.swizzle));
  if (map.rank < 1 || map.rank > 5)
    return "rank is " + std::to_string(map.rank) + ", expected 1 to 5";
  if (map.base == 0 || map.base % 16)
    return "the global address is not a multiple of 16";
  uint64_t inner = map.box[0] * bytesOf(map.element);
  for (unsigned i = 0; i < map.rank; ++i) {
    if (map.dims[i] == 0 || map.dims[i] > uint64_t(1) << 32)
      return wrong("dimension", i, map.dims[i], "1 to 2^32");
    if (map.box[i] == 0 || map.box[i] > 256)
      return wrong("box dimension", i, map.box[i], "1 to 256");
    if (map.elementStrides[i] == 0 || map.elementStrides[i] > 8)
      return wrong("element stride", i, map.elementStrides[i], "1 to 8");
  }
  uint64_t least = map.dims[0] * bytesOf(map.element);
  for (unsigned i = 0; i + 1 < map.rank; ++i) {
    if (map.strides[i] % 16 || map.strides[i] >= uint64_t(1) << 40)
      return wrong("stride", i, map.strides[i], "a multiple of 16 below 2^40");
    if (map.strides[i] < least)
      return wrong("stride", i, map.strides[i],
                   "at least the bytes of the dimension below");
    least = map.strides[i] * map.dims[i + 1];
  }
  if (inner % 16)
    return wrong("box dimension", 0, map.box[0], "a multiple of 16 bytes");
  uint64_t span = 16u << unsigned(map.swizzle);
  if (map.swizzle != Swizzle::None && inner > span)
    return wrong("box dimension", 0, map.box[0],
                 "at most as many bytes as the swizzle spans");
  return {};
}

std::string moec::ptx::encode(const TensorMap &map, EncodedTensorMap &encoded) {
  if (std::string error = check(map); !error.empty())
    return error;
  memset(&encoded, 0, sizeof(encoded));
  memcpy(encoded.bytes, &magic, sizeof(magic));
  memcpy(encoded.bytes + sizeof(magic), &map, sizeof(map));
  return {};
}

std::string moec::ptx::decode(const EncodedTensorMap &encoded, TensorMap &map) {
  if (memcmp(encoded.bytes, &magic, sizeof(magic)))
    return "the 128 bytes are no tensor map";
  memcpy(&map, encoded.bytes + sizeof(magic), sizeof(map));
  return check(map);
}
