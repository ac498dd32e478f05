// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/TensorBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace moec;
using namespace mlir;

static RankedTensorType typeOf(Value value) {
  return llvm::cast<RankedTensorType>(value.getType());
}

void TensorBuilder::beginFunction(Value ids) {
  batch = tensor::DimOp::create(b, ids, 0);
  tokens = tensor::DimOp::create(b, ids, 1);
  rows = arith::MulIOp::create(b, batch, tokens);
}

Value TensorBuilder::parameter(llvm::StringRef name, const ParameterSpec &spec,
                               llvm::ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, spec.element);
  auto symbol = FlatSymbolRefAttr::get(b.getContext(), name);
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(module.getBody());
    ml_program::GlobalOp::create(b, name, type, /*is_mutable=*/false,
                                 spec.value, b.getStringAttr("private"));
  }
  return ml_program::GlobalLoadConstOp::create(b, type, symbol);
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

Value TensorBuilder::mergeTokens(Value value) {
  int64_t rank = typeOf(value).getRank();
  llvm::SmallVector<ReassociationIndices> dims = {{0, 1}};
  for (int64_t dim = 2; dim < rank; ++dim)
    dims.push_back({dim});
  return tensor::CollapseShapeOp::create(b, value, dims);
}

Value TensorBuilder::splitTokens(Value value, llvm::ArrayRef<int64_t> rest) {
  llvm::SmallVector<int64_t> shape(2, ShapedType::kDynamic);
  llvm::append_range(shape, rest);
  ReassociationIndices inner;
  llvm::SmallVector<OpFoldResult> sizes = {batch, tokens};
  for (size_t dim = 0; dim < rest.size(); ++dim) {
    inner.push_back(2 + dim);
    sizes.push_back(b.getIndexAttr(rest[dim]));
  }
  llvm::SmallVector<ReassociationIndices> dims = {{0, 1}, inner};
  return tensor::ExpandShapeOp::create(
      b, RankedTensorType::get(shape, typeOf(value).getElementType()), value,
      dims, sizes);
}

Value TensorBuilder::mergeHeads(Value value) {
  llvm::SmallVector<ReassociationIndices> dims = {{0}, {1}, {2, 3}};
  return tensor::CollapseShapeOp::create(b, value, dims);
}

Value TensorBuilder::takeLastTokens(Value value) {
  int64_t width = typeOf(value).getDimSize(1);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value last = arith::SubIOp::create(b, tokens, one);
  Value sequences = splitTokens(value, {width});
  rows = batch;
  Value init = linalg::FillOp::create(b, real(b, 0), empty(width)).getResult(0);
  // A selection over all tokens: an index would need a token to be there.
  llvm::SmallVector<AffineMap> maps = {
      b.getMultiDimIdentityMap(3), b.getMultiDimIdentityMap(3).dropResult(1)};
  llvm::SmallVector<utils::IteratorType> iterators = {
      utils::IteratorType::parallel, utils::IteratorType::reduction,
      utils::IteratorType::parallel};
  return linalg::GenericOp::create(
             b, TypeRange{init.getType()}, ValueRange{sequences},
             ValueRange{init}, maps, iterators,
             [&](OpBuilder &n, Location loc, ValueRange args) {
               Value token = linalg::IndexOp::create(n, loc, 1);
               Value isLast = arith::CmpIOp::create(
                   n, loc, arith::CmpIPredicate::eq, token, last);
               Value row =
                   arith::SelectOp::create(n, loc, isLast, args[0], args[1]);
               linalg::YieldOp::create(n, loc, row);
             })
      .getResult(0);
}

Value TensorBuilder::columns(Value value, int64_t offset, int64_t size) {
  int64_t rank = typeOf(value).getRank();
  llvm::SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(b, b.getLoc(), value);
  llvm::SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0));
  llvm::SmallVector<OpFoldResult> ones(rank, b.getIndexAttr(1));
  sizes.back() = b.getIndexAttr(size);
  offsets.back() = b.getIndexAttr(offset);
  return tensor::ExtractSliceOp::create(b, value, offsets, sizes, ones);
}

Value TensorBuilder::cast(Value value, Type type) {
  return value.getType() == type
             ? value
             : tensor::CastOp::create(b, type, value).getResult();
}

Value TensorBuilder::empty(int64_t width) {
  auto type =
      RankedTensorType::get({ShapedType::kDynamic, width}, b.getF32Type());
  return tensor::EmptyOp::create(b, type, ValueRange{rows});
}

Value TensorBuilder::emptyHeads(int64_t heads, int64_t width) {
  constexpr int64_t any = ShapedType::kDynamic;
  auto type = RankedTensorType::get({any, any, heads, width}, b.getF32Type());
  return tensor::EmptyOp::create(b, type, ValueRange{batch, tokens});
}

/// An uninitialised [T, ..] or [B, S, heads, ..].
Value TensorBuilder::emptyOf(RankedTensorType type) {
  llvm::SmallVector<Value> sizes = {batch, tokens};
  if (type.getNumDynamicDims() == 1)
    sizes = {rows};
  return tensor::EmptyOp::create(b, type, sizes);
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

Value TensorBuilder::generic(llvm::ArrayRef<Value> inputs,
                             llvm::ArrayRef<AffineMap> maps, Value init,
                             Body body) {
  int64_t rank = typeOf(init).getRank();
  llvm::SmallVector<AffineMap> all(maps);
  all.push_back(b.getMultiDimIdentityMap(rank));
  llvm::SmallVector<utils::IteratorType> iterators(
      rank, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, TypeRange{init.getType()}, inputs, ValueRange{init}, all,
             iterators,
             [&](OpBuilder &n, Location loc, ValueRange args) {
               linalg::YieldOp::create(n, loc, body(n, loc, args.drop_back()));
             })
      .getResult(0);
}

Value TensorBuilder::elementwise(llvm::ArrayRef<Value> inputs, Body body) {
  llvm::SmallVector<AffineMap> maps(inputs.size(), b.getMultiDimIdentityMap(2));
  return generic(inputs, maps, empty(typeOf(inputs[0]).getDimSize(1)), body);
}

Value TensorBuilder::real(OpBuilder &n, double value) {
  return arith::ConstantOp::create(n, b.getLoc(), n.getF32FloatAttr(value));
}

Value TensorBuilder::widen(OpBuilder &n, Value value) {
  if (value.getType().isF32())
    return value;
  return arith::ExtFOp::create(n, b.getLoc(), n.getF32Type(), value);
}

Value TensorBuilder::scale(Value value, double factor) {
  return elementwise({value}, [&](OpBuilder &n, Location loc, ValueRange args) {
    return arith::MulFOp::create(n, loc, args[0], real(n, factor)).getResult();
  });
}

Value TensorBuilder::clamp(Value value, double limit) {
  return elementwise(
      {value}, [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
        Value low = arith::MaximumFOp::create(n, loc, args[0], real(n, -limit));
        return arith::MinimumFOp::create(n, loc, low, real(n, limit));
      });
}

Value TensorBuilder::linear(const std::string &name, const LinearSpec &spec,
                            Value x) {
  Value weight = parameter(name, spec.weight, {spec.out, spec.in});
  Value init =
      linalg::FillOp::create(b, real(b, 0), empty(spec.out)).getResult(0);
  Value product = linalg::MatmulTransposeBOp::create(
                      b, b.getLoc(), TypeRange{init.getType()},
                      ValueRange{x, weight}, ValueRange{init})
                      .getResult(0);
  if (!spec.bias)
    return product;
  Value bias = parameter(name + ".bias", *spec.bias, {spec.out});
  return generic(
      {product, bias},
      {b.getMultiDimIdentityMap(2),
       AffineMap::get(2, 0, {b.getAffineDimExpr(1)}, b.getContext())},
      empty(spec.out),
      [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
        return arith::AddFOp::create(n, loc, args[0], widen(n, args[1]));
      });
}

/// The sum of `body` over the last dimension.
Value TensorBuilder::reduce(Value x, Body body) {
  RankedTensorType type = typeOf(x);
  int64_t rank = type.getRank();
  auto sumType =
      RankedTensorType::get(type.getShape().drop_back(), b.getF32Type());
  Value init =
      linalg::FillOp::create(b, real(b, 0), emptyOf(sumType)).getResult(0);
  llvm::SmallVector<AffineMap> maps = {
      b.getMultiDimIdentityMap(rank),
      b.getMultiDimIdentityMap(rank).dropResult(rank - 1)};
  llvm::SmallVector<utils::IteratorType> iterators(
      rank, utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  return linalg::GenericOp::create(
             b, TypeRange{sumType}, ValueRange{x}, ValueRange{init}, maps,
             iterators,
             [&](OpBuilder &n, Location loc, ValueRange args) {
               Value term = body(n, loc, args.drop_back());
               Value sum = arith::AddFOp::create(n, loc, args[1], term);
               linalg::YieldOp::create(n, loc, sum);
             })
      .getResult(0);
}

Value TensorBuilder::norm(const std::string &name, const NormSpec &spec,
                          Value x) {
  RankedTensorType type = typeOf(x);
  int64_t rank = type.getRank(), width = type.getDimSize(rank - 1);
  AffineMap each = b.getMultiDimIdentityMap(rank);
  AffineMap row = each.dropResult(rank - 1);
  AffineMap column =
      AffineMap::get(rank, 0, {b.getAffineDimExpr(rank - 1)}, b.getContext());
  if (spec.isLayerNorm) {
    Value sum = reduce(
        x, [](OpBuilder &, Location, ValueRange args) { return args[0]; });
    x = generic({x, sum}, {each, row}, emptyOf(type),
                [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
                  Value mean =
                      arith::DivFOp::create(n, loc, args[1], real(n, width));
                  return arith::SubFOp::create(n, loc, args[0], mean);
                });
  }
  Value squares =
      reduce(x, [](OpBuilder &n, Location loc, ValueRange args) -> Value {
        return arith::MulFOp::create(n, loc, args[0], args[0]);
      });
  llvm::SmallVector<Value> inputs = {x, squares};
  llvm::SmallVector<AffineMap> maps = {each, row};
  for (auto [suffix, parameterSpec] :
       {std::pair("", &spec.weight), std::pair(".bias", &spec.bias)})
    if (*parameterSpec) {
      inputs.push_back(parameter(name + suffix, **parameterSpec, {width}));
      maps.push_back(column);
    }
  return generic(
      inputs, maps, emptyOf(type),
      [&](OpBuilder &n, Location loc, ValueRange args) -> Value {
        Value mean = arith::DivFOp::create(n, loc, args[1], real(n, width));
        Value shifted = arith::AddFOp::create(n, loc, mean, real(n, spec.eps));
        Value factor = math::RsqrtOp::create(n, loc, shifted);
        Value y = arith::MulFOp::create(n, loc, args[0], factor);
        unsigned next = 2;
        if (spec.weight) {
          Value weight = widen(n, args[next++]);
          if (spec.addsOne)
            weight = arith::AddFOp::create(n, loc, weight, real(n, 1));
          y = arith::MulFOp::create(n, loc, y, weight);
        }
        if (spec.bias)
          y = arith::AddFOp::create(n, loc, y, widen(n, args[next]));
        return y;
      });
}
