// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Contraction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace moec;

/// The block argument behind a widening cast, or null.
static BlockArgument skipExtension(Value value) {
  if (auto extension = value.getDefiningOp<arith::ExtFOp>())
    value = extension.getIn();
  return dyn_cast<BlockArgument>(value);
}

/// Whether the body is `init + a * b` for its two inputs a and b.
static bool isMultiplyAdd(Block &body) {
  if (body.getNumArguments() != 3)
    return false;
  auto yield = dyn_cast<linalg::YieldOp>(body.getTerminator());
  auto add = yield.getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add)
    return false;
  for (auto [sum, product] : {std::pair(add.getLhs(), add.getRhs()),
                              std::pair(add.getRhs(), add.getLhs())}) {
    auto multiply = product.getDefiningOp<arith::MulFOp>();
    if (sum != body.getArgument(2) || !multiply)
      continue;
    BlockArgument a = skipExtension(multiply.getLhs());
    BlockArgument b = skipExtension(multiply.getRhs());
    return a && b && a.getOwner() == &body && b.getOwner() == &body &&
           a.getArgNumber() + b.getArgNumber() == 1;
  }
  return false;
}

static bool isNarrowFloat(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 2 && isa<FloatType>(type.getElementType()) &&
         type.getElementTypeBitWidth() <= 32;
}

std::optional<Contraction>
moec::matchContraction(linalg::LinalgOp op, function_ref<bool(Value)> isRows) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumLoops() != 3 || op.getNumParallelLoops() != 2 ||
      !isMultiplyAdd(*op.getBlock()) ||
      !llvm::all_of(op->getOperands(), isNarrowFloat))
    return std::nullopt;
  OpOperand *init = op.getDpsInitOperand(0);
  AffineMap out = op.getMatchingIndexingMap(init);
  for (unsigned side : {0, 1}) {
    OpOperand *lhs = op.getDpsInputOperand(side);
    OpOperand *rhs = op.getDpsInputOperand(1 - side);
    AffineMap left = op.getMatchingIndexingMap(lhs);
    AffineMap right = op.getMatchingIndexingMap(rhs);
    if (!isRows(lhs->get()) || !out.isProjectedPermutation() ||
        !left.isProjectedPermutation() || !right.isProjectedPermutation())
      continue;
    AffineExpr row = out.getResult(0), column = out.getResult(1);
    AffineExpr depth = left.getResult(1);
    if (left.getResult(0) != row || depth == column)
      continue;
    if (right.getResult(0) == column && right.getResult(1) == depth)
      return Contraction{lhs, rhs, init, grouped::RhsLayout::NK};
    if (right.getResult(0) == depth && right.getResult(1) == column)
      return Contraction{lhs, rhs, init, grouped::RhsLayout::KN};
  }
  return std::nullopt;
}
