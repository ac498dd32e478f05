// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// com.microsoft.MoE. Its router input holds logits; semantics are those of ONNX
// Runtime's CPU kernels.

#include "importers/Activation.h"
#include "importers/Sources.h"
#include "importers/Try.h"
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
/// One linear part of an expert: weight [E, out, in] and bias [E, out].
struct Linear {
  Value weight, bias;
  int64_t width = 0; ///< out
};

/// How gate and up lie in the first part.
enum class Fusion { None, Interleaved, Halves };

struct Experts {
  int64_t count = 0, topK = 0, hidden = 0;
  Linear first, second, third; ///< fc1, fc2, fc3 (may be missing)
  Fusion fusion = Fusion::None;
  std::string activation;
  double alpha = 1, beta = 0;
  std::optional<double> limit;
};

/// Emits the region of one expert.
class ExpertBody {
public:
  ExpertBody(ImplicitLocOpBuilder &builder, const Experts &experts)
      : builder(builder), experts(experts) {}

  Value build(Value rows, ArrayRef<Value> slices);

private:
  Value linear(Value rows, Value weight, Value bias, int64_t width);
  Value columns(Value rows, int64_t offset, int64_t count, int64_t stride);
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

/// Every `stride`-th of the columns from `offset`.
Value ExpertBody::columns(Value rows, int64_t offset, int64_t count,
                          int64_t stride) {
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  return tensor::ExtractSliceOp::create(
      builder, rows, Sizes{zero, builder.getIndexAttr(offset)},
      Sizes{numRows, builder.getIndexAttr(count)},
      Sizes{one, builder.getIndexAttr(stride)});
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

/// g * sigmoid(alpha * g) * (u + beta), with g at most `limit` and u within it.
Value ExpertBody::clampedSwiglu(Value gate, Value up) {
  const Activation *sigmoid = findActivation("sigmoid");
  return combine({gate, up}, [&](ImplicitLocOpBuilder &b, ValueRange x) {
    auto number = [&](double value) -> Value {
      return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
    };
    Value g = x[0], u = x[1];
    if (experts.limit) {
      Value limit = number(*experts.limit);
      g = arith::MinimumFOp::create(b, g, limit);
      u = arith::MinimumFOp::create(b, u, limit);
      u = arith::MaximumFOp::create(b, u, number(-*experts.limit));
    }
    Value scaled = g;
    if (experts.alpha != 1)
      scaled = arith::MulFOp::create(b, g, number(experts.alpha));
    Value y =
        arith::MulFOp::create(b, g, sigmoid->build(b, b.getLoc(), scaled));
    if (experts.beta != 0)
      u = arith::AddFOp::create(b, u, number(experts.beta));
    return arith::MulFOp::create(b, y, u);
  });
}

Value ExpertBody::build(Value rows, ArrayRef<Value> slices) {
  numRows = tensor::DimOp::create(builder, rows, 0);
  // Slices come in the order of forEachPart.
  const Value *next = slices.begin();
  auto apply = [&](const Linear &part, Value input) {
    Value weight = *next++;
    Value bias = part.bias ? *next++ : Value();
    return linear(input, weight, bias, part.width);
  };
  Value hidden = apply(experts.first, rows);
  Value third = experts.third.weight ? apply(experts.third, rows) : Value();
  int64_t half = experts.first.width / 2;
  if (experts.fusion == Fusion::Interleaved)
    hidden =
        clampedSwiglu(columns(hidden, 0, half, 2), columns(hidden, 1, half, 2));
  else if (experts.fusion == Fusion::Halves)
    hidden = clampedSwiglu(columns(hidden, 0, half, 1),
                           columns(hidden, half, half, 1));
  else if (experts.activation == "swiglu")
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

/// Ids and weights of the logits [T, E].
static std::pair<Value, Value> route(const Node &node, const Tensor &logits,
                                     const Experts &experts) {
  GraphBuilder &graph = node.getGraph();
  ImplicitLocOpBuilder &builder = graph.getBuilder();
  int64_t rows = cast<RankedTensorType>(logits.value.getType()).getDimSize(0);
  bool normalizes = node.getInteger("normalize_routing_weights", 0) != 0;
  bool mixes = node.getInteger("use_sparse_mixer", 0) != 0;
  Value scores = logits.value;
  if (!normalizes && !mixes) {
    Tensor init = graph.empty(logits.sizes, logits.element());
    scores = linalg::SoftmaxOp::create(builder, TypeRange{init.value.getType()},
                                       scores, init.value, 1)
                 ->getResult(0);
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
  moe::WeightNorm norm = mixes        ? moe::WeightNorm::SparseMixer
                         : normalizes ? moe::WeightNorm::Softmax
                                      : moe::WeightNorm::None;
  Value weights = moe::WeighOp::create(
      builder, typeOf(builder.getF32Type()), scores, ids, norm,
      llvm::APFloat(0.0), moe::EpsMode::Add, llvm::APFloat(1.0),
      /*fill=*/llvm::APFloat(0.0), /*p=*/llvm::APFloat(2.0),
      llvm::APFloat(mixes ? jitter : 0.0));
  return {ids, weights};
}

/// Reads fc1, fc2 or fc3: a weight [E, width, depth] and its bias.
static Expected<Linear> readLinear(const Node &node, size_t weightIndex,
                                   int64_t count, int64_t depth) {
  GraphBuilder &graph = node.getGraph();
  Linear part;
  auto read = [&](size_t index, ArrayRef<int64_t> wanted) -> Expected<Value> {
    StringRef name = node.getInputName(index);
    std::optional<ParameterSpec> parameter = graph.getParameter(name);
    if (!parameter || !isa_and_nonnull<FloatType>(parameter->element))
      return node.fail("expected input '" + name +
                       "' to be an initialiser of floating-point numbers");
    ArrayRef<int64_t> shape = graph.getFile().getTensors().find(name)->shape;
    bool fits = shape.size() == wanted.size();
    for (size_t i = 0; fits && i < shape.size(); ++i)
      fits = wanted[i] < 0 || shape[i] == wanted[i];
    if (!fits)
      return node.fail("input '" + name + "' has a shape that does not fit " +
                       Twine(count) + " experts and the sizes before it");
    return graph.load(name, *parameter, shape).value;
  };
  MOEC_TRY(part.weight, read(weightIndex, {count, -1, depth}));
  part.width = cast<RankedTensorType>(part.weight.getType()).getDimSize(1);
  if (node.hasInput(weightIndex + 1)) {
    MOEC_TRY(part.bias, read(weightIndex + 1, {count, part.width}));
  }
  return part;
}

static Error readExperts(const Node &node, const Tensor &x,
                         const Tensor &logits, Experts &experts) {
  std::optional<int64_t> hidden = getConstantIntValue(x.sizes.back());
  std::optional<int64_t> count = getConstantIntValue(logits.sizes.back());
  if (!hidden || !count)
    return node.fail("expected a fixed hidden size and number of experts");
  experts.hidden = *hidden;
  experts.count = *count;
  experts.topK = node.getInteger("k", 1);
  if (experts.topK < 1 || experts.topK > experts.count)
    return node.fail("expected k between 1 and " + Twine(*count) + ", found " +
                     Twine(experts.topK));
  experts.activation = node.getText("activation_type", "relu");
  experts.alpha = node.getReal("activation_alpha", 1);
  experts.beta = node.getReal("activation_beta", 0);
  if (double limit = node.getReal("swiglu_limit", 0); limit > 0)
    experts.limit = limit;
  // The names that differ; ONNX Runtime's gelu is the tanh form.
  if (experts.activation == "gelu")
    experts.activation = "gelu_pytorch_tanh";
  if (experts.activation == "identity")
    experts.activation = "linear";
  bool gated = experts.activation == "swiglu";
  if (!gated && !findActivation(experts.activation))
    return node.fail("activation_type '" + experts.activation +
                     "' is not supported");
  int64_t fusion = gated ? node.getInteger("swiglu_fusion", 0) : 0;
  if (fusion < 0 || fusion > 2)
    return node.fail("expected swiglu_fusion 0, 1 or 2, found " +
                     Twine(fusion));
  experts.fusion = static_cast<Fusion>(fusion);

  MOEC_TRY(experts.first, readLinear(node, 2, *count, *hidden));
  if (fusion != 0 && experts.first.width % 2)
    return node.fail("fc1 has an odd number of rows, expected gate and up");
  int64_t inner = fusion ? experts.first.width / 2 : experts.first.width;
  MOEC_TRY(experts.second, readLinear(node, 4, *count, inner));
  if (node.hasInput(6)) {
    MOEC_TRY(experts.third, readLinear(node, 6, *count, *hidden));
  }
  if (experts.second.width != *hidden)
    return node.fail("fc2 has " + Twine(experts.second.width) +
                     " rows, expected " + Twine(*hidden));
  if (experts.third.weight && (fusion || experts.third.width != inner))
    return node.fail("fc3 does not fit fc1");
  if (gated && fusion == 0 && !experts.third.weight)
    return node.fail("swiglu without swiglu_fusion needs fc3");
  return Error::success();
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
  Experts experts;
  if (Error error = readExperts(node, x, logits, experts))
    return error;
  auto [ids, weights] = route(node, logits, experts);
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
  static constexpr Operator operators[] = {{"com.microsoft", "MoE", emitMoe}};
  return operators;
}
