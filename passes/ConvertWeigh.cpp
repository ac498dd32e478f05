// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.weigh as linalg: gather the scores at the ids (a neutral value where
// there is none), reduce them over the slots, normalise.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include "passes/ConvertMoeToGrouped.h"
#include "passes/Dims.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace moec;

namespace {
/// Builds the normalisation of one moe.weigh. All sums are in f32 or wider.
class WeighBuilder {
public:
  WeighBuilder(OpBuilder &b, moe::WeighOp op, Value scores, Value ids);
  Value build();

private:
  using Body = function_ref<Value(ImplicitLocOpBuilder &, ValueRange)>;

  /// A value for each slot from operands indexed by (token, slot) or (token).
  Value perSlot(ValueRange operands, Type element, Body body);
  /// Folds a value of each slot over a token's slots, from `start`.
  Value reduce(Value perSlot, double start, Body body);
  /// The score at each id, `neutral` where there is none.
  Value gather(double neutral);
  /// Weight of each slot by SparseMixer.
  Value sparseMixer();
  Value finish(ImplicitLocOpBuilder &b, Value weight, Value id);

  Value constant(ImplicitLocOpBuilder &b, double value) {
    return arith::ConstantOp::create(b, b.getFloatAttr(compute, value));
  }
  /// Whether an id names an expert.
  Value isValid(ImplicitLocOpBuilder &b, Value id) {
    Value bound = arith::ConstantOp::create(b, b.getI32IntegerAttr(experts));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, id, bound);
  }
  Value readScore(ImplicitLocOpBuilder &b, Value token, Value expert);
  Value power(ImplicitLocOpBuilder &b, Value base, double exponent);

  ImplicitLocOpBuilder builder;
  moe::WeighOp op;
  Value scores, ids, tokens;
  FloatType compute;
  int64_t experts, slots;
};
} // namespace

WeighBuilder::WeighBuilder(OpBuilder &b, moe::WeighOp op, Value scores,
                           Value ids)
    : builder(op.getLoc(), b), op(op), scores(scores), ids(ids) {
  auto type = cast<RankedTensorType>(scores.getType());
  experts = type.getDimSize(1);
  slots = cast<RankedTensorType>(ids.getType()).getDimSize(1);
  compute = type.getElementTypeBitWidth() < 32
                ? cast<FloatType>(builder.getF32Type())
                : cast<FloatType>(type.getElementType());
  tokens = getDim(builder, op.getLoc(), ids, 0);
}

Value WeighBuilder::perSlot(ValueRange operands, Type element, Body body) {
  MLIRContext *context = builder.getContext();
  AffineExpr token = getAffineDimExpr(0, context);
  SmallVector<AffineMap> maps;
  for (Value operand : operands)
    maps.push_back(cast<RankedTensorType>(operand.getType()).getRank() == 1
                       ? AffineMap::get(2, 0, token)
                       : builder.getMultiDimIdentityMap(2));
  maps.push_back(builder.getMultiDimIdentityMap(2));
  auto type = cast<RankedTensorType>(ids.getType()).clone(element);
  Value init = createEmpty(builder, builder.getLoc(), type, tokens, ids);
  SmallVector<utils::IteratorType> loops(2, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, TypeRange{type}, operands, ValueRange{init}, maps, loops,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               ImplicitLocOpBuilder inner(loc, b);
               linalg::YieldOp::create(inner, body(inner, args.drop_back()));
             })
      .getResult(0);
}

Value WeighBuilder::reduce(Value values, double start, Body body) {
  AffineExpr token = builder.getAffineDimExpr(0);
  auto type = RankedTensorType::get(
      cast<RankedTensorType>(ids.getType()).getShape().take_front(), compute);
  Value empty = createEmpty(builder, builder.getLoc(), type, tokens, ids);
  Value init = linalg::FillOp::create(builder, constant(builder, start), empty)
                   .getResult(0);
  SmallVector<AffineMap> maps = {builder.getMultiDimIdentityMap(2),
                                 AffineMap::get(2, 0, token)};
  SmallVector<utils::IteratorType> loops = {utils::IteratorType::parallel,
                                            utils::IteratorType::reduction};
  return linalg::GenericOp::create(
             builder, TypeRange{type}, values, init, maps, loops,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               ImplicitLocOpBuilder inner(loc, b);
               linalg::YieldOp::create(inner, body(inner, args));
             })
      .getResult(0);
}

Value WeighBuilder::readScore(ImplicitLocOpBuilder &b, Value token,
                              Value expert) {
  Value score = tensor::ExtractOp::create(b, scores, ValueRange{token, expert});
  return score.getType() == compute
             ? score
             : arith::ExtFOp::create(b, compute, score).getResult();
}

Value WeighBuilder::gather(double neutral) {
  return perSlot(ids, compute, [&](ImplicitLocOpBuilder &b, ValueRange args) {
    Value valid = isValid(b, args[0]);
    Value zero = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
    // An id out of range is never followed.
    Value safe = arith::SelectOp::create(b, valid, args[0], zero);
    Value expert = arith::IndexCastOp::create(b, b.getIndexType(), safe);
    Value token = linalg::IndexOp::create(b, 0);
    return arith::SelectOp::create(b, valid, readScore(b, token, expert),
                                   constant(b, neutral))
        .getResult();
  });
}

/// Multiplies by the scale, puts `fill` where there is no id and rounds to the
/// result's type.
Value WeighBuilder::finish(ImplicitLocOpBuilder &b, Value weight, Value id) {
  double scale = op.getScale().convertToDouble();
  if (scale != 1.0)
    weight = arith::MulFOp::create(b, weight, constant(b, scale));
  Value fill = constant(b, op.getFill().convertToDouble());
  weight = arith::SelectOp::create(b, isValid(b, id), weight, fill);
  Type element = getElementTypeOrSelf(op.getWeights().getType());
  return element == compute
             ? weight
             : arith::TruncFOp::create(b, element, weight).getResult();
}

Value WeighBuilder::power(ImplicitLocOpBuilder &b, Value base,
                          double exponent) {
  if (exponent == 1.0)
    return base;
  if (exponent == 2.0)
    return arith::MulFOp::create(b, base, base);
  if (exponent == 0.5)
    return math::SqrtOp::create(b, base);
  return math::PowFOp::create(b, base, constant(b, exponent));
}

/// The value at each slot s: the softmax, at the slot's id, over the experts
/// that no slot before s selected and that are close to the best of them.
Value WeighBuilder::sparseMixer() {
  double reach = 2.0 * op.getJitter().convertToDouble();
  Type element = compute;
  return perSlot(ids, element, [&](ImplicitLocOpBuilder &b, ValueRange args) {
    Value token = linalg::IndexOp::create(b, 0);
    Value slot = linalg::IndexOp::create(b, 1);
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value one = arith::ConstantIndexOp::create(b, 1);
    Value count = arith::ConstantIndexOp::create(b, experts);
    Value lowest = constant(b, -std::numeric_limits<double>::infinity());

    // The score of an expert, -inf if a slot before this one selected it.
    auto remaining = [&](ImplicitLocOpBuilder &b, Value expert) -> Value {
      Value score = readScore(b, token, expert);
      Value id = arith::IndexCastOp::create(b, b.getI32Type(), expert);
      return scf::ForOp::create(b, zero, slot, one, score,
                                [&](OpBuilder &nested, Location loc,
                                    Value before, ValueRange carried) {
                                  ImplicitLocOpBuilder c(loc, nested);
                                  Value taken = tensor::ExtractOp::create(
                                      c, ids, ValueRange{token, before});
                                  Value same = arith::CmpIOp::create(
                                      c, arith::CmpIPredicate::eq, taken, id);
                                  Value next = arith::SelectOp::create(
                                      c, same, lowest, carried[0]);
                                  scf::YieldOp::create(c, next);
                                })
          .getResult(0);
    };
    auto overExperts = [&](Value start, auto &&step) -> Value {
      return scf::ForOp::create(b, zero, count, one, start,
                                [&](OpBuilder &nested, Location loc,
                                    Value expert, ValueRange carried) {
                                  ImplicitLocOpBuilder c(loc, nested);
                                  Value score = remaining(c, expert);
                                  scf::YieldOp::create(
                                      c, step(c, score, carried[0]));
                                })
          .getResult(0);
    };
    Value best = overExperts(
        lowest, [](ImplicitLocOpBuilder &c, Value score, Value carried) {
          return arith::MaxNumFOp::create(c, score, carried).getResult();
        });
    // exp(score - best) where the score is close to the best, else 0.
    auto term = [&](ImplicitLocOpBuilder &c, Value score) -> Value {
      Value distance = arith::SubFOp::create(c, best, score);
      Value size =
          arith::MaxNumFOp::create(c, math::AbsFOp::create(c, score), best);
      Value relative = arith::DivFOp::create(c, distance, size);
      // Unordered: a distance of 0 to a best of 0 is no reason to drop it.
      Value close = arith::CmpFOp::create(c, arith::CmpFPredicate::ULE,
                                          relative, constant(c, reach));
      Value exponential =
          math::ExpOp::create(c, arith::SubFOp::create(c, score, best));
      Value isThere =
          arith::CmpFOp::create(c, arith::CmpFPredicate::OGT, score, lowest);
      return arith::SelectOp::create(c,
                                     arith::AndIOp::create(c, close, isThere),
                                     exponential, constant(c, 0.0));
    };
    Value sum = overExperts(constant(b, 0.0), [&](ImplicitLocOpBuilder &c,
                                                  Value score, Value carried) {
      return arith::AddFOp::create(c, carried, term(c, score)).getResult();
    });
    Value zeroId = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
    Value safe =
        arith::SelectOp::create(b, isValid(b, args[0]), args[0], zeroId);
    Value expert = arith::IndexCastOp::create(b, b.getIndexType(), safe);
    Value own = term(b, remaining(b, expert));
    return arith::DivFOp::create(b, own, sum).getResult();
  });
}

Value WeighBuilder::build() {
  using moe::WeightNorm;
  Type element = getElementTypeOrSelf(op.getWeights().getType());
  auto finishAlone = [&](Value values) {
    return perSlot({values, ids}, element,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) {
                     return finish(b, args[0], args[1]);
                   });
  };
  WeightNorm norm = op.getNorm();
  if (norm == WeightNorm::Constant)
    return perSlot(ids, element, [&](ImplicitLocOpBuilder &b, ValueRange args) {
      return finish(b, constant(b, 1.0), args[0]);
    });
  if (norm == WeightNorm::None)
    return finishAlone(gather(0.0));
  if (norm == WeightNorm::SparseMixer)
    return finishAlone(sparseMixer());

  auto add = [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
    return arith::AddFOp::create(b, args[1], args[0]);
  };
  if (norm == WeightNorm::Softmax) {
    double lowest = -std::numeric_limits<double>::infinity();
    Value gathered = gather(lowest);
    Value best = reduce(gathered, lowest,
                        [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                          return arith::MaxNumFOp::create(b, args[1], args[0]);
                        });
    Value exponentials =
        perSlot({gathered, best}, compute,
                [](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                  return math::ExpOp::create(
                      b, arith::SubFOp::create(b, args[0], args[1]));
                });
    Value sum = reduce(exponentials, 0.0, add);
    return perSlot({exponentials, sum, ids}, element,
                   [&](ImplicitLocOpBuilder &b, ValueRange args) {
                     Value weight = arith::DivFOp::create(b, args[0], args[1]);
                     return finish(b, weight, args[2]);
                   });
  }

  // The sum, or the L-p norm, of the scores at the ids.
  bool isLp = norm == WeightNorm::Lp;
  double p = isLp ? op.getP().convertToDouble() : 1.0;
  Value gathered = gather(0.0);
  Value sum = reduce(
      gathered, 0.0, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value term = args[0];
        if (isLp && p != 2.0)
          term = math::AbsFOp::create(b, term);
        return arith::AddFOp::create(b, args[1], power(b, term, p));
      });
  return perSlot({gathered, sum, ids}, element,
                 [&](ImplicitLocOpBuilder &b, ValueRange args) {
                   Value divisor = isLp ? power(b, args[1], 1.0 / p) : args[1];
                   double eps = op.getEps().convertToDouble();
                   if (op.getEpsMode() == moe::EpsMode::Max)
                     divisor =
                         arith::MaxNumFOp::create(b, divisor, constant(b, eps));
                   else if (eps != 0.0)
                     divisor =
                         arith::AddFOp::create(b, divisor, constant(b, eps));
                   Value weight = arith::DivFOp::create(b, args[0], divisor);
                   return finish(b, weight, args[2]);
                 });
}

namespace {
struct ConvertWeigh : OpConversionPattern<moe::WeighOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(moe::WeighOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(
        op, WeighBuilder(rewriter, op, adaptor.getScores(), adaptor.getIds())
                .build());
    return success();
  }
};
} // namespace

void moec::populateWeighConversion(RewritePatternSet &patterns,
                                   const TypeConverter &converter) {
  patterns.add<ConvertWeigh>(converter, patterns.getContext());
}
