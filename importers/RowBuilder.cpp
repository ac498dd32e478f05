// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/RowBuilder.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace moec;
using namespace mlir;

RowBuilder::RowBuilder(func::FuncOp function, llvm::StringRef prefix)
    : builder(function.getLoc(), function.getContext()), function(function),
      prefix(prefix) {
  builder.setInsertionPointToStart(&function.getBody().front());
}

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

Value RowBuilder::parameter(llvm::StringRef name, const ParameterSpec &spec,
                            llvm::ArrayRef<int64_t> shape) {
  Value &value = parameters[name];
  if (value)
    return value;
  std::string symbol = prefix + "." + name.str();
  auto type = RankedTensorType::get(shape, spec.element);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(function);
    ml_program::GlobalOp::create(builder, symbol, type, /*is_mutable=*/false,
                                 spec.value, builder.getStringAttr("private"));
  }
  return value = ml_program::GlobalLoadConstOp::create(
             builder, type,
             FlatSymbolRefAttr::get(builder.getContext(), symbol));
}

Value RowBuilder::countRowsOf(Value rows) {
  Value before = numRows;
  numRows = tensor::DimOp::create(builder, rows, 0);
  return before;
}

Value RowBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, value);
}

Value RowBuilder::empty(int64_t width) {
  return tensor::EmptyOp::create(builder, rowsOf(width), ValueRange{numRows});
}

static Value fillZero(ImplicitLocOpBuilder &builder, Value init) {
  Value zero = arith::ConstantOp::create(builder, builder.getF32FloatAttr(0.0));
  return linalg::FillOp::create(builder, zero, init).getResult(0);
}

Value RowBuilder::zeros(int64_t width) {
  return fillZero(builder, empty(width));
}

Value RowBuilder::linear(Value rows, Value weight, Value bias) {
  Value init = zeros(typeOf(weight).getDimSize(0));
  Value product = linalg::MatmulTransposeBOp::create(
                      builder, builder.getLoc(), TypeRange{init.getType()},
                      ValueRange{rows, weight}, ValueRange{init})
                      .getResult(0);
  if (!bias)
    return product;
  return elementwise({product, bias}, [](Scalar s, ValueRange args) {
    return s.add(args[0], args[1]);
  });
}

Value RowBuilder::elementwise(llvm::ArrayRef<Value> inputs, Body body,
                              Type element) {
  MLIRContext *context = builder.getContext();
  AffineExpr row = builder.getAffineDimExpr(0);
  AffineExpr column = builder.getAffineDimExpr(1);
  AffineExpr first = builder.getAffineConstantExpr(0);
  int64_t width = typeOf(inputs[0]).getDimSize(1);
  llvm::SmallVector<AffineMap> maps;
  for (Value input : inputs) {
    RankedTensorType type = typeOf(input);
    if (type.getRank() == 1)
      maps.push_back(
          AffineMap::get(2, 0, type.isDynamicDim(0) ? row : column, context));
    else
      maps.push_back(AffineMap::get(
          2, 0, {row, type.getDimSize(1) == 1 && width != 1 ? first : column},
          context));
  }
  maps.push_back(builder.getMultiDimIdentityMap(2));
  Type result = element ? element : builder.getF32Type();
  Value init = tensor::EmptyOp::create(builder, rowsOf(width, result),
                                       ValueRange{numRows});
  llvm::SmallVector<utils::IteratorType> iterators(
      2, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, TypeRange{init.getType()}, inputs, ValueRange{init}, maps,
             iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               llvm::SmallVector<Value> wide;
               for (Value arg : args.drop_back()) {
                 bool narrow = isa<FloatType>(arg.getType()) &&
                               arg.getType().getIntOrFloatBitWidth() < 32;
                 wide.push_back(
                     narrow ? arith::ExtFOp::create(b, loc, b.getF32Type(), arg)
                                  .getResult()
                            : arg);
               }
               linalg::YieldOp::create(b, loc, body(Scalar{b, loc}, wide));
             })
      .getResult(0);
}

Value RowBuilder::sumRows(Value rows,
                          llvm::function_ref<Value(Scalar, Value)> term) {
  MLIRContext *context = builder.getContext();
  auto type =
      RankedTensorType::get({ShapedType::kDynamic}, builder.getF32Type());
  Value init = fillZero(
      builder, tensor::EmptyOp::create(builder, type, ValueRange{numRows}));
  llvm::SmallVector<AffineMap> maps = {
      builder.getMultiDimIdentityMap(2),
      AffineMap::get(2, 0, builder.getAffineDimExpr(0), context)};
  llvm::SmallVector<utils::IteratorType> iterators = {
      utils::IteratorType::parallel, utils::IteratorType::reduction};
  return linalg::GenericOp::create(
             builder, TypeRange{type}, ValueRange{rows}, ValueRange{init}, maps,
             iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               Scalar s{b, loc};
               linalg::YieldOp::create(b, loc,
                                       s.add(args[1], term(s, args[0])));
             })
      .getResult(0);
}

Value RowBuilder::softmax(Value rows) {
  Value init = empty(typeOf(rows).getDimSize(1));
  return linalg::SoftmaxOp::create(builder, TypeRange{init.getType()}, rows,
                                   init, /*dimension=*/1)
      ->getResult(0);
}

Value RowBuilder::columns(Value rows, int64_t begin, int64_t width) {
  if (width == typeOf(rows).getDimSize(1))
    return rows;
  llvm::SmallVector<OpFoldResult> offsets = {builder.getIndexAttr(0),
                                             builder.getIndexAttr(begin)};
  llvm::SmallVector<OpFoldResult> sizes = {numRows,
                                           builder.getIndexAttr(width)};
  llvm::SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, rowsOf(width), rows, offsets,
                                        sizes, strides);
}

Value RowBuilder::norm(Value rows, const RmsNormSpec &spec, Value scale) {
  double width = typeOf(rows).getDimSize(1);
  auto multiply = [&](Value x) {
    if (!scale)
      return x;
    return elementwise({x, scale}, [&](Scalar s, ValueRange args) {
      Value factor = spec.centered ? s.add(s.constant(1.0), args[1]) : args[1];
      return s.mul(args[0], factor);
    });
  };
  if (spec.scaleFirst)
    rows = multiply(rows);
  Value squares = sumRows(rows, [](Scalar s, Value x) { return s.mul(x, x); });
  Value normed = elementwise({rows, squares}, [&](Scalar s, ValueRange args) {
    Value mean = s.div(args[1], s.constant(width));
    return s.mul(args[0], s.rsqrt(s.add(mean, s.constant(spec.eps))));
  });
  return spec.scaleFirst ? normed : multiply(normed);
}

Value RowBuilder::scale(Value rows, double factor) {
  if (factor == 1.0)
    return rows;
  return elementwise({rows}, [&](Scalar s, ValueRange args) {
    return s.mul(args[0], factor);
  });
}

//===----------------------------------------------------------------------===//
// Feed-forward networks
//===----------------------------------------------------------------------===//

RowBuilder::FeedForward RowBuilder::declare(llvm::StringRef name,
                                            const FeedForwardSpec &spec,
                                            int64_t width,
                                            llvm::ArrayRef<int64_t> stack) {
  auto make = [&](llvm::StringRef part, const OptionalParameter &value,
                  llvm::ArrayRef<int64_t> shape) {
    llvm::SmallVector<int64_t> whole(stack);
    whole.append(shape.begin(), shape.end());
    return value ? parameter((name + "." + part).str(), *value, whole)
                 : Value();
  };
  FeedForward weights;
  weights.gate = make("gate", spec.gate, {spec.size, width});
  weights.up = make("up", spec.up, {spec.size, width});
  weights.down = make("down", spec.down, {width, spec.size});
  weights.gateBias = make("gate_bias", spec.gateBias, {spec.size});
  weights.upBias = make("up_bias", spec.upBias, {spec.size});
  weights.downBias = make("down_bias", spec.downBias, {width});
  return weights;
}

/// f(x): the activation, or x * sigmoid(swish * x).
static Value activate(Scalar s, const FeedForwardBody &body, Value x) {
  if (body.swish)
    return s.mul(x, s.sigmoid(s.mul(x, *body.swish)));
  if (body.gateSoftcap)
    return s.mul(s.softcap(x, *body.gateSoftcap), s.sigmoid(x));
  return body.activation->build(s.builder, s.loc, x);
}

static Value clamp(Scalar s, Value x, double limit) {
  return s.max(s.min(x, s.constant(limit)), s.constant(-limit));
}

static Value combine(Scalar s, const FeedForwardBody &body, Value gate,
                     Value up) {
  if (body.limitBefore)
    gate = s.min(gate, s.constant(*body.limitBefore));
  Value activated = activate(s, body, gate);
  if (body.limitAfter)
    activated = s.min(activated, s.constant(*body.limitAfter));
  if (auto limit = body.limitBefore ? body.limitBefore : body.limitAfter)
    up = clamp(s, up, *limit);
  if (body.upSoftcap)
    up = s.softcap(up, *body.upSoftcap);
  if (body.upOffset != 0.0)
    up = s.add(up, s.constant(body.upOffset));
  return s.mul(activated, up);
}

Value RowBuilder::feedForward(Value rows, const FeedForward &weights,
                              const FeedForwardBody &body, Value factor) {
  llvm::SmallVector<Value> inputs;
  if (weights.gate)
    inputs.push_back(linear(rows, weights.gate, weights.gateBias));
  inputs.push_back(linear(rows, weights.up, weights.upBias));
  if (factor)
    inputs.push_back(factor);
  Value inner = elementwise(inputs, [&](Scalar s, ValueRange args) {
    Value value = weights.gate ? combine(s, body, args[0], args[1])
                               : activate(s, body, args[0]);
    return factor ? s.mul(value, args.back()) : value;
  });
  return linear(inner, weights.down, weights.downBias);
}
