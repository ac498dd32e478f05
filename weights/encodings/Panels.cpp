// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/encodings/Panels.h"
#include <algorithm>
#include <cstring>

using namespace moec;

namespace {

using Word = uint32_t;
typedef Word Words4 __attribute__((vector_size(16)));

Words4 load4(const char *from) {
  Words4 words;
  std::memcpy(&words, from, sizeof words);
  return words;
}

void store4(char *to, Words4 words) { std::memcpy(to, &words, sizeof words); }

/// Transposes 4x4 words: source rows `stride` bytes apart, target lines.
void transposeBlock(const char *from, int64_t stride, char *to) {
  Words4 a = load4(from);
  Words4 b = load4(from + stride);
  Words4 c = load4(from + 2 * stride);
  Words4 d = load4(from + 3 * stride);
  Words4 ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  Words4 ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  Words4 cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  Words4 cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store4(to, __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5));
  store4(to + 64, __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7));
  store4(to + 128, __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5));
  store4(to + 192, __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7));
}

/// Writes `count` rows of `rowBytes` to lanes 0.. of the panel at `to`. Sixteen
/// words (one source line of each row) are done at a time, so that every source
/// and target line is touched once while it is in the first-level cache.
void packLanes(const char *from, int64_t rowBytes, int64_t count, char *to) {
  constexpr int64_t kBlock = 16;
  int64_t words = rowBytes / 4;
  int64_t whole = words / 4 * 4;
  int64_t quads = count / 4;
  for (int64_t k0 = 0; k0 < whole; k0 += kBlock)
    for (int64_t quad = 0; quad < quads; ++quad)
      for (int64_t k = k0; k < std::min(k0 + kBlock, whole); k += 4)
        transposeBlock(from + quad * 4 * rowBytes + k * 4, rowBytes,
                       to + k * 64 + quad * 16);
  for (int64_t lane = 0; lane < count; ++lane) {
    const char *row = from + lane * rowBytes;
    int64_t k = lane < quads * 4 ? whole : 0;
    for (; k < words; ++k)
      std::memcpy(to + k * 64 + lane * 4, row + k * 4, 4);
    if (int64_t rest = rowBytes % 4) {
      std::memset(to + k * 64 + lane * 4, 0, 4);
      std::memcpy(to + k * 64 + lane * 4, row + k * 4, rest);
    }
  }
}

} // namespace

void moec::packPanels(const PanelLayout &layout, const void *const *rows,
                      int64_t firstPanel, int64_t numPanels, void *out) {
  int64_t lanes = layout.lanesPerPart();
  int64_t rowBytes = layout.depth * layout.elementSize;
  for (int64_t panel = 0; panel < numPanels; ++panel) {
    char *to = static_cast<char *>(out) + panel * layout.panelBytes();
    int64_t column = (firstPanel + panel) * lanes;
    int64_t count = std::min(lanes, layout.columns - column);
    if (count < lanes)
      std::memset(to, 0, layout.panelBytes());
    for (int64_t part = 0; part < layout.parts; ++part)
      packLanes(static_cast<const char *>(rows[part]) +
                    panel * lanes * rowBytes,
                rowBytes, count, to + part * lanes * 4);
  }
}

void moec::unpackPart(const PanelLayout &layout, const void *group,
                      int64_t part, void *out) {
  int64_t lanes = layout.lanesPerPart();
  int64_t rowBytes = layout.depth * layout.elementSize;
  for (int64_t column = 0; column < layout.columns; ++column) {
    const char *from = static_cast<const char *>(group) +
                       column / lanes * layout.panelBytes() +
                       (part * lanes + column % lanes) * 4;
    char *to = static_cast<char *>(out) + column * rowBytes;
    for (int64_t byte = 0; byte < rowBytes; byte += 4)
      std::memcpy(to + byte, from + byte * 16,
                  std::min<int64_t>(4, rowBytes - byte));
  }
}
