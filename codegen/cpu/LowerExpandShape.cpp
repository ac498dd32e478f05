// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream's expand-strided-metadata computes the sizes of an expanded
// dimension only if all but one of them are fixed, and crashes otherwise,
// though the operation carries them as operands.

#include "codegen/cpu/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPULOWEREXPANDSHAPEPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;

/// True if a dimension becomes several whose sizes are not fixed.
static bool expandsDynamically(memref::ExpandShapeOp op) {
  auto type = cast<MemRefType>(op.getResult().getType());
  return llvm::any_of(op.getReassociationIndices(), [&](const auto &group) {
    return llvm::count_if(
               group, [&](int64_t dim) { return type.isDynamicDim(dim); }) > 1;
  });
}

/// The view as a reinterpret_cast: within a group the innermost dimension has
/// the old stride, every other one that of the next times its size.
static void lower(memref::ExpandShapeOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  auto metadata = memref::ExtractStridedMetadataOp::create(b, op.getSrc());
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  SmallVector<OpFoldResult> strides(sizes.size());
  for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
    OpFoldResult stride = metadata.getConstifiedMixedStrides()[dim];
    for (int64_t inner : llvm::reverse(group)) {
      strides[inner] = stride;
      std::optional<int64_t> known = getConstantIntValue(stride);
      std::optional<int64_t> size = getConstantIntValue(sizes[inner]);
      if (known && size)
        stride = b.getIndexAttr(*known * *size);
      else
        stride =
            arith::MulIOp::create(
                b, getValueOrCreateConstantIndexOp(b, b.getLoc(), stride),
                getValueOrCreateConstantIndexOp(b, b.getLoc(), sizes[inner]))
                .getResult();
    }
  }
  auto type = cast<MemRefType>(op.getResult().getType());
  Value view = memref::ReinterpretCastOp::create(
      b, metadata.getBaseBuffer(), metadata.getConstifiedMixedOffset(), sizes,
      strides);
  if (view.getType() != type)
    view = memref::CastOp::create(b, type, view);
  op.getResult().replaceAllUsesWith(view);
  op.erase();
}

namespace {
struct LowerExpandShape
    : moec::cpu::impl::CpuLowerExpandShapePassBase<LowerExpandShape> {
  void runOnOperation() override {
    getOperation()->walk([](memref::ExpandShapeOp op) {
      if (expandsDynamically(op))
        lower(op);
    });
  }
};
} // namespace
