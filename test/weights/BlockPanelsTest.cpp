// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/encodings/BlockPanels.h"
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

using namespace moec;

namespace {

struct Case {
  const char *name;
  NibbleCode nibbles;
  CodeKind code;
  bool half, offset;
  int64_t parts;
};

class BlockPanels : public testing::TestWithParam<Case> {};

// What is unpacked is what the codes, scales and offsets stand for.
TEST_P(BlockPanels, unpackWhatWasPacked) {
  const Case &kind = GetParam();
  BlockPanelLayout layout;
  layout.shape = {/*columns=*/21, /*depth=*/96, /*elementSize=*/1, kind.parts};
  layout.nibbles = kind.nibbles;
  layout.halfScales = kind.half;
  layout.hasOffset = kind.offset;
  int64_t count = layout.shape.columns * layout.shape.depth;
  int64_t blocks = layout.shape.depth / layout.size;
  std::mt19937 random(3);
  std::vector<std::vector<uint8_t>> codes(2);
  std::vector<std::vector<float>> scales(2), offsets(2);
  std::vector<uint8_t> packed(layout.shape.panels() * layout.panelBytes());
  for (int part = 0; part < 2; ++part) {
    for (int64_t i = 0; i < count; ++i) {
      int number = int(random() % 16);
      codes[part].push_back(
          kind.nibbles == NibbleCode::Biased  ? uint8_t(number - 8)
          : kind.nibbles == NibbleCode::Plain ? uint8_t(number)
          : kind.nibbles == NibbleCode::E2M1  ? uint8_t(kDoubledE2M1[number])
          : kind.code == CodeKind::Int8       ? uint8_t(random() % 255 - 127)
                                              : uint8_t(random() % 0x7F));
    }
    // Eighths, which f16 holds.
    for (int64_t i = 0; i < layout.shape.columns * blocks; ++i) {
      scales[part].push_back(float(random() % 64) / 8);
      offsets[part].push_back(float(random() % 64) - 32);
    }
  }
  int64_t lanes = layout.shape.lanesPerPart();
  for (int64_t panel = 0; panel < layout.shape.panels(); ++panel) {
    BlockRow rows[2];
    for (int part = 0; part < 2; ++part)
      rows[part] = {codes[part].data() + panel * lanes * layout.shape.depth,
                    scales[part].data() + panel * lanes * blocks,
                    offsets[part].data() + panel * lanes * blocks};
    packBlockPanels(layout, rows, panel, 1,
                    packed.data() + panel * layout.panelBytes());
  }
  BlockForm form = {kind.code, layout.size, kind.offset};
  for (int64_t part = 0; part < kind.parts; ++part) {
    std::vector<float> wanted(count), found(count);
    for (int64_t row = 0; row < layout.shape.columns; ++row)
      decodeBlocks(form,
                   {codes[part].data() + row * layout.shape.depth,
                    scales[part].data() + row * blocks,
                    offsets[part].data() + row * blocks},
                   layout.shape.depth,
                   wanted.data() + row * layout.shape.depth);
    unpackBlockPart(layout, kind.code, packed.data(), part, found.data());
    EXPECT_EQ(wanted, found);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Formats, BlockPanels,
    testing::Values(
        Case{"int8", NibbleCode::None, CodeKind::Int8, true, false, 2},
        Case{"int4", NibbleCode::Biased, CodeKind::Int8, true, false, 1},
        Case{"uint4", NibbleCode::Plain, CodeKind::Int8, false, true, 2},
        Case{"e2m1", NibbleCode::E2M1, CodeKind::Int8, false, false, 1},
        Case{"e4m3", NibbleCode::None, CodeKind::Float8E4M3, false, false, 2}),
    [](const auto &info) { return std::string(info.param.name); });

} // namespace
