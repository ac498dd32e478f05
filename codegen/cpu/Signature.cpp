// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Signature.h"
#include "codegen/cpu/Cpu.h"
#include "dialects/moe/Moe.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "moec/frame.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace moec::cpu;

std::optional<int32_t> moec::cpu::getDtype(Type type) {
  if (type.isF32())
    return MOEC_DTYPE_F32;
  if (type.isF16())
    return MOEC_DTYPE_F16;
  if (type.isBF16())
    return MOEC_DTYPE_BF16;
  if (type.isF64())
    return MOEC_DTYPE_F64;
  if (type.isInteger(1))
    return MOEC_DTYPE_BOOL;
  if (type.isUnsignedInteger(8))
    return MOEC_DTYPE_U8;
  if (type.isInteger(8))
    return MOEC_DTYPE_I8;
  if (type.isInteger(32))
    return MOEC_DTYPE_I32;
  if (type.isInteger(64))
    return MOEC_DTYPE_I64;
  return std::nullopt;
}

std::string moec::cpu::cName(StringRef name) {
  std::string text = name.str();
  for (char &c : text)
    if (!llvm::isAlnum(c))
      c = '_';
  return text;
}

/// Reads one argument or result; `what` names it in messages.
static FailureOr<TensorSignature> getTensor(func::FuncOp function, Type type,
                                            DictionaryAttr attrs,
                                            const Twine &what, bool isResult) {
  auto shaped = dyn_cast<ShapedType>(type);
  if (!shaped || !shaped.hasRank() ||
      !isa<RankedTensorType, MemRefType>(type)) {
    return function.emitOpError() << what << " is not a tensor, found " << type;
  }
  TensorSignature tensor;
  std::optional<int32_t> dtype = getDtype(shaped.getElementType());
  if (!dtype)
    return function.emitOpError()
           << what << " has an element type that no host knows: "
           << shaped.getElementType();
  tensor.dtype = *dtype;
  tensor.name = what.str();
  if (attrs)
    if (auto name = attrs.getAs<StringAttr>(kNameAttr))
      tensor.name = name.str();
  auto dims = attrs ? attrs.getAs<ArrayAttr>(kDimsAttr) : ArrayAttr();
  if (dims && static_cast<int64_t>(dims.size()) != shaped.getRank())
    return function.emitOpError()
           << what << " has " << dims.size() << " names in moe.dims, expected "
           << shaped.getRank();
  for (auto [index, size] : llvm::enumerate(shaped.getShape())) {
    Dimension dim;
    if (!ShapedType::isDynamic(size)) {
      dim.size = size;
    } else if (auto name =
                   dims ? dyn_cast<StringAttr>(dims[index]) : StringAttr()) {
      dim.symbol = name.str();
    } else if (isResult) {
      return function.emitOpError() << what << " has a dynamic dimension "
                                    << index << " without a name in moe.dims";
    } else {
      dim.symbol = tensor.name + "#" + std::to_string(index);
    }
    tensor.dims.push_back(std::move(dim));
  }
  return tensor;
}

FailureOr<FunctionSignature> moec::cpu::getSignature(func::FuncOp function) {
  FunctionSignature signature;
  signature.name = function.getName().str();
  signature.entry = "moec_fn_" + cName(signature.name);
  signature.workspace = "moec_workspace_" + cName(signature.name);
  llvm::StringSet<> symbols;
  auto isKnown = [&](StringRef symbol) {
    return llvm::all_of(llvm::split(symbol, '*'), [&](StringRef factor) {
      return symbols.contains(factor);
    });
  };
  auto addResult = [&](Type type, DictionaryAttr attrs) -> LogicalResult {
    FailureOr<TensorSignature> tensor =
        getTensor(function, type, attrs,
                  "result " + Twine(signature.results.size()), true);
    if (failed(tensor))
      return failure();
    for (const Dimension &dim : tensor->dims)
      if (!dim.symbol.empty() && !isKnown(dim.symbol))
        return function.emitOpError()
               << "result " << signature.results.size() << " has a dimension '"
               << dim.symbol << "' that no argument has";
    signature.results.push_back(std::move(*tensor));
    return success();
  };

  for (unsigned index = 0; index < function.getNumArguments(); ++index) {
    Type type = function.getArgumentTypes()[index];
    DictionaryAttr attrs = function.getArgAttrDict(index);
    if (attrs && (attrs.get(kWorkersAttr) || attrs.get(kServicesAttr) ||
                  attrs.get(kWorkspaceAttr)))
      continue;
    if (auto param =
            function.getArgAttrOfType<FlatSymbolRefAttr>(index, kParamAttr)) {
      signature.parameters.push_back(param.getValue().str());
    } else if (auto state = function.getArgAttrOfType<FlatSymbolRefAttr>(
                   index, kStateAttr)) {
      FailureOr<TensorSignature> tensor = getTensor(
          function, type, attrs, "state '" + state.getValue() + "'", false);
      if (failed(tensor))
        return failure();
      tensor->name = state.getValue().str();
      for (const Dimension &dim : tensor->dims)
        symbols.insert(dim.symbol);
      signature.states.push_back(std::move(*tensor));
    } else if (attrs && attrs.get(kResultAttr)) {
      if (failed(addResult(type, attrs)))
        return failure();
    } else {
      FailureOr<TensorSignature> tensor =
          getTensor(function, type, attrs,
                    "argument " + Twine(signature.arguments.size()), false);
      if (failed(tensor))
        return failure();
      for (const Dimension &dim : tensor->dims)
        symbols.insert(dim.symbol);
      signature.arguments.push_back(std::move(*tensor));
    }
  }
  for (unsigned index = 0; index < function.getNumResults(); ++index)
    if (failed(addResult(function.getResultTypes()[index],
                         function.getResultAttrDict(index))))
      return failure();
  if (auto appends = function->getAttrOfType<StringAttr>(moe::kAppendsAttr))
    signature.appends = appends.str();
  function.walk(
      [&](moe::TapOp tap) { signature.taps.push_back(tap.getName().str()); });
  return signature;
}

Value moec::cpu::getSize(OpBuilder &builder, Location loc, StringRef symbol,
                         const llvm::StringMap<Value> &sizes) {
  Value product;
  for (StringRef factor : llvm::split(symbol, '*')) {
    Value size = sizes.lookup(factor);
    if (!size)
      return {};
    product =
        product ? arith::MulIOp::create(builder, loc, product, size) : size;
  }
  return product;
}

std::vector<SizeSymbol>
moec::cpu::getSizeSymbols(func::FuncOp function,
                          const FunctionSignature &signature) {
  std::vector<SizeSymbol> symbols;
  llvm::StringSet<> seen;
  unsigned nextArgument = 0, nextState = 0;
  for (unsigned index = 0; index < function.getNumArguments(); ++index) {
    if (function.getArgAttr(index, kParamAttr) ||
        function.getArgAttr(index, kResultAttr))
      continue;
    const TensorSignature *tensor = nullptr;
    if (function.getArgAttr(index, kStateAttr))
      tensor = &signature.states[nextState++];
    else if (nextArgument < signature.arguments.size())
      tensor = &signature.arguments[nextArgument++];
    else
      continue;
    for (auto [dimension, dim] : llvm::enumerate(tensor->dims))
      if (!dim.symbol.empty() && seen.insert(dim.symbol).second)
        symbols.push_back(
            {dim.symbol, index, static_cast<unsigned>(dimension)});
  }
  return symbols;
}
