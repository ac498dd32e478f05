// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/LayerBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace moec;
using namespace mlir;

namespace {

class LayerBuilder {
public:
  LayerBuilder(ModuleOp module, const LayerSpec &spec)
      : builder(module.getLoc(), module.getContext()), spec(spec) {
    builder.setInsertionPointToEnd(module.getBody());
  }

  void build();

private:
  struct Router {
    Value logits, ids, weights;
  };

  FlatSymbolRefAttr declare(llvm::StringRef name, const ParameterSpec &param,
                            llvm::ArrayRef<int64_t> shape);
  void declareParameters();
  func::FuncOp declareFunction();
  Router buildRouter(Value tokens);
  Value buildExperts(Value tokens, const Router &router);
  Value buildShared(Value tokens, Value routed);

  RankedTensorType rowsOf(int64_t width, Type element) {
    return RankedTensorType::get({ShapedType::kDynamic, width}, element);
  }
  RankedTensorType rowsOf(int64_t width) {
    return rowsOf(width, builder.getF32Type());
  }
  Value load(FlatSymbolRefAttr symbol);
  Value empty(int64_t width);
  Value zeros(int64_t width);
  Value linear(Value rows, Value weight);
  Value elementwise(
      llvm::ArrayRef<Value> inputs,
      llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body);
  Value glu(Value rows, Value gate, Value up, Value down);

  ImplicitLocOpBuilder builder;
  const LayerSpec &spec;
  llvm::StringMap<RankedTensorType> types;
  FlatSymbolRefAttr router, gate, up, down;
  FlatSymbolRefAttr sharedGate, sharedUp, sharedDown, sharedSwitch;
  Value zeroIndex, zero;
  Value numRows; ///< of the tensors that are being computed
};

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

FlatSymbolRefAttr LayerBuilder::declare(llvm::StringRef name,
                                        const ParameterSpec &param,
                                        llvm::ArrayRef<int64_t> shape) {
  std::string symbol = spec.name + "." + name.str();
  auto type = RankedTensorType::get(shape, param.element);
  types[symbol] = type;
  ml_program::GlobalOp::create(builder, symbol, type, /*is_mutable=*/false,
                               param.value, builder.getStringAttr("private"));
  return FlatSymbolRefAttr::get(builder.getContext(), symbol);
}

void LayerBuilder::declareParameters() {
  int64_t hidden = spec.hidden, experts = spec.experts;
  router = declare("router", spec.router, {experts, hidden});
  const GluSpec &expert = spec.expert;
  gate = declare("experts.gate", expert.gate, {experts, expert.size, hidden});
  up = declare("experts.up", expert.up, {experts, expert.size, hidden});
  down = declare("experts.down", expert.down, {experts, hidden, expert.size});
  if (!spec.shared)
    return;
  int64_t size = spec.shared->size;
  sharedGate = declare("shared.gate", spec.shared->gate, {size, hidden});
  sharedUp = declare("shared.up", spec.shared->up, {size, hidden});
  sharedDown = declare("shared.down", spec.shared->down, {hidden, size});
  if (spec.sharedGate)
    sharedSwitch = declare("shared.switch", *spec.sharedGate, {1, hidden});
}

func::FuncOp LayerBuilder::declareFunction() {
  Type i32 = builder.getI32Type();
  auto type = builder.getFunctionType(
      {rowsOf(spec.hidden)}, {rowsOf(spec.hidden), rowsOf(spec.experts),
                              rowsOf(spec.topK, i32), rowsOf(spec.topK)});
  auto describe = [&](llvm::StringRef name, int64_t width) {
    return builder.getDictionaryAttr(
        {builder.getNamedAttr(moe::kNameAttr, builder.getStringAttr(name)),
         builder.getNamedAttr(
             moe::kDimsAttr,
             builder.getStrArrayAttr({"T", std::to_string(width)}))});
  };
  auto function = func::FuncOp::create(builder, spec.name + ".moe", type);
  llvm::SmallVector<DictionaryAttr> results = {
      describe("moe_out", spec.hidden), describe("router_logits", spec.experts),
      describe("topk_ids", spec.topK), describe("topk_weights", spec.topK)};
  function.setAllArgAttrs(
      llvm::ArrayRef<DictionaryAttr>(describe("hidden_states", spec.hidden)));
  function.setAllResultAttrs(llvm::ArrayRef<DictionaryAttr>(results));
  return function;
}

//===----------------------------------------------------------------------===//
// Small pieces
//===----------------------------------------------------------------------===//

Value LayerBuilder::load(FlatSymbolRefAttr symbol) {
  return ml_program::GlobalLoadConstOp::create(
      builder, types.lookup(symbol.getValue()), symbol);
}

/// An uninitialised tensor of numRows rows.
Value LayerBuilder::empty(int64_t width) {
  return tensor::EmptyOp::create(builder, rowsOf(width), ValueRange{numRows});
}

Value LayerBuilder::zeros(int64_t width) {
  return linalg::FillOp::create(builder, zero, empty(width)).getResult(0);
}

/// rows . weight^T, for a weight [out, in] of any float type.
Value LayerBuilder::linear(Value rows, Value weight) {
  int64_t width = cast<RankedTensorType>(weight.getType()).getDimSize(0);
  Value init = zeros(width);
  return linalg::MatmulTransposeBOp::create(
             builder, builder.getLoc(), TypeRange{init.getType()},
             ValueRange{rows, weight}, ValueRange{init})
      .getResult(0);
}

/// An elementwise computation on equally many rows. The first input gives the
/// width; an input of one column is the same for all columns.
Value LayerBuilder::elementwise(
    llvm::ArrayRef<Value> inputs,
    llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  AffineExpr row = builder.getAffineDimExpr(0);
  AffineExpr column = builder.getAffineDimExpr(1);
  AffineExpr first = builder.getAffineConstantExpr(0);
  auto width = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getDimSize(1);
  };
  llvm::SmallVector<AffineMap> maps;
  for (Value input : inputs) {
    bool broadcast = width(input) == 1 && width(inputs[0]) != 1;
    maps.push_back(AffineMap::get(2, 0, {row, broadcast ? first : column},
                                  builder.getContext()));
  }
  maps.push_back(builder.getMultiDimIdentityMap(2));
  Value init = empty(width(inputs[0]));
  llvm::SmallVector<utils::IteratorType> iterators(
      2, utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, TypeRange{init.getType()}, inputs, ValueRange{init}, maps,
             iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               linalg::YieldOp::create(b, loc, body(b, loc, args.drop_back()));
             })
      .getResult(0);
}

Value LayerBuilder::glu(Value rows, Value gate, Value up, Value down) {
  Value g = linear(rows, gate);
  Value u = linear(rows, up);
  Value h = elementwise(
      {g, u}, [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value activated = spec.activation->build(b, loc, args[0]);
        return arith::MulFOp::create(b, loc, activated, args[1]);
      });
  return linear(h, down);
}

//===----------------------------------------------------------------------===//
// The layer
//===----------------------------------------------------------------------===//

LayerBuilder::Router LayerBuilder::buildRouter(Value tokens) {
  Router result;
  result.logits = linear(tokens, load(router));
  Value scores;
  if (spec.score == ScoreFunction::Softmax) {
    Value init = empty(spec.experts);
    scores = linalg::SoftmaxOp::create(builder, TypeRange{init.getType()},
                                       result.logits, init, /*dimension=*/1)
                 ->getResult(0);
  } else {
    const Activation *sigmoid = findActivation("sigmoid");
    scores = elementwise({result.logits},
                         [&](OpBuilder &b, Location loc, ValueRange args) {
                           return sigmoid->build(b, loc, args[0]);
                         });
  }
  MLIRContext *context = builder.getContext();
  moe::SelectionPolicyInterface policy;
  if (spec.groups)
    policy = cast<moe::SelectionPolicyInterface>(moe::GroupedTopKAttr::get(
        context, spec.topK, spec.groups->count, spec.groups->kept,
        spec.groups->score, spec.groups->masked));
  else
    policy = cast<moe::SelectionPolicyInterface>(
        moe::TopKAttr::get(context, spec.topK));
  result.ids = moe::SelectOp::create(
                   builder, TypeRange{rowsOf(spec.topK, builder.getI32Type())},
                   ValueRange{scores}, /*mask=*/Value(), ValueRange{}, policy)
                   .getIds();
  result.weights = moe::WeighOp::create(
      builder, rowsOf(spec.topK), scores, result.ids,
      spec.normalize ? moe::WeightNorm::Sum : moe::WeightNorm::None,
      llvm::APFloat(spec.eps), moe::EpsMode::Add, llvm::APFloat(spec.scale),
      /*fill=*/llvm::APFloat(0.0), /*p=*/llvm::APFloat(2.0),
      /*jitter=*/llvm::APFloat(0.0));
  return result;
}

Value LayerBuilder::buildExperts(Value tokens, const Router &routing) {
  auto planType =
      moe::PlanType::get(builder.getContext(), spec.experts, spec.topK);
  auto rowsType = rowsOf(spec.hidden);
  Value plan =
      moe::PlanOp::create(builder, planType, routing.ids, /*tokens=*/Value());
  Value rows = moe::DispatchOp::create(builder, rowsType, tokens, plan,
                                       /*weights=*/Value());
  llvm::SmallVector<Value> stacks = {load(gate), load(up), load(down)};
  auto experts = moe::ExpertsOp::create(
      builder, TypeRange{rowsType}, plan, ValueRange{rows}, stacks,
      /*members=*/nullptr, /*slot=*/nullptr, /*bodiesCount=*/1);
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *body = builder.createBlock(&experts.getBodies().front());
    Location loc = builder.getLoc();
    Value expertRows = body->addArgument(rowsType, loc);
    llvm::SmallVector<Value> slices;
    for (Value stack : stacks) {
      auto type = cast<RankedTensorType>(stack.getType());
      slices.push_back(
          body->addArgument(RankedTensorType::get(type.getShape().drop_front(),
                                                  type.getElementType()),
                            loc));
    }
    body->addArgument(builder.getIndexType(), loc);
    llvm::SaveAndRestore scope(numRows);
    numRows = tensor::DimOp::create(builder, expertRows, zeroIndex);
    Value result = glu(expertRows, slices[0], slices[1], slices[2]);
    moe::YieldOp::create(builder, ValueRange{result});
  }
  return moe::CombineOp::create(builder, rowsType, experts.getOutputs().front(),
                                plan, routing.weights, zeros(spec.hidden),
                                moe::CombineInto::Add);
}

Value LayerBuilder::buildShared(Value tokens, Value routed) {
  Value gateWeight = load(sharedGate);
  Value upWeight = load(sharedUp);
  Value shared = glu(tokens, gateWeight, upWeight, load(sharedDown));
  llvm::SmallVector<Value> inputs = {routed, shared};
  if (spec.sharedGate)
    inputs.push_back(linear(tokens, load(sharedSwitch)));
  return elementwise(
      inputs, [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value share = args[1];
        if (spec.sharedGate) {
          Value open = findActivation("sigmoid")->build(b, loc, args[2]);
          share = arith::MulFOp::create(b, loc, open, share);
        }
        return arith::AddFOp::create(b, loc, args[0], share);
      });
}

void LayerBuilder::build() {
  declareParameters();
  func::FuncOp function = declareFunction();
  builder.setInsertionPointToStart(function.addEntryBlock());
  zeroIndex = arith::ConstantIndexOp::create(builder, 0);
  zero = arith::ConstantOp::create(builder, builder.getF32FloatAttr(0.0));
  Value tokens = function.getArgument(0);
  numRows = tensor::DimOp::create(builder, tokens, zeroIndex);
  Router routing = buildRouter(tokens);
  Value result = buildExperts(tokens, routing);
  if (spec.shared)
    result = buildShared(tokens, result);
  func::ReturnOp::create(builder, ValueRange{result, routing.logits,
                                             routing.ids, routing.weights});
}

} // namespace

void moec::buildMoeLayer(ModuleOp module, const LayerSpec &spec) {
  LayerBuilder(module, spec).build();
}
