// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Dims.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;

/// What a while loop starts with where a value goes around unchanged in shape,
/// or null. `index` counts the values that its condition passes on.
static Value getInit(scf::WhileOp loop, unsigned index) {
  auto passed = dyn_cast<BlockArgument>(loop.getConditionOp().getArgs()[index]);
  if (!passed || passed.getOwner() != loop.getBeforeBody())
    return Value();
  return loop.getInits()[passed.getArgNumber()];
}

/// A value with the same dimensions that is defined earlier, or null.
/// Loop-carried tensors keep their size.
static Value getEarlierOfSameShape(Value tensor) {
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto loop = dyn_cast<scf::ForOp>(parent)) {
      OpOperand *init = loop.getTiedLoopInit(argument);
      return init ? init->get() : Value();
    }
    if (auto loop = dyn_cast<scf::WhileOp>(parent))
      return argument.getOwner() == loop.getBeforeBody()
                 ? loop.getInits()[argument.getArgNumber()]
                 : getInit(loop, argument.getArgNumber());
    auto forall = dyn_cast<scf::ForallOp>(parent);
    if (!forall || argument.getArgNumber() < forall.getRank())
      return Value();
    return forall.getTiedOpOperand(argument)->get();
  }
  auto result = cast<OpResult>(tensor);
  if (auto loop = dyn_cast<scf::ForOp>(result.getOwner()))
    return loop.getTiedLoopInit(result)->get();
  if (auto loop = dyn_cast<scf::WhileOp>(result.getOwner()))
    return getInit(loop, result.getResultNumber());
  if (auto forall = dyn_cast<scf::ForallOp>(result.getOwner()))
    return forall.getTiedOpOperand(result)->get();
  if (auto op = dyn_cast<DestinationStyleOpInterface>(result.getOwner()))
    return op.getTiedOpOperand(result)->get();
  return Value();
}

/// Whether two sizes are one value, or computed alike from the same values.
static bool isSameSize(Value a, Value b) {
  if (a == b)
    return true;
  Operation *first = a.getDefiningOp(), *second = b.getDefiningOp();
  return first && second &&
         OperationEquivalence::isEquivalentTo(
             first, second, OperationEquivalence::exactValueMatch, nullptr,
             OperationEquivalence::IgnoreLocations);
}

static Value findSize(Value tensor, int64_t dim);

/// The size that both branches give, if it is known before them, or null.
static Value findSizeOfBranches(OpResult result, int64_t dim) {
  auto branch = dyn_cast<scf::IfOp>(result.getOwner());
  if (!branch)
    return Value();
  unsigned index = result.getResultNumber();
  Value size = findSize(branch.thenYield().getOperand(index), dim);
  Value other = findSize(branch.elseYield().getOperand(index), dim);
  if (!size || !other || !isSameSize(size, other))
    return Value();
  for (Value known : {size, other})
    if (!branch->isAncestor(known.getParentRegion()->getParentOp()))
      return known;
  return Value();
}

/// An existing value that is the size of a dynamic dimension, or null.
static Value findSize(Value tensor, int64_t dim) {
  while (tensor) {
    if (auto empty = tensor.getDefiningOp<tensor::EmptyOp>())
      return empty.getDynamicSize(dim);
    if (auto result = dyn_cast<OpResult>(tensor))
      if (Value size = findSizeOfBranches(result, dim))
        return size;
    tensor = getEarlierOfSameShape(tensor);
  }
  return Value();
}

Value moec::getDim(OpBuilder &builder, Location loc, Value tensor,
                   int64_t dim) {
  while (true) {
    auto type = cast<RankedTensorType>(tensor.getType());
    if (!type.isDynamicDim(dim))
      return arith::ConstantIndexOp::create(builder, loc, type.getDimSize(dim));
    if (auto empty = tensor.getDefiningOp<tensor::EmptyOp>())
      return empty.getDynamicSize(dim);
    if (auto result = dyn_cast<OpResult>(tensor))
      if (Value size = findSizeOfBranches(result, dim))
        return size;
    Value earlier = getEarlierOfSameShape(tensor);
    if (!earlier || !isa<RankedTensorType>(earlier.getType()))
      return tensor::DimOp::create(builder, loc, tensor, dim);
    tensor = earlier;
  }
}

Value moec::createEmpty(OpBuilder &builder, Location loc, RankedTensorType type,
                        Value rows, Value like) {
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(dim == 0 ? rows : getDim(builder, loc, like, dim));
  return tensor::EmptyOp::create(builder, loc, type, sizes);
}
