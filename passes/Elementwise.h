// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element-wise computation on rows, in one form. grouped.map and the 2-D
// element-wise linalg operations say the same thing; the fusions read both
// through this view, so that no pass depends on which of them a producer chose.

#ifndef MOEC_PASSES_ELEMENTWISE_H
#define MOEC_PASSES_ELEMENTWISE_H

#include "dialects/grouped/Grouped.h"
#include "mlir/IR/PatternMatch.h"
#include <optional>

namespace moec {

/// `init[r, n] = body(inputs[maps(e, r, t, s, n)]...)`, a view of an operation.
struct Elementwise {
  mlir::Operation *op = nullptr;
  /// Offsets, tokens and slots, or null values (dense: row and token are one).
  std::array<mlir::Value, 3> tables;
  llvm::SmallVector<mlir::Value> inputs;
  /// One map per input over the grouped dialect's iteration space.
  llvm::SmallVector<mlir::AffineMap> maps;
  /// The argument of `body` that stands for each input.
  llvm::SmallVector<mlir::BlockArgument> arguments;
  mlir::Value init;
  /// Whether the initial value is also one of the inputs.
  bool readsInit = false;
  mlir::Block *body = nullptr;

  /// The view of `op`, if it is a grouped.map or an element-wise linalg
  /// operation of two parallel dimensions, on tensors, whose body is
  /// a function of scalars.
  static std::optional<Elementwise> match(mlir::Operation *op);

  /// The index of the input that is `value`, if `op` is its only user, reads it
  /// once, and reads it at the element that it computes.
  std::optional<unsigned> getSoleUse(mlir::Value value) const;

  /// Clones the body to the builder's insertion point with `scalars` in place
  /// of the inputs; returns the yielded scalar.
  mlir::Value inlineBody(mlir::OpBuilder &builder,
                         mlir::ValueRange scalars) const;
};

/// Tables of a grouped.map or grouped.matmul.
template <typename OpTy> std::array<mlir::Value, 3> getTables(OpTy op) {
  return {op.getOffsets(), op.getTokens(), op.getSlots()};
}

/// Operands with a map each, without repetitions.
struct MappedOperands {
  llvm::SmallVector<mlir::Value> values;
  llvm::SmallVector<mlir::AffineMap> maps;
  /// The index of `value` read at `map`; added if it is not there.
  unsigned add(mlir::Value value, mlir::AffineMap map);
};

/// Replaces `consumer` and the `producers` it alone reads (`uses[i]` is the
/// input that is producer i's result) by one matmul that has all their weights
/// and computes their epilogues and the consumer's body. The producers must
/// agree in everything but weights and epilogue, and stand in the consumer's
/// block.
grouped::MatmulOp fuseIntoMatmul(mlir::RewriterBase &rewriter,
                                 llvm::ArrayRef<grouped::MatmulOp> producers,
                                 llvm::ArrayRef<unsigned> uses,
                                 const Elementwise &consumer);

/// The index of the input of `consumer` that is the result of `producer`, if
/// the consumer may become a part of its epilogue.
std::optional<unsigned> getFusableUse(grouped::MatmulOp producer,
                                      const Elementwise &consumer);

} // namespace moec

#endif // MOEC_PASSES_ELEMENTWISE_H
