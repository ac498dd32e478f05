// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Splits the region of moe.experts into pieces that run on the rows of all
// experts at once. Reads only: what it accepts can be emitted without failure.

#ifndef MOEC_PASSES_EXPERTREGION_H
#define MOEC_PASSES_EXPERTREGION_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Contraction.h"
#include "llvm/ADT/MapVector.h"
#include <string>

namespace moec {

/// What a value of the region is, seen from all experts at once.
enum class ValueKind {
  Rows,    ///< a tensor with the rows of the expert as dimension 0
  Slice,   ///< the expert's slice of a stack
  Outside, ///< the same for all experts, computed outside of the region
  Fill,    ///< as Rows, each element the same outside scalar
  Empty,   ///< as Rows, undefined
  Count,   ///< the number of rows
};

/// What becomes of an operation of the region.
enum class PieceKind {
  None,    ///< nothing: sizes, destinations and fills
  Hoisted, ///< computed once, outside
  Matmul,  ///< a contraction of rows with a slice or an outside matrix
  Map,     ///< an element-wise computation on rows
  RowWise, ///< another computation on each row alone: the same on all rows
  Columns, ///< a range of columns of rows
};

/// Why the bank is not one region with slices in the order of the experts, or
/// nothing.
std::string whyHeterogeneous(moe::ExpertsOp op);

/// The `moe.combine add` by the bank's plan, in its block, that alone reads the
/// bank's only result, or null.
moe::CombineOp getOnlyCombine(moe::ExpertsOp bank);

/// Puts `result` in the place of the bank's only combine, and erases what only
/// the bank needed: dispatches and the plan, which a `moe.plan` makes.
void eraseBank(moe::ExpertsOp bank, mlir::Value result);

class ExpertRegion {
public:
  explicit ExpertRegion(moe::ExpertsOp op, unsigned member = 0)
      : experts(op), member(member) {}

  /// Classifies every value and operation. On failure `where` and `reason` say
  /// what has no rule.
  llvm::LogicalResult analyze();

  ValueKind getKind(mlir::Value value) const;
  PieceKind getPiece(mlir::Operation *op) const { return pieces.lookup(op); }
  /// The scalar that a Fill repeats.
  mlir::Value getFillValue(mlir::Value value) const {
    return fills.lookup(value);
  }
  Contraction getContraction(mlir::Operation *op) const;

  mlir::Operation *where = nullptr;
  std::string reason;

private:
  llvm::LogicalResult classify(mlir::Operation *op);
  llvm::LogicalResult classifyLinalg(mlir::linalg::LinalgOp op);
  llvm::LogicalResult classifyMap(mlir::linalg::LinalgOp op);
  bool isRowWise(mlir::Operation *op) const;
  bool isColumns(mlir::tensor::ExtractSliceOp op) const;
  llvm::LogicalResult mark(mlir::Operation *op, PieceKind piece,
                           ValueKind kind);
  llvm::LogicalResult checkMapInput(mlir::linalg::LinalgOp op,
                                    mlir::OpOperand *operand);
  llvm::LogicalResult checkYield(mlir::Operation *yield);
  llvm::LogicalResult refuse(mlir::Operation *op, llvm::StringRef why);
  bool isHoistable(mlir::Operation *op) const;
  /// Whether the value is a tensor with the expert's rows as dimension 0.
  bool isRowShaped(mlir::Value value) const;

  moe::ExpertsOp experts;
  unsigned member;
  llvm::DenseMap<mlir::Value, ValueKind> kinds;
  llvm::DenseMap<mlir::Operation *, PieceKind> pieces;
  llvm::DenseMap<mlir::Value, mlir::Value> fills;
};

} // namespace moec

#endif // MOEC_PASSES_EXPERTREGION_H
