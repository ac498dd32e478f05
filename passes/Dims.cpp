// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Dims.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;

/// A value with the same dimensions that is defined earlier, or null.
static Value getEarlierOfSameShape(Value tensor) {
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    auto forall = dyn_cast<scf::ForallOp>(argument.getOwner()->getParentOp());
    if (!forall || argument.getArgNumber() < forall.getRank())
      return Value();
    return forall.getTiedOpOperand(argument)->get();
  }
  auto result = cast<OpResult>(tensor);
  if (auto forall = dyn_cast<scf::ForallOp>(result.getOwner()))
    return forall.getTiedOpOperand(result)->get();
  if (auto op = dyn_cast<DestinationStyleOpInterface>(result.getOwner()))
    return op.getTiedOpOperand(result)->get();
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
