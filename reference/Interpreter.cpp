// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "reference/Interpreter.h"
#include "dialects/moe/Moe.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "reference/LinalgOps.h"
#include "reference/ScalarOps.h"

using namespace mlir;

namespace moec::reference {

/// Deeper calls are an endless recursion.
static constexpr unsigned kMaxDepth = 200;

static const Handlers &getHandlers() {
  static const Handlers handlers = [] {
    Handlers all;
    addControlFlow(all);
    addLinalgOps(all);
    addMemoryOps(all);
    addMoeOps(all);
    addRoutingOps(all);
    addTensorOps(all);
    addTransformerOps(all);
    return all;
  }();
  return handlers;
}

bool interprets(StringRef operationName) {
  return getHandlers().lookup(operationName) || isScalarOp(operationName);
}

LogicalResult Interpreter::run(Operation *op) {
  if (const Handler *handler =
          getHandlers().lookup(op->getName().getStringRef()))
    return (*handler)(*this, op);
  if (isScalarOp(op->getName().getStringRef()))
    return runScalarOp(*this, op);
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return runLinalgOp(*this, structured);
  return op->emitOpError("is not known to the reference interpreter");
}

LogicalResult Interpreter::runBody(Block &block,
                                   ArrayRef<RuntimeValue> arguments) {
  for (auto [argument, value] :
       llvm::zip_equal(block.getArguments(), arguments))
    set(argument, value);
  for (Operation &op : block.without_terminator())
    if (failed(run(&op)))
      return failure();
  return success();
}

LogicalResult Interpreter::runBlock(Block &block,
                                    ArrayRef<RuntimeValue> arguments,
                                    SmallVectorImpl<RuntimeValue> &yielded) {
  if (failed(runBody(block, arguments)))
    return failure();
  yielded.clear();
  for (Value value : block.getTerminator()->getOperands())
    yielded.push_back(get(value));
  return success();
}

LogicalResult Interpreter::call(func::FuncOp function,
                                ArrayRef<RuntimeValue> arguments,
                                SmallVectorImpl<RuntimeValue> &results) {
  if (function.isExternal())
    return function.emitOpError("has no body to interpret");
  if (!function.getBody().hasOneBlock())
    return function.emitOpError("expects one block to be interpreted");
  if (depth == kMaxDepth)
    return function.emitOpError("calls itself too often to be interpreted");
  Frame inner;
  Frame *outer = std::exchange(frame, &inner);
  bool outerRounds = std::exchange(rounds, true);
  ++depth;
  LogicalResult result =
      runBlock(function.getBody().front(), arguments, results);
  --depth;
  rounds = outerRounds;
  frame = outer;
  return result;
}

const RuntimeValue &Interpreter::get(Value value) {
  RuntimeValue &result = frame->lookup(value);
  if (const Parameter *parameter = result.parameter.get()) {
    result.tensor = std::make_shared<Tensor>(
        fromBytes(parameter->type.getElementType(), parameter->type.getShape(),
                  parameter->bytes.get()));
    result.parameter = nullptr;
  }
  return result;
}

SmallVector<RuntimeValue> Interpreter::getAll(ValueRange values) {
  return llvm::map_to_vector(values, [&](Value value) { return get(value); });
}

SmallVector<int64_t> Interpreter::getSizes(ArrayRef<OpFoldResult> sizes) {
  return llvm::map_to_vector(sizes, [&](OpFoldResult size) {
    if (auto attribute = dyn_cast<Attribute>(size))
      return cast<IntegerAttr>(attribute).getInt();
    return getInteger(cast<Value>(size));
  });
}

void Interpreter::setScalar(Value value, Scalar result) {
  bool isFloat = isa<FloatType>(value.getType());
  set(value, {rounds || !isFloat ? roundTo(value.getType(), result) : result,
              nullptr, nullptr});
}

void Interpreter::setTensor(Value value, Tensor result) {
  Type type = cast<ShapedType>(value.getType()).getElementType();
  if (rounds || !isa<FloatType>(type))
    roundAll(type, result);
  set(value,
      {makeInteger(0), std::make_shared<Tensor>(std::move(result)), nullptr});
}

LogicalResult Interpreter::loadGlobal(Operation *user, SymbolRefAttr name,
                                      RuntimeValue &value) {
  StringRef symbol = name.getLeafReference().getValue();
  auto found = globals.find(symbol);
  if (found != globals.end()) {
    value = found->second;
    return success();
  }
  auto global = symbols.lookup<ml_program::GlobalOp>(symbol);
  if (!global)
    return user->emitOpError() << "reads unknown global " << name;
  if (auto state = dyn_cast_or_null<moe::StateAttr>(global.getValueAttr())) {
    value.tensor = getState(symbol, state, global.getType());
  } else if (auto constant =
                 dyn_cast_or_null<TypedAttr>(global.getValueAttr())) {
    value = fromAttribute(constant);
  } else {
    auto type = dyn_cast<RankedTensorType>(global.getType());
    auto parameter = std::make_shared<Parameter>();
    parameter->type = type;
    if (!type || !host.getParameter ||
        failed(host.getParameter(symbol, type, parameter->bytes)))
      return user->emitOpError()
             << "expects a value for parameter '" << symbol << "'";
    value.parameter = std::move(parameter);
  }
  bool isTensor = isa<RankedTensorType>(global.getType());
  if (isTensor != (value.tensor || value.parameter))
    return global.emitOpError("expects a value of its type");
  globals[symbol] = value;
  return success();
}

LogicalResult Interpreter::storeGlobal(Operation *user, SymbolRefAttr name,
                                       RuntimeValue value) {
  StringRef symbol = name.getLeafReference().getValue();
  if (!symbols.lookup<ml_program::GlobalOp>(symbol))
    return user->emitOpError() << "writes unknown global " << name;
  if (host.state && value.tensor)
    (*host.state)[symbol] = value.tensor;
  globals[symbol] = std::move(value);
  return success();
}

std::shared_ptr<Tensor> Interpreter::getState(StringRef symbol,
                                              moe::StateAttr state, Type type) {
  if (host.state)
    if (auto found = host.state->find(symbol); found != host.state->end())
      return found->second;
  auto tensor = cast<RankedTensorType>(type);
  auto zeros = std::make_shared<Tensor>();
  unsigned next = 0;
  for (int64_t size : tensor.getShape()) {
    if (ShapedType::isDynamic(size)) {
      auto known = sizes.find(state.getDims()[next]);
      size = known == sizes.end() ? state.getSizes()[next] : known->second;
      ++next;
    }
    zeros->shape.push_back(size);
  }
  zeros->data.assign(numElements(zeros->shape),
                     isa<FloatType>(tensor.getElementType()) ? makeReal(0)
                                                             : makeInteger(0));
  return zeros;
}

void Interpreter::bindSizes(func::FuncOp function,
                            ArrayRef<RuntimeValue> arguments) {
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    auto names = function.getArgAttrOfType<ArrayAttr>(index, moe::kDimsAttr);
    if (!names || !argument.tensor)
      continue;
    for (auto [name, size] : llvm::zip(names, argument.tensor->shape))
      if (auto text = dyn_cast<StringAttr>(name))
        sizes[text.getValue()] = size;
  }
}

LogicalResult runReference(ModuleOp module, StringRef function,
                           ArrayRef<Tensor> arguments, const Host &host,
                           SmallVectorImpl<Tensor> &results) {
  Interpreter interpreter(module, host);
  func::FuncOp target = interpreter.lookupFunction(function);
  if (!target)
    return module.emitError()
           << "expects a function named '" << function << "'";
  if (arguments.size() != target.getNumArguments())
    return target.emitOpError() << "takes " << target.getNumArguments()
                                << " arguments, got " << arguments.size();
  SmallVector<RuntimeValue> values;
  for (auto [type, argument] :
       llvm::zip_equal(target.getArgumentTypes(), arguments)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    ArrayRef<int64_t> shape = tensor ? tensor.getShape() : ArrayRef<int64_t>();
    bool fits = argument.shape.size() == shape.size();
    for (size_t dim = 0; fits && dim < shape.size(); ++dim)
      fits = ShapedType::isDynamic(shape[dim]) ||
             shape[dim] == argument.shape[dim];
    if (!fits)
      return target.emitOpError()
             << "expects argument " << values.size() << " of type " << type
             << ", got shape [" << argument.shape << "]";
    if (tensor)
      values.push_back(
          {makeInteger(0), std::make_shared<Tensor>(argument), nullptr});
    else
      values.push_back({argument.data[0], nullptr, nullptr});
  }
  interpreter.bindSizes(target, values);
  SmallVector<RuntimeValue> returned;
  if (failed(interpreter.call(target, values, returned)))
    return failure();
  for (const RuntimeValue &value : returned)
    results.push_back(value.tensor ? *value.tensor
                                   : Tensor{{}, {value.scalar}});
  return success();
}

} // namespace moec::reference
