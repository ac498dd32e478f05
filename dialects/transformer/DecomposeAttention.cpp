// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention as it is defined: all scores at once. Right for every target, and
// quadratic in memory; targets have kernels of their own.

#include "dialects/transformer/Transformer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <limits>

using namespace mlir;
using namespace moec::transformer;

namespace {
/// Dimensions of the iteration space: sequence, query, key head, query head of
/// that key head, key, entry.
enum Dim { Batch, Query, Head, Group, Key, Entry };

class Decomposer {
public:
  Decomposer(OpBuilder &builder, AttentionOp op)
      : b(op.getLoc(), builder), op(op) {
    auto query = cast<RankedTensorType>(op.getQuery().getType());
    auto key = cast<RankedTensorType>(op.getKey().getType());
    auto value = cast<RankedTensorType>(op.getValue().getType());
    heads = key.getDimSize(2);
    groups = query.getDimSize(2) / heads;
    width = value.getDimSize(3);
    batch = tensor::getMixedSize(b, b.getLoc(), op.getQuery(), 0);
    tokens = tensor::getMixedSize(b, b.getLoc(), op.getQuery(), 1);
    keys = tensor::getMixedSize(b, b.getLoc(), op.getKey(), 1);
  }

  Value build() {
    Value scores = buildScores();
    Value sinks = op.getSinks() ? widenSinks() : Value();
    Value most = buildMaximum(scores, sinks);
    Value weights = buildWeights(scores, most);
    Value sums = buildSums(weights, most, sinks);
    Value outputs = buildOutputs(weights);
    return divide(outputs, sums);
  }

private:
  using Body = function_ref<Value(ImplicitLocOpBuilder &, ValueRange)>;

  Value real(ImplicitLocOpBuilder &n, double value) {
    return arith::ConstantOp::create(n, n.getF32FloatAttr(value));
  }
  Value negativeInfinity(ImplicitLocOpBuilder &n) {
    return real(n, -std::numeric_limits<double>::infinity());
  }
  Value widen(ImplicitLocOpBuilder &n, Value value) {
    return value.getType().isF32()
               ? value
               : arith::ExtFOp::create(n, n.getF32Type(), value).getResult();
  }

  Value empty(ArrayRef<OpFoldResult> shape) {
    return tensor::EmptyOp::create(b, shape, b.getF32Type());
  }
  Value filled(ArrayRef<OpFoldResult> shape, Value value) {
    return linalg::FillOp::create(b, value, empty(shape)).getResult(0);
  }
  /// [B, Hkv, G, S]
  SmallVector<OpFoldResult> rowShape() {
    return {batch, b.getIndexAttr(heads), b.getIndexAttr(groups), tokens};
  }
  SmallVector<OpFoldResult> scoreShape() {
    SmallVector<OpFoldResult> shape = rowShape();
    shape.push_back(keys);
    return shape;
  }

  /// A generic over all dimensions that the maps mention.
  Value generic(ArrayRef<Value> inputs, ArrayRef<SmallVector<Dim>> maps,
                Value init, ArrayRef<Dim> initMap, Body body) {
    // Dimensions that nobody uses leave the space.
    SmallVector<bool> used(6, false);
    auto mark = [&](ArrayRef<Dim> map) {
      for (Dim dim : map)
        used[dim] = true;
    };
    for (ArrayRef<Dim> map : maps)
      mark(map);
    mark(initMap);
    SmallVector<AffineExpr> names(6);
    unsigned count = 0;
    for (unsigned dim = 0; dim < 6; ++dim)
      if (used[dim])
        names[dim] = b.getAffineDimExpr(count++);
    SmallVector<AffineMap> all;
    auto add = [&](ArrayRef<Dim> map) {
      SmallVector<AffineExpr> results;
      for (Dim dim : map)
        results.push_back(names[dim]);
      all.push_back(AffineMap::get(count, 0, results, b.getContext()));
    };
    for (ArrayRef<Dim> map : maps)
      add(map);
    add(initMap);
    SmallVector<utils::IteratorType> iterators;
    for (unsigned dim = 0; dim < 6; ++dim)
      if (used[dim])
        iterators.push_back(llvm::is_contained(initMap, Dim(dim))
                                ? utils::IteratorType::parallel
                                : utils::IteratorType::reduction);
    return linalg::GenericOp::create(
               b, TypeRange{init.getType()}, inputs, ValueRange{init}, all,
               iterators,
               [&](OpBuilder &inner, Location loc, ValueRange arguments) {
                 ImplicitLocOpBuilder nested(loc, inner);
                 linalg::YieldOp::create(nested, body(nested, arguments));
               })
        .getResult(0);
  }

  /// [B, S, Hq, D] as [B, S, Hkv, G, D].
  Value splitHeads(Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    auto split = RankedTensorType::get({type.getDimSize(0), type.getDimSize(1),
                                        heads, groups, type.getDimSize(3)},
                                       type.getElementType());
    SmallVector<ReassociationIndices> dims = {{0}, {1}, {2, 3}, {4}};
    SmallVector<OpFoldResult> shape = {
        tensor::getMixedSize(b, b.getLoc(), value, 0),
        tensor::getMixedSize(b, b.getLoc(), value, 1), b.getIndexAttr(heads),
        b.getIndexAttr(groups), b.getIndexAttr(type.getDimSize(3))};
    return tensor::ExpandShapeOp::create(b, split, value, dims, shape);
  }

  /// Scaled, capped and masked.
  Value buildScores() {
    Value zero = filled(scoreShape(), real(b, 0));
    Value products =
        generic({splitHeads(op.getQuery()), op.getKey()},
                {{Batch, Query, Head, Group, Entry}, {Batch, Key, Head, Entry}},
                zero, {Batch, Head, Group, Query, Key},
                [&](ImplicitLocOpBuilder &n, ValueRange args) -> Value {
                  Value product = arith::MulFOp::create(n, widen(n, args[0]),
                                                        widen(n, args[1]));
                  return arith::AddFOp::create(n, args[2], product);
                });
    SmallVector<Value> inputs = {products, op.getQueryPositions(),
                                 op.getKeyPositions()};
    SmallVector<SmallVector<Dim>> maps = {
        {Batch, Head, Group, Query, Key}, {Batch, Query}, {Batch, Key}};
    if (op.getQuerySegments()) {
      inputs.append({op.getQuerySegments(), op.getKeySegments()});
      maps.push_back({Batch, Query});
      maps.push_back({Batch, Key});
    }
    return generic(inputs, maps, empty(scoreShape()),
                   {Batch, Head, Group, Query, Key},
                   [&](ImplicitLocOpBuilder &n, ValueRange args) -> Value {
                     Value score = arith::MulFOp::create(
                         n, args[0], real(n, op.getScale().convertToDouble()));
                     if (op.getSoftcap()) {
                       Value cap = real(n, op.getSoftcap()->convertToDouble());
                       Value part = arith::DivFOp::create(n, score, cap);
                       score = arith::MulFOp::create(
                           n, cap, math::TanhOp::create(n, part).getResult());
                     }
                     return arith::SelectOp::create(n, buildVisible(n, args),
                                                    score, negativeInfinity(n));
                   });
  }

  Value buildVisible(ImplicitLocOpBuilder &n, ValueRange args) {
    auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
      return arith::CmpIOp::create(n, predicate, x, y).getResult();
    };
    Value query = args[1], key = args[2];
    auto number = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(n, n.getI32IntegerAttr(value));
    };
    Value visible = compare(arith::CmpIPredicate::sge, key, number(0));
    auto also = [&](Value condition) {
      visible = arith::AndIOp::create(n, visible, condition);
    };
    if (op.getCausal())
      also(compare(arith::CmpIPredicate::sle, key, query));
    if (std::optional<int64_t> window = op.getWindow()) {
      Value distance = arith::SubIOp::create(n, query, key);
      int64_t limit =
          std::min<int64_t>(*window, std::numeric_limits<int32_t>::max());
      also(compare(arith::CmpIPredicate::slt, distance, number(limit)));
    }
    if (op.getQuerySegments())
      also(compare(arith::CmpIPredicate::eq, args[3], args[4]));
    return visible;
  }

  /// The sinks as [Hkv, G].
  Value widenSinks() {
    Type element =
        cast<RankedTensorType>(op.getSinks().getType()).getElementType();
    SmallVector<ReassociationIndices> dims = {{0, 1}};
    return tensor::ExpandShapeOp::create(
        b, RankedTensorType::get({heads, groups}, element), op.getSinks(),
        dims);
  }

  Value buildMaximum(Value scores, Value sinks) {
    Value init;
    SmallVector<Dim> row = {Batch, Head, Group, Query};
    if (sinks)
      init = generic({sinks}, {{Head, Group}}, empty(rowShape()), row,
                     [&](ImplicitLocOpBuilder &n, ValueRange args) {
                       return widen(n, args[0]);
                     });
    else
      init = filled(rowShape(), negativeInfinity(b));
    return generic({scores}, {{Batch, Head, Group, Query, Key}}, init, row,
                   [](ImplicitLocOpBuilder &n, ValueRange args) -> Value {
                     return arith::MaximumFOp::create(n, args[1], args[0]);
                   });
  }

  /// exp(x - most), 0 for -inf.
  Value buildExp(ImplicitLocOpBuilder &n, Value x, Value most) {
    Value isHidden = arith::CmpFOp::create(n, arith::CmpFPredicate::OEQ, x,
                                           negativeInfinity(n));
    Value difference = arith::SubFOp::create(n, x, most);
    Value value = math::ExpOp::create(n, difference);
    return arith::SelectOp::create(n, isHidden, real(n, 0), value);
  }

  Value buildWeights(Value scores, Value most) {
    SmallVector<Dim> all = {Batch, Head, Group, Query, Key};
    return generic({scores, most}, {all, {Batch, Head, Group, Query}},
                   empty(scoreShape()), all,
                   [&](ImplicitLocOpBuilder &n, ValueRange args) {
                     return buildExp(n, args[0], args[1]);
                   });
  }

  Value buildSums(Value weights, Value most, Value sinks) {
    SmallVector<Dim> row = {Batch, Head, Group, Query};
    Value init;
    if (sinks)
      init = generic({sinks, most}, {{Head, Group}, row}, empty(rowShape()),
                     row, [&](ImplicitLocOpBuilder &n, ValueRange args) {
                       return buildExp(n, widen(n, args[0]), args[1]);
                     });
    else
      init = filled(rowShape(), real(b, 0));
    return generic({weights}, {{Batch, Head, Group, Query, Key}}, init, row,
                   [](ImplicitLocOpBuilder &n, ValueRange args) -> Value {
                     return arith::AddFOp::create(n, args[1], args[0]);
                   });
  }

  Value buildOutputs(Value weights) {
    SmallVector<OpFoldResult> shape = {batch, tokens, b.getIndexAttr(heads),
                                       b.getIndexAttr(groups),
                                       b.getIndexAttr(width)};
    return generic(
        {weights, op.getValue()},
        {{Batch, Head, Group, Query, Key}, {Batch, Key, Head, Entry}},
        filled(shape, real(b, 0)), {Batch, Query, Head, Group, Entry},
        [&](ImplicitLocOpBuilder &n, ValueRange args) -> Value {
          Value product = arith::MulFOp::create(n, args[0], widen(n, args[1]));
          return arith::AddFOp::create(n, args[2], product);
        });
  }

  Value divide(Value outputs, Value sums) {
    Value init = splitHeads(op.getInit());
    SmallVector<Dim> all = {Batch, Query, Head, Group, Entry};
    Value divided = generic(
        {outputs, sums}, {all, {Batch, Head, Group, Query}}, init, all,
        [&](ImplicitLocOpBuilder &n, ValueRange args) -> Value {
          Value isEmpty = arith::CmpFOp::create(n, arith::CmpFPredicate::OEQ,
                                                args[1], real(n, 0));
          Value quotient = arith::DivFOp::create(n, args[0], args[1]);
          Value value =
              arith::SelectOp::create(n, isEmpty, real(n, 0), quotient);
          Type type = args[2].getType();
          return type.isF32()
                     ? value
                     : arith::TruncFOp::create(n, type, value).getResult();
        });
    SmallVector<ReassociationIndices> dims = {{0}, {1}, {2, 3}, {4}};
    return tensor::CollapseShapeOp::create(b, op.getInit().getType(), divided,
                                           dims);
  }

  ImplicitLocOpBuilder b;
  AttentionOp op;
  int64_t heads, groups, width;
  OpFoldResult batch, tokens, keys;
};
} // namespace

Value moec::transformer::decomposeAttention(OpBuilder &builder,
                                            AttentionOp op) {
  return Decomposer(builder, op).build();
}
