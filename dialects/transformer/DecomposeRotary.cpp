// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/transformer/Transformer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <numbers>

using namespace mlir;
using namespace moec::transformer;

/// An elementwise computation into `type`; its sizes are those of `like`.
static Value
elementwise(ImplicitLocOpBuilder &b, RankedTensorType type, Value like,
            ArrayRef<Value> inputs, ArrayRef<AffineMap> maps,
            function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> body) {
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(b, like, dim));
  Value init = tensor::EmptyOp::create(b, type, sizes);
  SmallVector<AffineMap> all(maps);
  all.push_back(b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, TypeRange{type}, inputs, ValueRange{init}, all, iterators,
             [&](OpBuilder &inner, Location loc, ValueRange arguments) {
               ImplicitLocOpBuilder nested(loc, inner);
               linalg::YieldOp::create(nested,
                                       body(nested, arguments.drop_back()));
             })
      .getResult(0);
}

/// position * frequency as an f32, [B, S, F].
static Value buildAngles(ImplicitLocOpBuilder &b, RotaryOp op) {
  auto type = cast<RankedTensorType>(op.getPositions().getType());
  int64_t pairs =
      cast<RankedTensorType>(op.getFrequencies().getType()).getDimSize(0);
  auto angles = RankedTensorType::get(
      {type.getDimSize(0), type.getDimSize(1), pairs}, b.getF32Type());
  AffineExpr d0, d1, d2;
  bindDims(b.getContext(), d0, d1, d2);
  return elementwise(
      b, angles, op.getPositions(), {op.getPositions(), op.getFrequencies()},
      {AffineMap::get(3, 0, {d0, d1}, b.getContext()),
       AffineMap::get(3, 0, {d2}, b.getContext())},
      [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value position = arith::SIToFPOp::create(b, b.getF32Type(), args[0]);
        return arith::MulFOp::create(b, position, args[1]);
      });
}

/// magnitude * cos, or sin, of the angles. Angles are large, so they are
/// brought into [-pi, pi] in f64: an f32 has no room for the whole turns.
template <typename Function>
static Value buildTable(ImplicitLocOpBuilder &b, Value angles,
                        double magnitude) {
  auto type = cast<RankedTensorType>(angles.getType());
  return elementwise(
      b, type, angles, {angles}, {b.getMultiDimIdentityMap(3)},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        auto f64 = [&](double value) -> Value {
          return arith::ConstantOp::create(b, b.getF64FloatAttr(value));
        };
        constexpr double turn = 2 * std::numbers::pi;
        Value wide = arith::ExtFOp::create(b, b.getF64Type(), args[0]);
        Value turns = math::RoundEvenOp::create(
            b, arith::MulFOp::create(b, wide, f64(1 / turn)).getResult());
        Value rest = arith::SubFOp::create(
            b, wide, arith::MulFOp::create(b, turns, f64(turn)).getResult());
        Value angle = arith::TruncFOp::create(b, b.getF32Type(), rest);
        Value value = Function::create(b, angle);
        if (magnitude == 1.0)
          return value;
        Value factor =
            arith::ConstantOp::create(b, b.getF32FloatAttr(magnitude));
        return arith::MulFOp::create(b, value, factor);
      });
}

Value moec::transformer::decomposeRotary(OpBuilder &builder, RotaryOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  double magnitude = op.getMagnitude().convertToDouble();
  Value angles = buildAngles(b, op);
  Value cosines = buildTable<math::CosOp>(b, angles, magnitude);
  Value sines = buildTable<math::SinOp>(b, angles, magnitude);
  auto type = cast<RankedTensorType>(op.getInput().getType());
  int64_t pairs = cast<RankedTensorType>(angles.getType()).getDimSize(2);
  Value input = op.getInput();
  return elementwise(
      b, type, input, {input}, {b.getMultiDimIdentityMap(4)},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        auto index = [&](int64_t value) -> Value {
          return arith::ConstantIndexOp::create(b, value);
        };
        Value at[4];
        for (int64_t dim = 0; dim < 4; ++dim)
          at[dim] = linalg::IndexOp::create(b, dim);
        // Entries outside the pairs wrap around to some pair, whose value they
        // do not use.
        Value entry = arith::SubIOp::create(b, at[3], index(op.getOffset()));
        Value isInside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                               entry, index(2 * pairs));
        entry = arith::SelectOp::create(b, isInside, entry, index(0));
        Value pair, isFirst, partner;
        if (op.getInterleaved()) {
          pair = arith::DivUIOp::create(b, entry, index(2));
          Value odd = arith::RemUIOp::create(b, entry, index(2));
          isFirst =
              arith::CmpIOp::create(b, arith::CmpIPredicate::eq, odd, index(0));
          partner = arith::SelectOp::create(
              b, isFirst, arith::AddIOp::create(b, entry, index(1)).getResult(),
              arith::SubIOp::create(b, entry, index(1)).getResult());
        } else {
          isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, entry,
                                          index(pairs));
          Value back = arith::SubIOp::create(b, entry, index(pairs));
          Value forth = arith::AddIOp::create(b, entry, index(pairs));
          pair = arith::SelectOp::create(b, isFirst, entry, back);
          partner = arith::SelectOp::create(b, isFirst, forth, back);
        }
        Value other = tensor::ExtractOp::create(
            b, input,
            ValueRange{at[0], at[1], at[2],
                       arith::AddIOp::create(b, partner, index(op.getOffset()))
                           .getResult()});
        SmallVector<Value> place = {at[0], at[1], pair};
        Value cosine = tensor::ExtractOp::create(b, cosines, place);
        Value sine = tensor::ExtractOp::create(b, sines, place);
        Value along = arith::MulFOp::create(b, args[0], cosine);
        Value across = arith::MulFOp::create(b, other, sine);
        Value first = arith::SubFOp::create(b, along, across);
        Value second = arith::AddFOp::create(b, along, across);
        Value rotated = arith::SelectOp::create(b, isFirst, first, second);
        return arith::SelectOp::create(b, isInside, rotated, args[0]);
      });
}
