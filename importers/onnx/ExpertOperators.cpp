// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// com.microsoft.MoE and QMoE. Their router input holds logits; semantics are
// those of ONNX Runtime's CPU kernels.

#include "importers/Activation.h"
#include "importers/Try.h"
#include "importers/onnx/ExpertWeights.h"
#include "importers/onnx/Operators.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace moec;
using namespace moec::onnx;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

namespace {
/// Emits the region of one expert.
class ExpertBody {
public:
  ExpertBody(ImplicitLocOpBuilder &builder, const Experts &experts)
      : builder(builder), experts(experts) {}

  Value build(Value rows, ArrayRef<Value> slices);

private:
  Value linear(Value rows, Value weight, Value bias, int64_t width);
  Value combine(ArrayRef<Value> inputs, Scalars body);
  Value activate(Value x);
  Value clampedSwiglu(Value gate, Value up);

  ImplicitLocOpBuilder &builder;
  const Experts &experts;
  Value numRows;
};
} // namespace

/// rows * weight^T + bias
Value ExpertBody::linear(Value rows, Value weight, Value bias, int64_t width) {
  Value init = tensor::EmptyOp::create(
      builder, Sizes{numRows, builder.getIndexAttr(width)},
      builder.getF32Type());
  Value zero = arith::ConstantOp::create(builder, builder.getF32FloatAttr(0));
  init = linalg::FillOp::create(builder, zero, init).getResult(0);
  Value product = linalg::MatmulTransposeBOp::create(
                      builder, builder.getLoc(), TypeRange{init.getType()},
                      ValueRange{rows, weight}, ValueRange{init})
                      .getResult(0);
  if (!bias)
    return product;
  return combine({product, bias}, [](ImplicitLocOpBuilder &b, ValueRange x) {
    Value wide = x[1];
    if (!wide.getType().isF32())
      wide = arith::ExtFOp::create(b, b.getF32Type(), wide);
    return arith::AddFOp::create(b, x[0], wide);
  });
}

/// Elementwise; an operand of rank 1 is the same for all rows.
Value ExpertBody::combine(ArrayRef<Value> inputs, Scalars body) {
  AffineMap all = builder.getMultiDimIdentityMap(2);
  SmallVector<AffineMap> maps;
  for (Value input : inputs)
    maps.push_back(cast<RankedTensorType>(input.getType()).getRank() == 1
                       ? all.getSubMap({1})
                       : all);
  maps.push_back(all);
  auto type = cast<RankedTensorType>(inputs[0].getType());
  Value init = tensor::EmptyOp::create(
      builder, Sizes{numRows, builder.getIndexAttr(type.getDimSize(1))},
      builder.getF32Type());
  return linalg::GenericOp::create(
             builder, TypeRange{init.getType()}, inputs, ValueRange{init}, maps,
             SmallVector<utils::IteratorType>(2, utils::IteratorType::parallel),
             [&](OpBuilder &b, Location loc, ValueRange args) {
               ImplicitLocOpBuilder inner(loc, b);
               linalg::YieldOp::create(inner, body(inner, args.drop_back()));
             })
      .getResult(0);
}

Value ExpertBody::activate(Value x) {
  const Activation *activation = findActivation(experts.activation);
  return combine({x}, [&](ImplicitLocOpBuilder &b, ValueRange values) {
    return activation->build(b, b.getLoc(), values[0]);
  });
}

/// g * sigmoid(alpha * g) * (u + beta), with u within `limit` and g, or its
/// product with the sigmoid, at most that.
Value ExpertBody::clampedSwiglu(Value gate, Value up) {
  const Activation *sigmoid = findActivation("sigmoid");
  return combine({gate, up}, [&](ImplicitLocOpBuilder &b, ValueRange x) {
    auto number = [&](double value) -> Value {
      return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
    };
    auto limited = [&](Value value, bool applies) -> Value {
      return applies
                 ? arith::MinimumFOp::create(b, value, number(*experts.limit))
                 : value;
    };
    bool limits = experts.limit.has_value();
    Value g = limited(x[0], limits && !experts.limitsAfter);
    Value u = limited(x[1], limits);
    if (limits)
      u = arith::MaximumFOp::create(b, u, number(-*experts.limit));
    Value scaled = g;
    if (experts.alpha != 1)
      scaled = arith::MulFOp::create(b, g, number(experts.alpha));
    Value y =
        arith::MulFOp::create(b, g, sigmoid->build(b, b.getLoc(), scaled));
    y = limited(y, limits && experts.limitsAfter);
    if (experts.beta != 0)
      u = arith::AddFOp::create(b, u, number(experts.beta));
    return arith::MulFOp::create(b, y, u);
  });
}

Value ExpertBody::build(Value rows, ArrayRef<Value> slices) {
  numRows = tensor::DimOp::create(builder, rows, 0);
  // Slices come in the order of getStacks.
  const Value *next = slices.begin();
  auto apply = [&](const Linear &part, Value input) {
    Value weight = *next++;
    Value bias = part.bias ? *next++ : Value();
    return linear(input, weight, bias, part.width);
  };
  Value hidden = apply(experts.first, rows);
  Value third = experts.third.weight ? apply(experts.third, rows) : Value();
  if (experts.activation == "swiglu")
    hidden = clampedSwiglu(hidden, third);
  else
    hidden = activate(hidden);
  if (third && experts.activation != "swiglu")
    hidden =
        combine({hidden, third}, [](ImplicitLocOpBuilder &b, ValueRange x) {
          return arith::MulFOp::create(b, x[0], x[1]);
        });
  return apply(experts.second, hidden);
}

/// The stacks that the region gets, in the order in which it uses them.
static SmallVector<Value> getStacks(const Experts &experts) {
  SmallVector<Value> stacks;
  for (const Linear *part : {&experts.first, &experts.third, &experts.second})
    for (Value stack : {part->weight, part->bias})
      if (stack)
        stacks.push_back(stack);
  return stacks;
}

/// Ids of the best logits [T, E] and their weights: QMoE's may come as an input
/// of their own, [T, E], else they are made of the logits.
static Expected<std::pair<Value, Value>>
route(const Node &node, const Tensor &logits, const Experts &experts) {
  GraphBuilder &graph = node.getGraph();
  ImplicitLocOpBuilder &builder = graph.getBuilder();
  int64_t rows = cast<RankedTensorType>(logits.value.getType()).getDimSize(0);
  constexpr size_t ownWeights = 14;
  bool isQuantized = node.getType() == "QMoE";
  bool hasWeights = isQuantized && node.hasInput(ownWeights);
  bool normalizes = node.getInteger("normalize_routing_weights", 0) != 0;
  bool mixes = node.getInteger("use_sparse_mixer", 0) != 0;
  if (mixes && hasWeights)
    return node.fail("use_sparse_mixer makes its own weights, expected no "
                     "input router_weights");
  moe::WeightNorm norm = moe::WeightNorm::None;
  Value scores = logits.value, weighed = scores;
  if (mixes) {
    norm = moe::WeightNorm::SparseMixer;
  } else if (hasWeights) {
    Tensor own;
    MOEC_TRY(own, node.getInput(ownWeights));
    if (own.sizes != logits.sizes || !own.element().isF32())
      return node.fail("router_weights and logits differ in shape");
    weighed = own.value;
    norm = normalizes ? moe::WeightNorm::Sum : moe::WeightNorm::None;
  } else if (normalizes || isQuantized) {
    // The quantised kernel never looks beyond the selected logits.
    norm = moe::WeightNorm::Softmax;
  } else {
    Tensor init = graph.empty(logits.sizes, logits.element());
    scores = linalg::SoftmaxOp::create(builder, TypeRange{init.value.getType()},
                                       scores, init.value, 1)
                 ->getResult(0);
    weighed = scores;
  }
  auto typeOf = [&](Type element) {
    return RankedTensorType::get({rows, experts.topK}, element);
  };
  auto policy = cast<moe::SelectionPolicyInterface>(
      Attribute(moe::TopKAttr::get(builder.getContext(), experts.topK)));
  Value ids = moe::SelectOp::create(
                  builder, TypeRange{typeOf(builder.getI32Type())},
                  ValueRange{scores}, /*mask=*/Value(), ValueRange{}, policy)
                  .getIds();
  // ONNX Runtime's constant of its sparse mixer.
  constexpr double jitter = 0.01;
  // Weights that are all 0 stay 0.
  constexpr double least = 0x1p-126;
  Value weights = moe::WeighOp::create(
      builder, typeOf(builder.getF32Type()), weighed, ids, norm,
      llvm::APFloat(norm == moe::WeightNorm::Sum ? least : 0.0),
      norm == moe::WeightNorm::Sum ? moe::EpsMode::Max : moe::EpsMode::Add,
      llvm::APFloat(1.0), /*fill=*/llvm::APFloat(0.0), /*p=*/llvm::APFloat(2.0),
      llvm::APFloat(mixes ? jitter : 0.0));
  return std::make_pair(ids, weights);
}

static Error emitMoe(const Node &node) {
  GraphBuilder &graph = node.getGraph();
  ImplicitLocOpBuilder &builder = graph.getBuilder();
  Tensor input, logits;
  MOEC_TRY(input, node.getInput(0));
  MOEC_TRY(logits, node.getInput(1));
  if (input.rank() < 2 || logits.rank() != 2 || !input.element().isF32() ||
      !logits.element().isF32())
    return node.fail("expected tokens of rank 2 or 3, and logits of rank 2");
  Tensor x = graph.collapseRows(input);
  if (x.sizes[0] != logits.sizes[0])
    return node.fail("tokens and logits differ in their number of rows");
  std::optional<int64_t> hidden = getConstantIntValue(x.sizes.back());
  std::optional<int64_t> count = getConstantIntValue(logits.sizes.back());
  if (!hidden || !count)
    return node.fail("expected a fixed hidden size and number of experts");
  Experts experts;
  MOEC_TRY(experts, readExperts(node, *hidden, *count));
  std::pair<Value, Value> routing;
  MOEC_TRY(routing, route(node, logits, experts));
  auto [ids, weights] = routing;
  auto planType =
      moe::PlanType::get(builder.getContext(), experts.count, experts.topK);
  auto rowsType = RankedTensorType::get({ShapedType::kDynamic, experts.hidden},
                                        builder.getF32Type());
  Value plan = moe::PlanOp::create(builder, planType, ids, /*tokens=*/Value());
  Value rows = moe::DispatchOp::create(builder, rowsType, x.value, plan,
                                       /*weights=*/Value());
  SmallVector<Value> stacks = getStacks(experts);
  auto op = moe::ExpertsOp::create(builder, TypeRange{rowsType}, plan,
                                   ValueRange{rows}, stacks,
                                   /*members=*/nullptr, /*slot=*/nullptr,
                                   /*bodiesCount=*/1);
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *body = builder.createBlock(&op.getBodies().front());
    Location loc = builder.getLoc();
    Value expertRows = body->addArgument(rowsType, loc);
    SmallVector<Value> slices;
    for (Value stack : stacks) {
      auto type = cast<RankedTensorType>(stack.getType());
      slices.push_back(
          body->addArgument(RankedTensorType::get(type.getShape().drop_front(),
                                                  type.getElementType()),
                            loc));
    }
    body->addArgument(builder.getIndexType(), loc);
    moe::YieldOp::create(
        builder,
        ValueRange{ExpertBody(builder, experts).build(expertRows, slices)});
  }
  Tensor init = graph.zeros(x.sizes);
  Value result = moe::CombineOp::create(builder, init.value.getType(),
                                        op.getOutputs().front(), plan, weights,
                                        init.value, moe::CombineInto::Add);
  node.setOutput(0, graph.reshape({result, x.sizes}, input.sizes));
  return Error::success();
}

llvm::ArrayRef<Operator> moec::onnx::getExpertOperators() {
  static constexpr Operator operators[] = {{"com.microsoft", "MoE", emitMoe},
                                           {"com.microsoft", "QMoE", emitMoe}};
  return operators;
}
