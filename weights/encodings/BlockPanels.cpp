// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/encodings/BlockPanels.h"
#include "weights/encodings/Floats.h"
#include <algorithm>
#include <vector>

using namespace moec;

static uint8_t toNibble(NibbleCode kind, uint8_t code) {
  auto number = static_cast<int8_t>(code);
  if (kind == NibbleCode::Biased)
    return number + 8;
  if (kind == NibbleCode::Plain)
    return number;
  return std::find(kDoubledE2M1, kDoubledE2M1 + 16, number) - kDoubledE2M1;
}

/// One column's codes of one block.
static void packCodes(const BlockPanelLayout &layout, const uint8_t *codes,
                      int64_t lane, uint8_t *out) {
  if (layout.nibbles == NibbleCode::None) {
    for (int64_t k = 0; k < layout.size; k += 4)
      std::memcpy(out + k * 16 + lane * 4, codes + k, 4);
    return;
  }
  uint8_t table[256];
  for (int code = 0; code < 256; ++code)
    table[code] = toNibble(layout.nibbles, code);
  int shift = lane < 8 ? 0 : 4;
  for (int64_t k = 0; k < layout.size; ++k)
    out[k / 4 * 32 + lane % 8 * 4 + k % 4] |= table[codes[k]] << shift;
}

void moec::packBlockPanels(const BlockPanelLayout &layout, const BlockRow *rows,
                           int64_t firstPanel, int64_t numPanels,
                           uint8_t *out) {
  const PanelLayout &shape = layout.shape;
  int64_t lanes = shape.lanesPerPart();
  int64_t blocks = shape.depth / layout.size;
  std::memset(out, 0, numPanels * layout.panelBytes());
  for (int64_t panel = 0; panel < numPanels; ++panel)
    for (int64_t part = 0; part < shape.parts; ++part) {
      int64_t first = (firstPanel + panel) * lanes;
      int64_t count = std::min(lanes, shape.columns - first);
      for (int64_t i = 0; i < count; ++i) {
        int64_t row = panel * lanes + i, lane = part * lanes + i;
        for (int64_t block = 0; block < blocks; ++block) {
          uint8_t *to =
              out + panel * layout.panelBytes() + block * layout.blockBytes();
          packCodes(layout,
                    rows[part].codes + row * shape.depth + block * layout.size,
                    lane, to);
          uint8_t *scales = to + layout.codeBytes();
          float scale = rows[part].scales[row * blocks + block];
          if (layout.halfScales) {
            uint16_t bits = roundToF16(scale);
            std::memcpy(scales + lane * 2, &bits, 2);
          } else {
            std::memcpy(scales + lane * 4, &scale, 4);
          }
          if (layout.hasOffset)
            std::memcpy(scales + 16 * (layout.halfScales ? 2 : 4) + lane * 4,
                        &rows[part].offsets[row * blocks + block], 4);
        }
      }
    }
}

/// The code of element `k` of a block, as in BlockRow.
static uint8_t unpackCode(const BlockPanelLayout &layout, const uint8_t *block,
                          int64_t lane, int64_t k) {
  if (layout.nibbles == NibbleCode::None)
    return block[k / 4 * 64 + lane * 4 + k % 4];
  int nibble =
      block[k / 4 * 32 + lane % 8 * 4 + k % 4] >> (lane < 8 ? 0 : 4) & 15;
  if (layout.nibbles == NibbleCode::Biased)
    return static_cast<uint8_t>(nibble - 8);
  if (layout.nibbles == NibbleCode::E2M1)
    return static_cast<uint8_t>(kDoubledE2M1[nibble]);
  return static_cast<uint8_t>(nibble);
}

void moec::unpackBlockPart(const BlockPanelLayout &layout, CodeKind code,
                           const uint8_t *group, int64_t part, float *out) {
  const PanelLayout &shape = layout.shape;
  int64_t lanes = shape.lanesPerPart();
  BlockForm form = {code, layout.size, layout.hasOffset};
  std::vector<uint8_t> codes(layout.size);
  for (int64_t column = 0; column < shape.columns; ++column) {
    int64_t lane = part * lanes + column % lanes;
    const uint8_t *panel = group + column / lanes * layout.panelBytes();
    for (int64_t block = 0; block < shape.depth / layout.size; ++block) {
      const uint8_t *from = panel + block * layout.blockBytes();
      for (int64_t k = 0; k < layout.size; ++k)
        codes[k] = unpackCode(layout, from, lane, k);
      const uint8_t *scales = from + layout.codeBytes();
      float scale, offset = 0;
      if (layout.halfScales) {
        uint16_t bits;
        std::memcpy(&bits, scales + lane * 2, 2);
        scale = widenF16(bits);
      } else {
        std::memcpy(&scale, scales + lane * 4, 4);
      }
      if (layout.hasOffset)
        std::memcpy(&offset,
                    scales + 16 * (layout.halfScales ? 2 : 4) + lane * 4, 4);
      decodeBlocks(form, {codes.data(), &scale, &offset}, layout.size,
                   out + column * shape.depth + block * layout.size);
    }
  }
}

void moec::quantizeRow(const float *values, int64_t count, int64_t size,
                       int bits, BlockRow out) {
  for (int64_t first = 0; first < count; first += size) {
    // The element that is largest in magnitude, with its sign.
    float extreme = 0;
    for (int64_t i = first; i < first + size; ++i)
      if (std::fabs(values[i]) > std::fabs(extreme))
        extreme = values[i];
    float exact = bits == 8 ? std::fabs(extreme) / 127 : extreme / -8;
    float scale = widenF16(roundToF16(exact));
    float inverse = scale == 0 ? 0 : 1 / scale;
    int least = bits == 8 ? -127 : -8, most = bits == 8 ? 127 : 7;
    for (int64_t i = first; i < first + size; ++i)
      out.codes[i] = static_cast<uint8_t>(std::clamp(
          static_cast<int>(std::lrint(values[i] * inverse)), least, most));
    out.scales[first / size] = scale;
  }
}
