// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/LayerBuilder.h"
#include "importers/Routing.h"
#include "importers/RowBuilder.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace moec;
using namespace mlir;

namespace {

class LayerBuilder {
public:
  LayerBuilder(func::FuncOp function, const LayerSpec &spec)
      : function(function), rows(function, spec.name), builder(rows.builder),
        spec(spec) {}

  void build();

private:
  LayerInputs readArguments();
  Value flatten(Value batch);
  Value buildExperts(Value tokens, const Routing &routing);
  Value buildRoutedIds(const Routing &routing);
  void buildBody(moe::ExpertsOp experts, unsigned region,
                 const FeedForwardSpec *network, unsigned firstStack);
  Value buildRouted(Value tokens, const Routing &routing);
  Value addShared(Value tokens, Value routed);
  Value buildSinks(Value tokens, Value weights);

  func::FuncOp function;
  RowBuilder rows;
  ImplicitLocOpBuilder &builder;
  const LayerSpec &spec;
  LayerInputs inputs;
  Value batchSizes[2]; ///< B and S of a batch of sequences
  Value expertScale;   ///< of the norm of experts' rows
};

} // namespace

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

namespace {
/// An argument or result: `dims` has the name of each dynamic dimension.
struct Port {
  llvm::StringRef name;
  RankedTensorType type;
  llvm::ArrayRef<llvm::StringRef> dims;
};
} // namespace

static DictionaryAttr describe(Builder builder, const Port &port) {
  llvm::SmallVector<std::string> names;
  for (auto [index, size] : llvm::enumerate(port.type.getShape()))
    names.push_back(ShapedType::isDynamic(size) ? port.dims[index].str()
                                                : std::to_string(size));
  llvm::SmallVector<llvm::StringRef> dims(names.begin(), names.end());
  return builder.getDictionaryAttr(
      {builder.getNamedAttr(moe::kNameAttr, builder.getStringAttr(port.name)),
       builder.getNamedAttr(moe::kDimsAttr, builder.getStrArrayAttr(dims))});
}

static func::FuncOp declareFunction(ModuleOp module, const LayerSpec &spec) {
  ImplicitLocOpBuilder builder(module.getLoc(), module.getContext());
  builder.setInsertionPointToEnd(module.getBody());
  Type f32 = builder.getF32Type(), i32 = builder.getI32Type();
  int64_t dynamic = ShapedType::kDynamic;
  auto tensor = [&](llvm::ArrayRef<int64_t> shape, Type element) {
    return RankedTensorType::get(shape, element);
  };
  static constexpr llvm::StringRef kTokens[] = {"T"};
  static constexpr llvm::StringRef kBatch[] = {"B", "S"};
  bool batch = spec.capacity && spec.capacity->perSequence;
  Port hidden = {"hidden_states", tensor({dynamic, spec.hidden}, f32), kTokens};
  if (batch)
    hidden = {"hidden_states", tensor({dynamic, dynamic, spec.hidden}, f32),
              kBatch};
  llvm::SmallVector<Port> arguments = {hidden};
  if (spec.router.ownInput)
    arguments.push_back(
        {"router_input", tensor({dynamic, spec.hidden}, f32), kTokens});
  const auto &network = spec.router.network;
  auto states =
      network ? tensor({dynamic, network->down.size}, f32) : RankedTensorType();
  if (network && network->stateScale)
    arguments.push_back({"router_states", states, kTokens});
  if (spec.router.table)
    arguments.push_back({"input_ids", tensor({dynamic}, i32), kTokens});
  if (spec.otherExpert)
    arguments.push_back({"token_types", tensor({dynamic}, i32), kTokens});

  Port out = hidden;
  out.name = "moe_out";
  llvm::SmallVector<Port> results = {out};
  if (network)
    results.push_back({"router_states", states, kTokens});
  int64_t classes = spec.router.productKey ? 2 * spec.router.productKey->side
                                           : spec.getClasses() + spec.sinks;
  auto addResult = [&](llvm::StringRef name, int64_t width, Type element) {
    if (batch)
      results.push_back(
          {name, tensor({dynamic, dynamic, width}, element), kBatch});
    else
      results.push_back({name, tensor({dynamic, width}, element), kTokens});
  };
  addResult("router_logits", classes, f32);
  addResult("topk_ids", spec.topK, i32);
  addResult("topk_weights", spec.topK, f32);

  llvm::SmallVector<Type> argumentTypes, resultTypes;
  llvm::SmallVector<DictionaryAttr> argumentAttrs, resultAttrs;
  for (const Port &port : arguments) {
    argumentTypes.push_back(port.type);
    argumentAttrs.push_back(describe(builder, port));
  }
  for (const Port &port : results) {
    resultTypes.push_back(port.type);
    resultAttrs.push_back(describe(builder, port));
  }
  auto function =
      func::FuncOp::create(builder, spec.name + ".moe",
                           builder.getFunctionType(argumentTypes, resultTypes));
  function.setAllArgAttrs(llvm::ArrayRef<DictionaryAttr>(argumentAttrs));
  function.setAllResultAttrs(llvm::ArrayRef<DictionaryAttr>(resultAttrs));
  function.addEntryBlock();
  return function;
}

/// [B, S, H] as [T, H]; sequences become the segments of tokens.
Value LayerBuilder::flatten(Value batch) {
  for (int dim : {0, 1})
    batchSizes[dim] = tensor::DimOp::create(builder, batch, dim);
  llvm::SmallVector<ReassociationIndices> join = {{0, 1}, {2}};
  Value tokens = tensor::CollapseShapeOp::create(
      builder, rows.rowsOf(spec.hidden), batch, join);
  rows.countRowsOf(tokens);
  Type i32 = builder.getI32Type();
  auto type = RankedTensorType::get({ShapedType::kDynamic}, i32);
  Value init =
      tensor::EmptyOp::create(builder, type, ValueRange{rows.getNumRows()});
  llvm::SmallVector<AffineMap> maps = {builder.getMultiDimIdentityMap(1)};
  llvm::SmallVector<utils::IteratorType> iterators(
      1, utils::IteratorType::parallel);
  inputs.segments =
      linalg::GenericOp::create(
          builder, TypeRange{type}, ValueRange{}, ValueRange{init}, maps,
          iterators,
          [&](OpBuilder &b, Location loc, ValueRange) {
            Value token = linalg::IndexOp::create(b, loc, 0);
            Value sequence =
                arith::DivUIOp::create(b, loc, token, batchSizes[1]);
            linalg::YieldOp::create(
                b, loc,
                arith::IndexCastOp::create(b, loc, i32, sequence).getResult());
          })
          .getResult(0);
  return tokens;
}

LayerInputs LayerBuilder::readArguments() {
  for (BlockArgument argument : function.getArguments()) {
    llvm::StringRef name = function
                               .getArgAttrOfType<StringAttr>(
                                   argument.getArgNumber(), moe::kNameAttr)
                               .getValue();
    if (name == "hidden_states")
      inputs.tokens = argument;
    else if (name == "router_input")
      inputs.routerInput = argument;
    else if (name == "router_states")
      inputs.routerStates = argument;
    else if (name == "input_ids")
      inputs.inputIds = argument;
    else
      inputs.tokenTypes = argument;
  }
  if (cast<RankedTensorType>(inputs.tokens.getType()).getRank() == 3)
    inputs.tokens = flatten(inputs.tokens);
  else
    rows.countRowsOf(inputs.tokens);
  return inputs;
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

/// A region: the network, or the identity where there is none. Its stacks begin
/// with operand `firstStack`.
void LayerBuilder::buildBody(moe::ExpertsOp experts, unsigned region,
                             const FeedForwardSpec *network,
                             unsigned firstStack) {
  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(&experts.getBodies()[region]);
  Location loc = builder.getLoc();
  int64_t width = spec.getExpertWidth();
  Value expertRows = body->addArgument(rows.rowsOf(width), loc);
  llvm::SmallVector<Value> slices;
  for (Value stack : experts.getParams()) {
    auto type = cast<RankedTensorType>(stack.getType());
    slices.push_back(
        body->addArgument(RankedTensorType::get(type.getShape().drop_front(),
                                                type.getElementType()),
                          loc));
  }
  body->addArgument(builder.getIndexType(), loc);
  if (!network) {
    moe::YieldOp::create(builder, ValueRange{expertRows});
    return;
  }
  unsigned next = firstStack;
  auto take = [&](bool there) { return there ? slices[next++] : Value(); };
  RowBuilder::FeedForward weights;
  weights.gate = take(network->gate.has_value());
  weights.up = take(true);
  weights.down = take(true);
  weights.gateBias = take(network->gateBias.has_value());
  weights.upBias = take(network->upBias.has_value());
  weights.downBias = take(network->downBias.has_value());
  Value before = rows.countRowsOf(expertRows);
  Value result = rows.feedForward(expertRows, weights, network->body);
  if (spec.expertNorm)
    result = rows.norm(result, *spec.expertNorm, expertScale);
  rows.setNumRows(before);
  moe::YieldOp::create(builder, ValueRange{result});
}

/// Ids among all experts: those of tokens of type 1 follow the others.
Value LayerBuilder::buildRoutedIds(const Routing &routing) {
  if (!spec.otherExpert)
    return routing.ids;
  Type i32 = builder.getI32Type();
  return rows.elementwise(
      {routing.ids, inputs.tokenTypes},
      [&](Scalar s, ValueRange args) -> Value {
        auto constant = [&](int64_t value) {
          return arith::ConstantOp::create(s.builder, s.loc,
                                           s.builder.getI32IntegerAttr(value));
        };
        Value isFirst = arith::CmpIOp::create(
            s.builder, s.loc, arith::CmpIPredicate::eq, args[1], constant(0));
        Value shift = arith::SelectOp::create(
            s.builder, s.loc, isFirst, constant(0), constant(spec.experts));
        return arith::AddIOp::create(s.builder, s.loc, args[0], shift);
      },
      i32);
}

Value LayerBuilder::buildExperts(Value tokens, const Routing &routing) {
  int64_t width = spec.getExpertWidth();
  int64_t sets = spec.otherExpert ? 2 : 1;
  int64_t members = sets * spec.experts + spec.identities + spec.skips;
  auto planType = moe::PlanType::get(builder.getContext(), members, spec.topK);
  Value plan = moe::PlanOp::create(builder, planType, buildRoutedIds(routing),
                                   /*tokens=*/Value());
  bool weighsInput = spec.router.weighsInput;
  Value dispatched =
      moe::DispatchOp::create(builder, rows.rowsOf(width), tokens, plan,
                              weighsInput ? routing.weights : Value());
  llvm::SmallVector<Value> stacks;
  auto declare = [&](llvm::StringRef name, const FeedForwardSpec &network) {
    auto weights = rows.declare(name, network, width, {spec.experts});
    for (Value value : {weights.gate, weights.up, weights.down,
                        weights.gateBias, weights.upBias, weights.downBias})
      if (value)
        stacks.push_back(value);
  };
  declare("experts", spec.expert);
  unsigned secondSet = stacks.size();
  if (spec.otherExpert)
    declare("other_experts", *spec.otherExpert);
  if (spec.expertNorm && spec.expertNorm->scale)
    expertScale =
        rows.parameter("experts.norm", *spec.expertNorm->scale, {width});

  llvm::SmallVector<int32_t> regions, slots;
  unsigned identityRegion = sets;
  for (int64_t expert = 0; expert < members; ++expert) {
    bool network = expert < sets * spec.experts;
    bool identity = !network && expert < sets * spec.experts + spec.identities;
    regions.push_back(network ? expert / spec.experts
                              : (identity ? identityRegion : -1));
    slots.push_back(network ? expert % spec.experts : 0);
  }
  bool uniform = sets == 1 && members == spec.experts;
  unsigned bodies = sets + (spec.identities ? 1 : 0);
  auto experts = moe::ExpertsOp::create(
      builder, TypeRange{rows.rowsOf(width)}, plan, ValueRange{dispatched},
      stacks, uniform ? nullptr : builder.getDenseI32ArrayAttr(regions),
      uniform ? nullptr : builder.getDenseI32ArrayAttr(slots), bodies);
  buildBody(experts, 0, &spec.expert, 0);
  if (spec.otherExpert)
    buildBody(experts, 1, &*spec.otherExpert, secondSet);
  if (spec.identities)
    buildBody(experts, identityRegion, nullptr, 0);
  return moe::CombineOp::create(builder, rows.rowsOf(width),
                                experts.getOutputs().front(), plan,
                                weighsInput ? Value() : routing.weights,
                                rows.zeros(width), moe::CombineInto::Add);
}

//===----------------------------------------------------------------------===//
// The layer
//===----------------------------------------------------------------------===//

Value LayerBuilder::buildRouted(Value tokens, const Routing &routing) {
  auto project = [&](Value x, llvm::StringRef name,
                     const ProjectionSpec &layer) {
    int64_t in = cast<RankedTensorType>(x.getType()).getDimSize(1);
    Value weight = rows.parameter(name, layer.weight, {layer.size, in});
    Value bias = layer.bias ? rows.parameter((name + ".bias").str(),
                                             *layer.bias, {layer.size})
                            : Value();
    return rows.linear(x, weight, bias);
  };
  Value input = tokens;
  if (spec.intoLatent) {
    input = project(input, "into_latent", *spec.intoLatent);
    if (const auto &norm = spec.latentNorm)
      input =
          rows.norm(input, *norm,
                    norm->scale ? rows.parameter("latent_norm", *norm->scale,
                                                 {spec.intoLatent->size})
                                : Value());
  }
  Value routed = buildExperts(input, routing);
  if (spec.outOfLatent)
    routed = project(routed, "out_of_latent", *spec.outOfLatent);
  return rows.scale(routed, spec.routedScale);
}

/// The routed rows, plus the shared expert's behind its gate.
Value LayerBuilder::addShared(Value tokens, Value routed) {
  auto weights = rows.declare("shared", spec.shared->network, spec.hidden);
  llvm::SmallVector<Value> terms = {
      routed, rows.feedForward(tokens, weights, spec.shared->network.body)};
  if (spec.shared->gate)
    terms.push_back(
        rows.linear(tokens, rows.parameter("shared.switch", *spec.shared->gate,
                                           {1, spec.hidden})));
  return rows.elementwise(terms, [&](Scalar s, ValueRange args) {
    Value share = args[1];
    if (spec.shared->gate)
      share = s.mul(s.sigmoid(args[2]), share);
    return s.add(args[0], share);
  });
}

static Value addRows(RowBuilder &rows, Value a, Value b) {
  return rows.elementwise({a, b}, [](Scalar s, ValueRange args) {
    return s.add(args[0], args[1]);
  });
}

/// The sum of the sinks' networks, each with its weight inside.
Value LayerBuilder::buildSinks(Value tokens, Value weights) {
  auto stacks = rows.declare("sinks", spec.sink, spec.hidden, {spec.sinks});
  auto slice = [&](Value stack, int64_t index) -> Value {
    if (!stack)
      return nullptr;
    auto type = cast<RankedTensorType>(stack.getType());
    llvm::SmallVector<OpFoldResult> offsets = {builder.getIndexAttr(index)};
    llvm::SmallVector<OpFoldResult> sizes = {builder.getIndexAttr(1)};
    for (int64_t size : type.getShape().drop_front()) {
      offsets.push_back(builder.getIndexAttr(0));
      sizes.push_back(builder.getIndexAttr(size));
    }
    llvm::SmallVector<OpFoldResult> strides(type.getRank(),
                                            builder.getIndexAttr(1));
    auto part = RankedTensorType::get(type.getShape().drop_front(),
                                      type.getElementType());
    return tensor::ExtractSliceOp::create(builder, part, stack, offsets, sizes,
                                          strides);
  };
  Value sum;
  for (int64_t sink = 0; sink < spec.sinks; ++sink) {
    RowBuilder::FeedForward part;
    part.gate = slice(stacks.gate, sink);
    part.up = slice(stacks.up, sink);
    part.down = slice(stacks.down, sink);
    Value value = rows.feedForward(tokens, part, spec.sink.body,
                                   rows.columns(weights, sink, 1));
    sum = sum ? addRows(rows, sum, value) : value;
  }
  return sum;
}

void LayerBuilder::build() {
  readArguments();
  Routing routing = buildRouting(rows, spec, inputs);
  Value result = buildRouted(inputs.tokens, routing);
  if (spec.shared)
    result = addShared(inputs.tokens, result);
  if (spec.sinks)
    result =
        addRows(rows, result, buildSinks(inputs.tokens, routing.sinkWeights));
  result = rows.scale(result, spec.outputScale);
  if (spec.outputBias)
    result = rows.elementwise(
        {result,
         rows.parameter("output_bias", *spec.outputBias, {spec.hidden})},
        [](Scalar s, ValueRange args) { return s.add(args[0], args[1]); });
  if (const auto &norm = spec.outputNorm)
    result = rows.norm(
        result, *norm,
        norm->scale ? rows.parameter("output_norm", *norm->scale, {spec.hidden})
                    : Value());
  llvm::SmallVector<Value> results = {result};
  if (routing.routerStates)
    results.push_back(routing.routerStates);
  results.append({routing.logits, routing.ids, routing.weights});
  if (batchSizes[0])
    for (auto [value, type] : llvm::zip(results, function.getResultTypes())) {
      auto shaped = cast<RankedTensorType>(type);
      llvm::SmallVector<ReassociationIndices> split = {{0, 1}, {2}};
      llvm::SmallVector<OpFoldResult> sizes = {
          batchSizes[0], batchSizes[1],
          builder.getIndexAttr(shaped.getDimSize(2))};
      value =
          tensor::ExpandShapeOp::create(builder, shaped, value, split, sizes);
    }
  func::ReturnOp::create(builder, results);
}

void moec::buildMoeLayer(ModuleOp module, const LayerSpec &spec) {
  LayerBuilder(declareFunction(module, spec), spec).build();
}
