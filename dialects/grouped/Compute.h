// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a grouped.matmul computes in. It is part of what the matmul means, not a
// way to run it:
//
//   (none)                      f32: a weight is code * scale, sums are f32
//   grouped.compute = "int8"    each row of the lhs becomes int8 codes in
//   blocks
//                               of 32: scale = max |x| / 127 (0 where that is
//                               no normal number), code = round to nearest even
//                               of x * (1 / scale). The dot product of the
//                               codes of a block is exact; the blocks are added
//                               in f32.

#ifndef MOEC_DIALECTS_GROUPED_COMPUTE_H
#define MOEC_DIALECTS_GROUPED_COMPUTE_H

#include "dialects/grouped/Grouped.h"

namespace moec::grouped {

inline constexpr llvm::StringLiteral kComputeAttr = "grouped.compute";

/// Depth elements of a block of an int8 lhs.
inline constexpr int64_t kInt8Block = 32;

/// Whether the matmul has `grouped.compute = "int8"`.
inline bool isInt8(MatmulOp op) { return op->hasAttr(kComputeAttr); }

/// Whether weights in these blocks can be multiplied as integers.
inline bool fitsInt8(BlocksAttr blocks) {
  return blocks && blocks.getSize() == kInt8Block && !blocks.getOffset() &&
         (blocks.getCode() == BlockCode::Int8 ||
          blocks.getCode() == BlockCode::Int4);
}

} // namespace moec::grouped

#endif // MOEC_DIALECTS_GROUPED_COMPUTE_H
