// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/CarryTensors.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "passes/Dims.h"

using namespace mlir;

/// The tensor whose buffer an operation updates to make `value`, or null.
static Value getUpdated(Value value) {
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return Value();
  Operation *op = result.getOwner();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return loop.getTiedLoopInit(result)->get();
  if (auto loop = dyn_cast<scf::ForallOp>(op))
    return loop.getTiedOpOperand(result)->get();
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return insert.getDest();
  if (auto insert = dyn_cast<tensor::InsertOp>(op))
    return insert.getDest();
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return cast.getSource();
  if (auto structured = dyn_cast<DestinationStyleOpInterface>(op))
    return structured.getTiedOpOperand(result)->get();
  return Value();
}

/// Whether `value` is read while `update` changes its buffer, or after that.
/// Elementwise operations read each element before they change it.
static bool isReadAfter(Value value, Operation *update) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(update);
  bool isElementwise = linalgOp && linalg::isElementwise(linalgOp);
  if (!isElementwise && llvm::count(update->getOperands(), value) > 1)
    return true;
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    Operation *ancestor = update->getBlock()->findAncestorOpInBlock(*user);
    return !ancestor || update->isBeforeInBlock(ancestor);
  });
}

/// Whether `value` is `argument`, updated again and again in its place.
static bool isUpdated(Value value, Value argument) {
  while (value && value != argument) {
    Value before = getUpdated(value);
    if (before && isReadAfter(before, value.getDefiningOp()))
      return false;
    value = before;
  }
  return value == argument;
}

/// Copies what is yielded into what was carried in, unless that was updated.
static void copyBack(Operation *yield, MutableArrayRef<OpOperand> yielded,
                     ValueRange carried) {
  OpBuilder builder(yield);
  for (auto &&[operand, argument] : llvm::zip_equal(yielded, carried)) {
    if (!isa<RankedTensorType>(argument.getType()) ||
        operand.get().getType() != argument.getType())
      continue;
    if (!isUpdated(operand.get(), argument))
      operand.set(linalg::CopyOp::create(builder, yield->getLoc(),
                                         operand.get(), argument)
                      .getResult(0));
  }
}

static void copyBack(scf::WhileOp loop) {
  scf::ConditionOp condition = loop.getConditionOp();
  if (TypeRange(loop.getBeforeArguments()) ==
      TypeRange(loop.getAfterArguments()))
    copyBack(condition, condition.getArgsMutable(), loop.getBeforeArguments());
  scf::YieldOp yield = loop.getYieldOp();
  if (TypeRange(loop.getAfterArguments()) == yield->getOperandTypes())
    copyBack(yield, yield.getResultsMutable(), loop.getAfterArguments());
}

/// Asks an earlier tensor for a size, where there is one.
static void hoistSize(tensor::DimOp op) {
  std::optional<int64_t> dim = getConstantIntValue(op.getDimension());
  if (!dim || !isa<RankedTensorType>(op.getSource().getType()))
    return;
  OpBuilder builder(op);
  Value size = moec::getDim(builder, op.getLoc(), op.getSource(), *dim);
  op.replaceAllUsesWith(size);
  op.erase();
}

void moec::cpu::carryTensorsInPlace(Operation *root) {
  SmallVector<tensor::DimOp> sizes;
  root->walk([&](tensor::DimOp op) { sizes.push_back(op); });
  llvm::for_each(sizes, hoistSize);
  root->walk([](Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      if (loop.getNumResults())
        copyBack(loop.getBody()->getTerminator(),
                 *loop.getYieldedValuesMutable(), loop.getRegionIterArgs());
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      copyBack(loop);
    }
  });
}
