// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The panels that tasks of a grouped.matmul read: those that its weights are
// packed into, or those that a task makes of weights as the checkpoint or an
// engine keeps them ("row-major").

#ifndef MOEC_DIALECTS_GROUPED_TASKPANELS_H
#define MOEC_DIALECTS_GROUPED_TASKPANELS_H

#include "dialects/grouped/Grouped.h"

namespace moec::grouped {

/// Whether the last dimension of a buffer has stride 1. A tensor has no strides
/// yet.
inline bool isRowContiguous(mlir::Type type) {
  auto memref = mlir::dyn_cast<mlir::MemRefType>(type);
  if (!memref)
    return true;
  llvm::SmallVector<int64_t> strides;
  int64_t offset;
  return mlir::succeeded(memref.getStridesAndOffset(strides, offset)) &&
         strides.back() == 1;
}

/// The panels of the matmul's tasks; nothing where weights are neither packed
/// nor one or two arrays of static shape and of f32, bf16 or f16.
inline std::optional<PanelsAttr> getTaskPanels(MatmulOp op) {
  if (op.getPanels() || op.getRhs().empty())
    return op.getPanels();
  auto type = mlir::cast<mlir::ShapedType>(op.getRhs()[0].getType());
  mlir::Type element = type.getElementType();
  if (op.getRhs().size() > 2 || !type.hasStaticShape() ||
      type.getNumElements() == 0 || !isRowContiguous(type) ||
      !(element.isF32() || element.isBF16() || element.isF16()))
    return std::nullopt;
  int64_t rank = type.getRank();
  int64_t columns = type.getDimSize(rank - 2),
          depth = type.getDimSize(rank - 1);
  if (op.getLayout() == RhsLayout::KN)
    std::swap(columns, depth);
  return PanelsAttr::get(op.getContext(), op.getRhs().size(), columns, depth);
}

/// Whether tasks read weights that nobody packed.
inline bool isRowMajor(MatmulOp op) { return !op.getPanels(); }

} // namespace moec::grouped

#endif // MOEC_DIALECTS_GROUPED_TASKPANELS_H
