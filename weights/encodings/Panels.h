// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The panels encoding of a weight matrix: what the CPU kernels read.
//
// A panel holds 16 output columns by all of K, with K grouped so that a lane is
// always 4 bytes: element (panel, k / g, lane, k % g) with g = 1 for 4-byte and
// g = 2 for 2-byte elements. One row of a panel (one k / g) is therefore one
// 64-byte line, and packing is a transpose of 4-byte words for either size.
//
// Two matrices of equal shape may share panels (gate and up of a SwiGLU): with
// `parts` = 2 lanes 0..7 are columns 8p..8p+7 of part 0, lanes 8..15 the same
// columns of part 1. Lanes beyond the last column, and the second half of the
// last word where K is odd, are zero.

#ifndef MOEC_WEIGHTS_ENCODINGS_PANELS_H
#define MOEC_WEIGHTS_ENCODINGS_PANELS_H

#include <cstdint>

namespace moec {

/// Shape of one packed group (one expert): `parts` matrices [columns, depth].
struct PanelLayout {
  static constexpr int64_t kLanes = 16;
  static constexpr int64_t kLineBytes = 64;

  int64_t columns = 0;     ///< N of each part (output features)
  int64_t depth = 0;       ///< K (input features)
  int64_t elementSize = 4; ///< 2 or 4 bytes
  int64_t parts = 1;       ///< 1 or 2

  /// K elements in one lane of one line.
  int64_t depthGroup() const { return 4 / elementSize; }
  /// Lines in a panel.
  int64_t lines() const { return (depth + depthGroup() - 1) / depthGroup(); }
  /// Columns of one part in a panel.
  int64_t lanesPerPart() const { return kLanes / parts; }
  int64_t panels() const {
    return (columns + lanesPerPart() - 1) / lanesPerPart();
  }
  int64_t panelBytes() const { return lines() * kLineBytes; }
  int64_t groupBytes() const { return panels() * panelBytes(); }
};

/// Packs panels [firstPanel, firstPanel + numPanels) of one group into `out`
/// (numPanels * panelBytes() bytes, 4-byte aligned). `rows[p]` is row
/// firstPanel * lanesPerPart() of part p, row-major without gaps; rows beyond
/// `columns` are not read.
void packPanels(const PanelLayout &layout, const void *const *rows,
                int64_t firstPanel, int64_t numPanels, void *out);

/// The inverse for one part of one group: `out` is [columns, depth] row-major.
void unpackPart(const PanelLayout &layout, const void *group, int64_t part,
                void *out);

} // namespace moec

#endif // MOEC_WEIGHTS_ENCODINGS_PANELS_H
