// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Computation on tensors whose sizes are known by symbol.

#include "importers/onnx/GraphBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace moec;
using namespace moec::onnx;
using llvm::Expected;
using llvm::Twine;

static SmallVector<int64_t> toShape(const Sizes &sizes) {
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  return shape;
}

Value GraphBuilder::toValue(OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(builder, builder.getLoc(), size);
}

OpFoldResult GraphBuilder::multiply(OpFoldResult a, OpFoldResult b) {
  std::optional<int64_t> x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return index(*x * *y);
  if (x == 1)
    return b;
  if (y == 1)
    return a;
  std::string name = nameOf(a) + "*" + nameOf(b);
  for (const Symbol &symbol : symbols)
    if (symbol.name == name)
      return symbol.size;
  Value product = arith::MulIOp::create(builder, toValue(a), toValue(b));
  symbols.push_back({name, product});
  return product;
}

Value GraphBuilder::number(double value) {
  return arith::ConstantOp::create(builder, builder.getF32FloatAttr(value));
}

Tensor GraphBuilder::empty(const Sizes &sizes, Type element) {
  return {tensor::EmptyOp::create(builder, sizes, element), sizes};
}

Tensor GraphBuilder::zeros(const Sizes &sizes) {
  Tensor init = empty(sizes, builder.getF32Type());
  return {linalg::FillOp::create(builder, number(0.0), init.value).getResult(0),
          sizes};
}

Expected<Tensor> GraphBuilder::elementwise(ArrayRef<Tensor> inputs,
                                           Type element, Scalars body) {
  int64_t rank = 0;
  for (const Tensor &input : inputs)
    rank = std::max(rank, input.rank());
  Sizes sizes(rank, index(1));
  for (const Tensor &input : inputs)
    for (auto [i, size] : llvm::enumerate(input.sizes)) {
      OpFoldResult &all = sizes[rank - input.rank() + i];
      if (isOneInteger(all))
        all = size;
      else if (!isOneInteger(size) && size != all)
        return llvm::createStringError(
            "sizes of dimension " + Twine(i) +
            " do not fit: they must be 1 or the same size or symbol");
    }
  SmallVector<AffineMap> maps;
  SmallVector<Value> operands;
  MLIRContext *context = builder.getContext();
  for (const Tensor &input : inputs) {
    SmallVector<AffineExpr> exprs;
    for (int64_t i = 0; i < input.rank(); ++i) {
      int64_t dim = rank - input.rank() + i;
      bool stretched =
          isOneInteger(input.sizes[i]) && !isOneInteger(sizes[dim]);
      exprs.push_back(stretched ? builder.getAffineConstantExpr(0)
                                : builder.getAffineDimExpr(dim));
    }
    maps.push_back(AffineMap::get(rank, 0, exprs, context));
    operands.push_back(input.value);
  }
  maps.push_back(builder.getMultiDimIdentityMap(rank));
  Tensor init = empty(sizes, element);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      builder, TypeRange{init.value.getType()}, operands,
      ValueRange{init.value}, maps, iterators,
      [&](OpBuilder &b, Location loc, ValueRange args) {
        ImplicitLocOpBuilder inner(loc, b);
        linalg::YieldOp::create(inner, body(inner, args.drop_back()));
      });
  return Tensor{generic.getResult(0), sizes};
}

Tensor GraphBuilder::toFloat32(const Tensor &input) {
  Type f32 = builder.getF32Type();
  if (input.element() == f32)
    return input;
  bool narrows = input.element().getIntOrFloatBitWidth() > 32;
  // One input always fits itself.
  return llvm::cantFail(elementwise(
      {input}, f32, [&](ImplicitLocOpBuilder &b, ValueRange x) -> Value {
        if (narrows)
          return arith::TruncFOp::create(b, f32, x[0]);
        return arith::ExtFOp::create(b, f32, x[0]);
      }));
}

Tensor GraphBuilder::reduceLast(const Tensor &input, Scalars body) {
  Sizes sizes(input.sizes.begin(), std::prev(input.sizes.end()));
  Tensor init = zeros(sizes);
  int64_t rank = input.rank();
  AffineMap all = builder.getMultiDimIdentityMap(rank);
  AffineMap kept = all.dropResult(rank - 1);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  auto generic = linalg::GenericOp::create(
      builder, TypeRange{init.value.getType()}, ValueRange{input.value},
      ValueRange{init.value}, ArrayRef<AffineMap>{all, kept}, iterators,
      [&](OpBuilder &b, Location loc, ValueRange args) {
        ImplicitLocOpBuilder inner(loc, b);
        Value term = body(inner, args.take_front());
        linalg::YieldOp::create(
            inner, ValueRange{arith::AddFOp::create(inner, args[1], term)});
      });
  // The last dimension stays, of size 1, so that the sums broadcast.
  Sizes kept1 = sizes;
  kept1.push_back(index(1));
  return reshape({generic.getResult(0), sizes}, kept1);
}

Tensor GraphBuilder::collapseRows(const Tensor &input) {
  OpFoldResult rows = index(1);
  for (OpFoldResult size : ArrayRef(input.sizes).drop_back())
    rows = multiply(rows, size);
  return reshape(input, {rows, input.sizes.back()});
}

Tensor GraphBuilder::expandRows(const Tensor &rows, const Tensor &like) {
  Sizes sizes(like.sizes.begin(), std::prev(like.sizes.end()));
  sizes.push_back(rows.sizes.back());
  return reshape(rows, sizes);
}

Tensor GraphBuilder::reshape(const Tensor &input, const Sizes &sizes) {
  if (input.sizes == sizes)
    return input;
  auto resultType = RankedTensorType::get(toShape(sizes), input.element());
  // A scalar and one element of any rank.
  if (input.sizes.empty())
    return {tensor::ExpandShapeOp::create(builder, resultType, input.value,
                                          ArrayRef<ReassociationIndices>(),
                                          sizes),
            sizes};
  if (sizes.empty())
    return {tensor::CollapseShapeOp::create(builder, resultType, input.value,
                                            ArrayRef<ReassociationIndices>()),
            sizes};
  // Equal first and last sizes stay apart; what is between them becomes one
  // dimension and then what it shall be.
  size_t most = std::min(input.sizes.size(), sizes.size());
  size_t prefix = 0, suffix = 0;
  while (prefix < most && input.sizes[prefix] == sizes[prefix])
    ++prefix;
  while (suffix < most - prefix &&
         *(input.sizes.end() - 1 - suffix) == *(sizes.end() - 1 - suffix))
    ++suffix;
  if (prefix + suffix == most)
    --(prefix ? prefix : suffix);
  auto group = [&](size_t rank) {
    SmallVector<ReassociationIndices> groups;
    for (size_t i = 0; i < rank; ++i) {
      if (i <= prefix || i >= rank - suffix)
        groups.emplace_back();
      groups.back().push_back(static_cast<int64_t>(i));
    }
    return groups;
  };
  OpFoldResult joined = index(1);
  for (OpFoldResult size :
       ArrayRef(input.sizes).drop_front(prefix).drop_back(suffix))
    joined = multiply(joined, size);
  Sizes middle(input.sizes.begin(), input.sizes.begin() + prefix);
  middle.push_back(joined);
  middle.append(input.sizes.end() - suffix, input.sizes.end());
  Value value = input.value;
  if (input.sizes.size() != middle.size())
    value = tensor::CollapseShapeOp::create(
        builder, RankedTensorType::get(toShape(middle), input.element()), value,
        group(input.sizes.size()));
  if (sizes.size() != middle.size())
    value = tensor::ExpandShapeOp::create(builder, resultType, value,
                                          group(sizes.size()), sizes);
  return {value, sizes};
}

Tensor GraphBuilder::multiplyTransposed(const Tensor &rows,
                                        const Tensor &weight) {
  Tensor init = zeros({rows.sizes[0], weight.sizes[0]});
  return {linalg::MatmulTransposeBOp::create(
              builder, builder.getLoc(), TypeRange{init.value.getType()},
              ValueRange{rows.value, weight.value}, ValueRange{init.value})
              .getResult(0),
          init.sizes};
}
