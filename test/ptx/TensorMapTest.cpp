// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/ptx/TensorMap.h"

#include <gtest/gtest.h>

#include <functional>

using namespace moec::ptx;

static TensorMap weights() {
  TensorMap map;
  map.base = 256;
  map.dims = {512, 128};
  map.strides = {1024};
  map.box = {64, 128};
  map.swizzle = Swizzle::B128;
  return map;
}

TEST(PtxTensorMap, ComesBackAsEncoded) {
  EncodedTensorMap encoded;
  ASSERT_EQ(encode(weights(), encoded), "");
  TensorMap map;
  ASSERT_EQ(decode(encoded, map), "");
  EXPECT_EQ(map.dims, weights().dims);
  EXPECT_EQ(map.box, weights().box);
  EXPECT_EQ(map.swizzle, Swizzle::B128);
  encoded.bytes[0] ^= 1;
  EXPECT_EQ(decode(encoded, map), "the 128 bytes are no tensor map");
}

TEST(PtxTensorMap, RefusesWhatTheDriverRefuses) {
  using Break = std::function<void(TensorMap &)>;
  const std::pair<const char *, Break> cases[] = {
      {"unknown element type 13",
       [](auto &m) { m.element = TensorElement(13); }},
      {"unknown swizzle 4", [](auto &m) { m.swizzle = Swizzle(4); }},
      {"rank is 6", [](auto &m) { m.rank = 6; }},
      {"global address", [](auto &m) { m.base = 8; }},
      {"dimension 1 is 0", [](auto &m) { m.dims[1] = 0; }},
      {"box dimension 1 is 257", [](auto &m) { m.box[1] = 257; }},
      {"element stride 0 is 9", [](auto &m) { m.elementStrides[0] = 9; }},
      {"stride 0 is 1032", [](auto &m) { m.strides[0] = 1032; }},
      {"stride 0 is 512", [](auto &m) { m.strides[0] = 512; }},
      {"a multiple of 16 bytes", [](auto &m) { m.box[0] = 4; }},
      {"the swizzle spans", [](auto &m) { m.box[0] = 128; }},
  };
  for (const auto &[expected, mutate] : cases) {
    TensorMap map = weights();
    mutate(map);
    EncodedTensorMap encoded;
    EXPECT_NE(encode(map, encoded).find(expected), std::string::npos)
        << expected << " / " << encode(map, encoded);
  }
}
