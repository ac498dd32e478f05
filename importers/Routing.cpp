// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Routing.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/Twine.h"

using namespace moec;
using namespace mlir;

namespace {

class RoutingBuilder {
public:
  RoutingBuilder(RowBuilder &rows, const LayerSpec &spec,
                 const LayerInputs &inputs)
      : rows(rows), builder(rows.builder), spec(spec), inputs(inputs) {}

  Routing build();

private:
  Value parameter(llvm::StringRef name, const OptionalParameter &param,
                  llvm::ArrayRef<int64_t> shape) {
    return param ? rows.parameter(name, *param, shape) : Value();
  }
  Value logitsOf(const RouterSpec &router, llvm::StringRef name);
  Value networkLogits(const RouterSpec &router);
  Value chooseByType(Value first, Value second);
  Value pretransform(Value logits);
  Value score(Value logits);
  Value addBias(Value ranked);
  Value select(Value ranked);
  Value lookUp();
  Value selectByKeys(Value logits, Value &scores);
  Value limit(Value ids, Value scores);
  Value weigh(Value scores, Value ids);
  Value weighOnce(Value scores, Value ids, moe::WeightNorm norm, double eps,
                  double scale);
  void weighSinks(Value scores);

  RowBuilder &rows;
  ImplicitLocOpBuilder &builder;
  const LayerSpec &spec;
  const LayerInputs &inputs;
  Routing result;
};

} // namespace

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

Value RoutingBuilder::networkLogits(const RouterSpec &router) {
  const RouterNetworkSpec &network = *router.network;
  auto linear = [&](Value x, llvm::StringRef name,
                    const ProjectionSpec &layer) {
    int64_t in = cast<RankedTensorType>(x.getType()).getDimSize(1);
    Value bias = parameter((name + ".bias").str(), layer.bias, {layer.size});
    return rows.linear(x, rows.parameter(name, layer.weight, {layer.size, in}),
                       bias);
  };
  auto gelu = [&](Value x) {
    return rows.elementwise({x}, [](Scalar s, ValueRange args) {
      return findActivation("gelu")->build(s.builder, s.loc, args[0]);
    });
  };
  Value state = linear(inputs.tokens, "router.down", network.down);
  if (network.stateScale) {
    Value scale = rows.parameter("router.state_scale", *network.stateScale,
                                 {network.down.size});
    state = rows.elementwise({state, inputs.routerStates, scale},
                             [](Scalar s, ValueRange args) {
                               return s.add(args[0], s.mul(args[1], args[2]));
                             });
  }
  result.routerStates = state;
  Value normed = rows.norm(
      state, network.norm,
      parameter("router.norm", network.norm.scale, {network.down.size}));
  Value hidden = gelu(linear(normed, "router.first", network.first));
  hidden = gelu(linear(hidden, "router.second", network.second));
  Value weight = rows.parameter("router", router.weight,
                                {spec.getClasses(), network.second.size});
  return rows.linear(hidden, weight);
}

Value RoutingBuilder::logitsOf(const RouterSpec &router, llvm::StringRef name) {
  if (router.network)
    return networkLogits(router);
  Value input = router.ownInput ? inputs.routerInput : inputs.tokens;
  if (router.norm)
    input = rows.norm(
        input, *router.norm,
        parameter((name + ".scale").str(), router.norm->scale, {spec.hidden}));
  input = rows.scale(input, router.inputScale);
  int64_t classes = router.productKey ? 2 * router.productKey->side
                                      : spec.getClasses() + spec.sinks;
  Value bias = parameter((name + ".bias").str(), router.bias, {classes});
  return rows.linear(
      input, rows.parameter(name, router.weight, {classes, spec.hidden}), bias);
}

/// For each token the first where its type is 0, else the second.
Value RoutingBuilder::chooseByType(Value first, Value second) {
  return rows.elementwise(
      {first, second, inputs.tokenTypes},
      [](Scalar s, ValueRange args) -> Value {
        Value zero = arith::ConstantOp::create(s.builder, s.loc,
                                               s.builder.getI32IntegerAttr(0));
        Value isFirst = arith::CmpIOp::create(
            s.builder, s.loc, arith::CmpIPredicate::eq, args[2], zero);
        return arith::SelectOp::create(s.builder, s.loc, isFirst, args[0],
                                       args[1]);
      });
}

Value RoutingBuilder::pretransform(Value logits) {
  const RouterSpec &router = spec.router;
  Value scaled = rows.scale(logits, router.logitScale);
  if (!router.softcap)
    return scaled;
  return rows.elementwise({scaled}, [&](Scalar s, ValueRange args) {
    return s.softcap(args[0], *router.softcap);
  });
}

Value RoutingBuilder::score(Value logits) {
  switch (spec.router.score) {
  case ScoreFunction::Logits:
    return logits;
  case ScoreFunction::Softmax:
    return rows.softmax(logits);
  case ScoreFunction::Sigmoid:
    return rows.elementwise(
        {logits}, [](Scalar s, ValueRange args) { return s.sigmoid(args[0]); });
  case ScoreFunction::SqrtSoftplus:
    return rows.elementwise({logits}, [](Scalar s, ValueRange args) {
      return s.sqrt(s.softplus(args[0]));
    });
  }
  llvm_unreachable("not a score function");
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

Value RoutingBuilder::addBias(Value ranked) {
  int64_t classes = spec.getClasses();
  Value bias =
      parameter("router.selection_bias", spec.router.selectionBias, {classes});
  if (!bias)
    return ranked;
  auto add = [&](Value vector) {
    return rows.elementwise({ranked, vector}, [](Scalar s, ValueRange args) {
      return s.add(args[0], args[1]);
    });
  };
  Value biased = add(bias);
  if (!spec.otherRouter || !spec.otherRouter->selectionBias)
    return biased;
  return chooseByType(
      biased, add(rows.parameter("other_router.selection_bias",
                                 *spec.otherRouter->selectionBias, {classes})));
}

Value RoutingBuilder::select(Value ranked) {
  MLIRContext *context = builder.getContext();
  moe::SelectionPolicyInterface policy;
  if (const auto &groups = spec.router.groups)
    policy = cast<moe::SelectionPolicyInterface>(
        moe::GroupedTopKAttr::get(context, spec.topK, groups->count,
                                  groups->kept, groups->score, groups->masked));
  else
    policy = cast<moe::SelectionPolicyInterface>(
        moe::TopKAttr::get(context, spec.topK));
  return moe::SelectOp::create(
             builder, TypeRange{rows.rowsOf(spec.topK, builder.getI32Type())},
             ValueRange{ranked}, /*mask=*/Value(), ValueRange{}, policy)
      .getIds();
}

/// The table's row of each token's id; nothing where there is no such row.
Value RoutingBuilder::lookUp() {
  Value table = rows.parameter("router.table", *spec.router.table,
                               {spec.router.vocabulary, spec.topK});
  Type i32 = builder.getI32Type();
  Value init = tensor::EmptyOp::create(builder, rows.rowsOf(spec.topK, i32),
                                       ValueRange{rows.getNumRows()});
  AffineExpr row = builder.getAffineDimExpr(0);
  llvm::SmallVector<AffineMap> maps = {
      AffineMap::get(2, 0, row, builder.getContext()),
      builder.getMultiDimIdentityMap(2)};
  llvm::SmallVector<utils::IteratorType> iterators(
      2, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, TypeRange{init.getType()}, ValueRange{inputs.inputIds},
             ValueRange{init}, maps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               auto constant = [&](int64_t value) {
                 return arith::ConstantOp::create(b, loc,
                                                  b.getI32IntegerAttr(value));
               };
               Value zero = constant(0);
               Value last = constant(spec.router.vocabulary - 1);
               Value inside = arith::MinSIOp::create(
                   b, loc, arith::MaxSIOp::create(b, loc, args[0], zero), last);
               Value known = arith::CmpIOp::create(
                   b, loc, arith::CmpIPredicate::eq, inside, args[0]);
               Value at =
                   arith::IndexCastOp::create(b, loc, b.getIndexType(), inside);
               Value slot = linalg::IndexOp::create(b, loc, 1);
               Value found = tensor::ExtractOp::create(b, loc, table,
                                                       ValueRange{at, slot});
               if (!found.getType().isInteger(32))
                 found = arith::TruncIOp::create(b, loc, i32, found);
               Value id =
                   arith::SelectOp::create(b, loc, known, found, constant(-1));
               linalg::YieldOp::create(b, loc, id);
             })
      .getResult(0);
}

/// The logits' first half, read as a matrix of `side` columns, are the keys of
/// one axis, the second half those of the other.
Value RoutingBuilder::selectByKeys(Value logits, Value &scores) {
  int64_t side = spec.router.productKey->side;
  Value tokens = rows.getNumRows();
  Type f32 = builder.getF32Type();
  auto type = [&](llvm::ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, f32);
  };
  int64_t dynamic = ShapedType::kDynamic;
  llvm::SmallVector<ReassociationIndices> split = {{0}, {1, 2}};
  llvm::SmallVector<OpFoldResult> sizes = {tokens, builder.getIndexAttr(2),
                                           builder.getIndexAttr(side)};
  Value pairs = tensor::ExpandShapeOp::create(builder, type({dynamic, 2, side}),
                                              logits, split, sizes);
  llvm::SmallVector<ReassociationIndices> join = {{0, 1}, {2}};
  Value lines = tensor::CollapseShapeOp::create(builder, type({dynamic, side}),
                                                pairs, join);
  auto half = [&](OpFoldResult begin) -> Value {
    llvm::SmallVector<OpFoldResult> offsets = {begin, builder.getIndexAttr(0)};
    llvm::SmallVector<OpFoldResult> lengths = {tokens,
                                               builder.getIndexAttr(side)};
    llvm::SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
    return tensor::ExtractSliceOp::create(builder, rows.rowsOf(side), lines,
                                          offsets, lengths, strides);
  };
  Value first = half(builder.getIndexAttr(0));
  Value second = half(tokens);
  auto policy = cast<moe::SelectionPolicyInterface>(
      moe::ProductKeyAttr::get(builder.getContext(), spec.topK, side));
  auto op = moe::SelectOp::create(
      builder,
      TypeRange{rows.rowsOf(spec.topK, builder.getI32Type()),
                rows.rowsOf(spec.topK)},
      ValueRange{first, second}, /*mask=*/Value(), ValueRange{}, policy);
  scores = op.getSelectedScores();
  return op.getIds();
}

//===----------------------------------------------------------------------===//
// Capacity and weights
//===----------------------------------------------------------------------===//

Value RoutingBuilder::limit(Value ids, Value scores) {
  const CapacitySpec &capacity = *spec.capacity;
  Type i32 = builder.getI32Type();
  auto toIndex = [&](Value value) {
    return arith::IndexCastOp::create(builder, i32, value);
  };
  Value places;
  if (capacity.places) {
    places = arith::ConstantOp::create(
        builder, builder.getI32IntegerAttr(capacity.places));
  } else if (capacity.fraction > 0.0) {
    Type f64 = builder.getF64Type();
    Value count =
        arith::SIToFPOp::create(builder, f64, toIndex(rows.getNumRows()));
    Value share = arith::MulFOp::create(
        builder, count,
        arith::ConstantOp::create(builder,
                                  builder.getF64FloatAttr(capacity.fraction)));
    places = arith::FPToSIOp::create(builder, i32,
                                     math::CeilOp::create(builder, share));
  } else {
    Value each = arith::CeilDivSIOp::create(builder, rows.getNumRows(),
                                            rows.index(spec.experts));
    places = toIndex(arith::MulIOp::create(builder, each, rows.index(2)));
  }
  Value priority;
  auto order = moe::LimitOrder::Slot;
  if (capacity.byScore) {
    // Second choices come after all first ones: -1 / p is below p and grows
    // with it.
    order = moe::LimitOrder::Score;
    auto top = moe::SelectOp::create(
        builder, TypeRange{rows.rowsOf(1, i32)}, ValueRange{scores},
        /*mask=*/Value(), ValueRange{},
        cast<moe::SelectionPolicyInterface>(
            moe::TopKAttr::get(builder.getContext(), 1)));
    Value best =
        weighOnce(scores, top.getIds(), moe::WeightNorm::None, 0.0, 1.0);
    Value gathered = weighOnce(scores, ids, moe::WeightNorm::None, 0.0, 1.0);
    priority = rows.elementwise(
        {gathered, best}, [](Scalar s, ValueRange args) -> Value {
          Value slot = linalg::IndexOp::create(s.builder, s.loc, 1);
          Value zero = arith::ConstantIndexOp::create(s.builder, s.loc, 0);
          Value first = arith::CmpIOp::create(
              s.builder, s.loc, arith::CmpIPredicate::eq, slot, zero);
          return arith::SelectOp::create(s.builder, s.loc, first, args[1],
                                         s.div(s.constant(-1.0), args[1]));
        });
  }
  return moe::LimitOp::create(builder, ids.getType(), ids, places, priority,
                              inputs.segments, order, spec.experts,
                              /*seed=*/0);
}

Value RoutingBuilder::weighOnce(Value scores, Value ids, moe::WeightNorm norm,
                                double eps, double scale) {
  const RouterSpec &router = spec.router;
  int64_t slots = cast<RankedTensorType>(ids.getType()).getDimSize(1);
  return moe::WeighOp::create(
      builder, rows.rowsOf(slots), scores, ids, norm, llvm::APFloat(eps),
      router.epsMode, llvm::APFloat(scale), /*fill=*/llvm::APFloat(0.0),
      llvm::APFloat(router.p), llvm::APFloat(router.jitter));
}

Value RoutingBuilder::weigh(Value scores, Value ids) {
  const RouterSpec &router = spec.router;
  Value weights =
      weighOnce(scores, ids, router.normalize, router.eps, router.scale);
  if (!router.expertScale)
    return weights;
  int64_t classes = spec.getClasses();
  Value scale =
      rows.parameter("router.expert_scale", *router.expertScale, {classes});
  Value everywhere = rows.elementwise(
      {scores, scale}, [](Scalar, ValueRange args) { return args[1]; });
  Value gathered = weighOnce(everywhere, ids, moe::WeightNorm::None, 0.0, 1.0);
  return rows.elementwise({weights, gathered}, [](Scalar s, ValueRange args) {
    return s.mul(args[0], args[1]);
  });
}

/// Weights of the selected and of the sinks are divided by the sum of all.
void RoutingBuilder::weighSinks(Value scores) {
  Value own = rows.columns(scores, spec.experts, spec.sinks);
  auto identity = [](Scalar, Value x) { return x; };
  Value selected = rows.sumRows(result.weights, identity);
  Value rest = rows.sumRows(own, identity);
  Value factor = spec.globalScale ? rows.parameter("router.global_scale",
                                                   *spec.globalScale, {1})
                                  : Value();
  auto normalize = [&](Value weights) {
    Value shares = rows.elementwise(
        {weights, selected, rest}, [&](Scalar s, ValueRange args) {
          Value share = s.div(args[0], s.add(args[1], args[2]));
          return s.mul(share, spec.router.scale);
        });
    if (!factor)
      return shares;
    int64_t width = cast<RankedTensorType>(weights.getType()).getDimSize(1);
    Value all = factor;
    if (width != 1) {
      auto type = RankedTensorType::get(
          {width}, cast<RankedTensorType>(factor.getType()).getElementType());
      Value init = tensor::EmptyOp::create(builder, type, ValueRange{});
      llvm::SmallVector<AffineMap> maps = {
          AffineMap::get(1, 0, builder.getAffineConstantExpr(0),
                         builder.getContext()),
          builder.getMultiDimIdentityMap(1)};
      llvm::SmallVector<utils::IteratorType> iterators(
          1, utils::IteratorType::parallel);
      all = linalg::GenericOp::create(
                builder, TypeRange{type}, ValueRange{factor}, ValueRange{init},
                maps, iterators,
                [](OpBuilder &b, Location loc, ValueRange args) {
                  linalg::YieldOp::create(b, loc, args[0]);
                })
                .getResult(0);
    }
    return rows.elementwise({shares, all}, [](Scalar s, ValueRange args) {
      return s.mul(args[0], args[1]);
    });
  };
  result.weights = normalize(result.weights);
  result.sinkWeights = normalize(own);
}

Routing RoutingBuilder::build() {
  const RouterSpec &router = spec.router;
  result.logits = logitsOf(router, "router");
  if (spec.otherRouter)
    result.logits = chooseByType(result.logits,
                                 logitsOf(*spec.otherRouter, "other_router"));
  Value logits = pretransform(result.logits);
  if (router.productKey) {
    Value sums;
    result.ids = selectByKeys(logits, sums);
    // Weights are a softmax of the sums, in the slots' order.
    result.weights = rows.softmax(sums);
    return result;
  }
  Value scores = score(logits);
  if (router.table) {
    result.ids = lookUp();
  } else {
    Value ranked = router.ranksLogits ? logits : scores;
    result.ids = select(addBias(rows.columns(ranked, 0, spec.getClasses())));
  }
  if (spec.sinks) {
    result.weights = weighOnce(scores, result.ids, moe::WeightNorm::None, 0.0,
                               /*scale=*/1.0);
    weighSinks(scores);
    return result;
  }
  Value selected = result.ids;
  if (spec.capacity)
    result.ids = limit(selected, scores);
  bool normsFirst = spec.capacity && spec.capacity->normsFirst;
  result.weights = weigh(scores, normsFirst ? selected : result.ids);
  int64_t working = spec.experts + spec.identities;
  if (!normsFirst && !spec.skips)
    return result;
  // Assignments that were dropped, and those to experts that do nothing, weigh
  // nothing.
  result.weights = rows.elementwise(
      {result.weights, result.ids}, [&](Scalar s, ValueRange args) -> Value {
        auto constant = [&](int64_t value) {
          return arith::ConstantOp::create(s.builder, s.loc,
                                           s.builder.getI32IntegerAttr(value));
        };
        Value works = arith::AndIOp::create(
            s.builder, s.loc,
            arith::CmpIOp::create(s.builder, s.loc, arith::CmpIPredicate::sge,
                                  args[1], constant(0)),
            arith::CmpIOp::create(s.builder, s.loc, arith::CmpIPredicate::slt,
                                  args[1], constant(working)));
        return arith::SelectOp::create(s.builder, s.loc, works, args[0],
                                       s.constant(0.0));
      });
  return result;
}

Routing moec::buildRouting(RowBuilder &rows, const LayerSpec &spec,
                           const LayerInputs &inputs) {
  return RoutingBuilder(rows, spec, inputs).build();
}
