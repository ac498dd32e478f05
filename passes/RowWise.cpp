// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/RowWise.h"
#include "dialects/moe/Moe.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace moec;

static bool isTensor(Value value) {
  return isa<RankedTensorType>(value.getType());
}

/// All tensor operands are sliced.
static RowWise sliceTensors(Operation *op) {
  RowWise result;
  for (Value operand : op->getOperands())
    result.isSliced.push_back(isTensor(operand));
  return result;
}

/// The one loop that is dimension 0 of every result, or nothing.
static std::optional<unsigned> getRowLoop(linalg::LinalgOp op) {
  std::optional<unsigned> loop;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    AffineMap map = op.getMatchingIndexingMap(&init);
    auto dim = map.getNumResults() == 0
                   ? AffineDimExpr(nullptr)
                   : dyn_cast<AffineDimExpr>(map.getResult(0));
    if (!dim || (loop && *loop != dim.getPosition()))
      return std::nullopt;
    loop = dim.getPosition();
  }
  return loop;
}

static std::optional<RowWise> getLinalgRowWise(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics())
    return std::nullopt;
  std::optional<unsigned> loop = getRowLoop(op);
  if (!loop)
    return std::nullopt;
  RowWise result;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    unsigned uses = llvm::count_if(map.getResults(), [&](AffineExpr expr) {
      return expr.isFunctionOfDim(*loop);
    });
    bool isFirst = uses == 1 &&
                   map.getResult(0) == getAffineDimExpr(*loop, op.getContext());
    // Another use of the row's number would read other rows.
    if (uses != 0 && !isFirst)
      return std::nullopt;
    result.isSliced.push_back(isFirst);
  }
  WalkResult walk = op.getBlock()->walk([&](linalg::IndexOp index) {
    return index.getDim() == *loop ? WalkResult::interrupt()
                                   : WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return std::nullopt;
  SetVector<Value> captures;
  getUsedValuesDefinedAbove(op->getRegions(), captures);
  if (llvm::any_of(captures, isTensor))
    return std::nullopt;
  return result;
}

std::optional<RowWise> moec::getRowWise(Operation *op) {
  if (isa<moe::SelectOp, moe::WeighOp>(op))
    return sliceTensors(op);
  if (auto softmax = dyn_cast<linalg::SoftmaxOp>(op)) {
    if (softmax.getDimension() == 0 || softmax->getNumResults() == 0)
      return std::nullopt;
    return sliceTensors(op);
  }
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return getLinalgRowWise(linalgOp);
  return std::nullopt;
}
