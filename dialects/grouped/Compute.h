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
//   grouped.compute = "bf16"    each element of the lhs becomes bf16, nearest
//                               even, subnormal numbers 0. Sums are f32 and
//                               take the products of depth elements 1, 0, 3,
//                               2, 5, ... in this order, each by one fused
//                               multiply-add: the order of vdpbf16ps.

#ifndef MOEC_DIALECTS_GROUPED_COMPUTE_H
#define MOEC_DIALECTS_GROUPED_COMPUTE_H

#include "dialects/grouped/Grouped.h"

namespace moec::grouped {

inline constexpr llvm::StringLiteral kComputeAttr = "grouped.compute";

/// Depth elements of a block of an int8 lhs.
inline constexpr int64_t kInt8Block = 32;

/// Whether the matmul has `grouped.compute = "int8"`, or "bf16".
inline bool isInt8(MatmulOp op) {
  auto name = op->getAttrOfType<mlir::StringAttr>(kComputeAttr);
  return name && name == "int8";
}
inline bool isBf16(MatmulOp op) {
  auto name = op->getAttrOfType<mlir::StringAttr>(kComputeAttr);
  return name && name == "bf16";
}

/// Whether weights in these blocks can be multiplied as integers.
inline bool fitsInt8(BlocksAttr blocks) {
  return blocks && blocks.getSize() == kInt8Block && !blocks.getOffset() &&
         (blocks.getCode() == BlockCode::Int8 ||
          blocks.getCode() == BlockCode::Int4);
}

/// Whether the matmul's weights are panels of bf16.
inline bool fitsBf16(MatmulOp op) {
  auto weight = mlir::cast<mlir::ShapedType>(op.getRhs()[0].getType());
  return op.getPanels() && !op.getPanels()->getBlocks() &&
         weight.getElementType().isBF16();
}

} // namespace moec::grouped

#endif // MOEC_DIALECTS_GROUPED_COMPUTE_H
