// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A stand-in for CUtensorMap: the same 128 bytes, aligned to 64, with a layout
// of its own. It is filled with what cuTensorMapEncodeTiled is given, under the
// rules that its documentation states.

#ifndef MOEC_TEST_PTX_TENSORMAP_H
#define MOEC_TEST_PTX_TENSORMAP_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace moec::ptx {

/// The values are those of CUtensorMapDataType.
enum class TensorElement : uint8_t {
  U8 = 0,
  U16 = 1,
  U32 = 2,
  S32 = 3,
  U64 = 4,
  S64 = 5,
  F16 = 6,
  F32 = 7,
  F64 = 8,
  BF16 = 9,
  F32Ftz = 10,
  TF32 = 11,
  TF32Ftz = 12,
};
size_t bytesOf(TensorElement element);

/// The values are those of CUtensorMapSwizzle.
enum class Swizzle : uint8_t { None = 0, B32 = 1, B64 = 2, B128 = 3 };

/// Dimension 0 is the innermost, contiguous one.
struct TensorMap {
  TensorElement element = TensorElement::BF16;
  uint8_t rank = 2;
  Swizzle swizzle = Swizzle::None;
  /// Out-of-bounds elements are NaN instead of zero.
  bool fillNan = false;
  uint64_t base = 0;
  std::array<uint64_t, 5> dims{};
  /// Bytes from one index of dimension i + 1 to the next.
  std::array<uint64_t, 4> strides{};
  std::array<uint16_t, 5> box{};
  std::array<uint8_t, 5> elementStrides{1, 1, 1, 1, 1};
};

/// The opaque object, passed to a kernel as a __grid_constant__ parameter.
struct alignas(64) EncodedTensorMap {
  uint8_t bytes[128];
};

/// Returns an empty string or the rule that `map` breaks.
std::string encode(const TensorMap &map, EncodedTensorMap &encoded);
/// Returns an empty string, or says that the bytes are no tensor map.
std::string decode(const EncodedTensorMap &encoded, TensorMap &map);

} // namespace moec::ptx

#endif // MOEC_TEST_PTX_TENSORMAP_H
