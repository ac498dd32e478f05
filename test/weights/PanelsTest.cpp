// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/encodings/Panels.h"
#include <cstring>
#include <gtest/gtest.h>
#include <vector>

using namespace moec;

namespace {

/// `parts` matrices of bytes that are all different where a mix-up would show.
std::vector<std::vector<char>> makeParts(const PanelLayout &layout) {
  std::vector<std::vector<char>> parts;
  uint32_t state = 1;
  for (int64_t part = 0; part < layout.parts; ++part) {
    parts.emplace_back(layout.columns * layout.depth * layout.elementSize);
    for (char &byte : parts.back())
      byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  }
  return parts;
}

/// The packed group by the encoding's definition, element by element.
std::vector<char>
packByDefinition(const PanelLayout &layout,
                 const std::vector<std::vector<char>> &parts) {
  std::vector<char> packed(layout.groupBytes());
  int64_t g = layout.depthGroup(), lanes = layout.lanesPerPart();
  for (int64_t panel = 0; panel < layout.panels(); ++panel)
    for (int64_t k = 0; k < layout.depth; ++k)
      for (int64_t lane = 0; lane < 16; ++lane) {
        int64_t column = panel * lanes + lane % lanes;
        if (column >= layout.columns)
          continue;
        int64_t to = ((panel * layout.lines() + k / g) * 16 + lane) * g + k % g;
        int64_t from = column * layout.depth + k;
        std::memcpy(packed.data() + to * layout.elementSize,
                    parts[lane / lanes].data() + from * layout.elementSize,
                    layout.elementSize);
      }
  return packed;
}

TEST(Panels, packsByDefinitionAndUnpacks) {
  for (int64_t columns : {1, 7, 8, 9, 15, 16, 17, 48, 50})
    for (int64_t depth : {1, 2, 3, 4, 7, 16, 17, 33, 64, 70})
      for (int64_t elementSize : {2, 4})
        for (int64_t parts : {1, 2}) {
          PanelLayout layout{columns, depth, elementSize, parts};
          auto sources = makeParts(layout);
          const void *rows[2] = {sources[0].data(), sources.back().data()};
          std::vector<char> packed(layout.groupBytes(), '\x55');
          packPanels(layout, rows, 0, layout.panels(), packed.data());
          ASSERT_EQ(packed, packByDefinition(layout, sources))
              << columns << " x " << depth << " x " << elementSize << " x "
              << parts;
          for (int64_t part = 0; part < parts; ++part) {
            std::vector<char> restored(sources[part].size());
            unpackPart(layout, packed.data(), part, restored.data());
            ASSERT_EQ(restored, sources[part]);
          }
        }
}

TEST(Panels, packsRunsOfPanels) {
  PanelLayout layout{/*columns=*/43, /*depth=*/19, /*elementSize=*/2,
                     /*parts=*/2};
  auto sources = makeParts(layout);
  std::vector<char> packed(layout.groupBytes());
  for (int64_t panel = 0; panel < layout.panels(); ++panel) {
    const void *rows[2];
    for (int part = 0; part < 2; ++part)
      rows[part] = sources[part].data() +
                   panel * layout.lanesPerPart() * layout.depth * 2;
    packPanels(layout, rows, panel, 1,
               packed.data() + panel * layout.panelBytes());
  }
  EXPECT_EQ(packed, packByDefinition(layout, sources));
}

TEST(Panels, paddingIsZero) {
  PanelLayout layout{/*columns=*/17, /*depth=*/3, /*elementSize=*/2,
                     /*parts=*/1};
  std::vector<char> ones(17 * 3 * 2, '\xff');
  const void *rows[1] = {ones.data()};
  std::vector<char> packed(layout.groupBytes(), '\x55');
  packPanels(layout, rows, 0, 2, packed.data());
  // Second lines of the first panel: the odd depth leaves half a word.
  for (int lane = 0; lane < 16; ++lane) {
    EXPECT_EQ(packed[64 + lane * 4], '\xff');
    EXPECT_EQ(packed[64 + lane * 4 + 2], '\0');
  }
  // Lanes of the second panel beyond column 16.
  for (int64_t byte = 4; byte < 64; ++byte)
    EXPECT_EQ(packed[layout.panelBytes() + byte], '\0');
}

} // namespace
