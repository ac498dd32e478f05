// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Panels of quantised weights: what #grouped.panels with `blocks` describes. A
// panel is its blocks along the depth; a block is
//
//   codes     8 bits: size / 4 lines of 16 lanes x 4 depth elements;
//             4 bits: size / 4 lines of 8 bytes x 4, low half lane c, high c +
//             8
//   scales    16 lanes, f16 or f32
//   offsets   16 lanes, f32, where there are any

#ifndef MOEC_WEIGHTS_ENCODINGS_BLOCKPANELS_H
#define MOEC_WEIGHTS_ENCODINGS_BLOCKPANELS_H

#include "weights/encodings/Blocks.h"
#include "weights/encodings/Panels.h"

namespace moec {

/// How codes of 8 bits are stored in 4.
enum class NibbleCode {
  None,   ///< 8 bits stay
  Biased, ///< -8..7, plus 8
  Plain,  ///< 0..15
  E2M1    ///< the position in kDoubledE2M1
};

struct BlockPanelLayout {
  PanelLayout shape; ///< elementSize is not used
  int64_t size = 32; ///< depth elements of a block
  NibbleCode nibbles = NibbleCode::None;
  bool halfScales = false;
  bool hasOffset = false;

  int64_t codeBytes() const {
    return size * PanelLayout::kLanes / (nibbles == NibbleCode::None ? 1 : 2);
  }
  int64_t blockBytes() const {
    return codeBytes() +
           PanelLayout::kLanes * ((halfScales ? 2 : 4) + (hasOffset ? 4 : 0));
  }
  int64_t panelBytes() const { return shape.depth / size * blockBytes(); }
};

/// Packs panels [firstPanel, firstPanel + numPanels) of one group; `rows[p]`
/// are the rows from firstPanel * lanesPerPart() of part p, `depth` codes each.
void packBlockPanels(const BlockPanelLayout &layout, const BlockRow *rows,
                     int64_t firstPanel, int64_t numPanels, uint8_t *out);

/// The values of one part of one group: `out` is [columns, depth] row-major.
void unpackBlockPart(const BlockPanelLayout &layout, CodeKind code,
                     const uint8_t *group, int64_t part, float *out);

/// Quantises `count` floats to int8, or for `bits` = 4 to -8..7, in blocks of
/// `size` with scales that f16 holds, as ggml's Q8_0 and Q4_0 do.
void quantizeRow(const float *values, int64_t count, int64_t size, int bits,
                 BlockRow out);

} // namespace moec

#endif // MOEC_WEIGHTS_ENCODINGS_BLOCKPANELS_H
