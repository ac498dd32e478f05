// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The function, its arguments, parameters and results.

#include "importers/onnx/GraphBuilder.h"
#include "importers/Sources.h"
#include "importers/Try.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace moec;
using namespace moec::onnx;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;

Error GraphBuilder::fail(const Twine &text) const {
  return llvm::createStringError(Twine(file.getTensors().getPath()) + ": " +
                                 text);
}

/// TensorProto.DataType of graph inputs and outputs.
Expected<Type> GraphBuilder::getElementType(int64_t onnxType,
                                            const Twine &where) {
  switch (onnxType) {
  case 1:
    return builder.getF32Type();
  case 6:
    return builder.getI32Type();
  case 7:
    return builder.getI64Type();
  case 10:
    return builder.getF16Type();
  case 16:
    return builder.getBF16Type();
  default:
    return fail(where +
                ": expected elements float, float16, bfloat16, int32 "
                "or int64, found type " +
                Twine(onnxType));
  }
}

/// A symbol without `*`, which is the product of two.
static std::string cleanSymbol(std::string name) {
  for (char &c : name)
    if (!llvm::isAlnum(c))
      c = '_';
  return name;
}

std::string GraphBuilder::nameOf(OpFoldResult size) const {
  if (std::optional<int64_t> fixed = getConstantIntValue(size))
    return std::to_string(*fixed);
  for (const Symbol &symbol : symbols)
    if (symbol.size == cast<Value>(size))
      return symbol.name;
  return "";
}

DictionaryAttr GraphBuilder::describe(StringRef name, const Sizes &sizes,
                                      const OnnxValue &value) {
  SmallVector<Attribute> dims;
  for (OpFoldResult size : sizes)
    dims.push_back(builder.getStringAttr(nameOf(size)));
  return builder.getDictionaryAttr(
      {builder.getNamedAttr(moe::kNameAttr, builder.getStringAttr(name)),
       builder.getNamedAttr(moe::kDimsAttr, builder.getArrayAttr(dims))});
}

Error GraphBuilder::begin() {
  SmallVector<const OnnxValue *> inputs;
  SmallVector<Type> types;
  for (const OnnxValue &input : file.getGraph().inputs) {
    if (file.getTensors().find(input.name))
      continue; // Old models list initialisers among the inputs.
    std::string where = "input '" + input.name + "'";
    Type element;
    MOEC_TRY(element, getElementType(input.elementType, where));
    if (!input.hasShape)
      return fail(where + ": expected a shape");
    SmallVector<int64_t> shape;
    for (const auto &[size, symbol] : input.dims) {
      if (size > kMaxSize)
        return fail(where + ": size " + Twine(size) + " is too large");
      shape.push_back(size >= 0 ? size : ShapedType::kDynamic);
    }
    inputs.push_back(&input);
    types.push_back(RankedTensorType::get(shape, element));
  }
  builder.setInsertionPointToEnd(module.getBody());
  function =
      func::FuncOp::create(builder, "main", builder.getFunctionType(types, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  for (auto [index, input] : llvm::enumerate(inputs)) {
    Value argument = function.getArgument(index);
    Sizes sizes;
    for (auto [dim, size] : llvm::enumerate(input->dims)) {
      if (size.first >= 0) {
        sizes.push_back(this->index(size.first));
        continue;
      }
      std::string name = size.second.empty()
                             ? input->name + "#" + std::to_string(dim)
                             : cleanSymbol(size.second);
      auto known = llvm::find_if(
          symbols, [&](const Symbol &symbol) { return symbol.name == name; });
      if (known == symbols.end()) {
        symbols.push_back(
            {name, tensor::DimOp::create(builder, argument, dim)});
        known = std::prev(symbols.end());
      }
      sizes.push_back(known->size);
    }
    function.setArgAttrs(index, describe(input->name, sizes, *input));
    Tensor value{argument, sizes};
    define(input->name,
           isa<FloatType>(value.element()) ? toFloat32(value) : value);
  }
  return Error::success();
}

Error GraphBuilder::finish() {
  SmallVector<Value> results;
  SmallVector<DictionaryAttr> descriptions;
  for (const OnnxValue &output : file.getGraph().outputs) {
    Tensor value;
    MOEC_TRY(value, find(output.name));
    Type element;
    MOEC_TRY(element, getElementType(output.elementType,
                                     "output '" + output.name + "'"));
    if (element != value.element()) {
      MOEC_TRY(value, elementwise({value}, element,
                                  [&](ImplicitLocOpBuilder &b, ValueRange x) {
                                    return arith::TruncFOp::create(b, element,
                                                                   x[0]);
                                  }));
    }
    for (OpFoldResult size : value.sizes)
      if (nameOf(size).empty())
        return fail("output '" + output.name +
                    "': a size does not follow from those of the inputs");
    results.push_back(value.value);
    descriptions.push_back(describe(output.name, value.sizes, output));
  }
  func::ReturnOp::create(builder, results);
  function.setType(builder.getFunctionType(function.getArgumentTypes(),
                                           ValueRange(results).getTypes()));
  function.setAllResultAttrs(descriptions);
  return Error::success();
}

void GraphBuilder::define(StringRef name, Tensor value) {
  values[name.str()] = std::move(value);
}

std::optional<ParameterSpec> GraphBuilder::getParameter(StringRef name) const {
  const TensorEntry *entry = file.getTensors().find(name);
  if (!entry)
    return std::nullopt;
  MLIRContext *context = builder.getContext();
  return ParameterSpec{moe::SourceAttr::get(context,
                                            StringAttr::get(context, fileName),
                                            StringAttr::get(context, name)),
                       moec::getElementType(entry->dtype, context)};
}

Tensor GraphBuilder::load(StringRef name, const ParameterSpec &parameter,
                          ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, parameter.element);
  // Names of tensors made of others may be those of initialisers, too.
  std::string symbol = name.str();
  auto isOther = [&](Operation *op) {
    auto global = dyn_cast<ml_program::GlobalOp>(op);
    return !global || global.getValueAttr() != parameter.value;
  };
  Operation *known;
  while ((known = module.lookupSymbol(symbol)) && isOther(known))
    symbol += "_";
  if (!known) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    ml_program::GlobalOp::create(builder, symbol, type, /*is_mutable=*/false,
                                 parameter.value,
                                 builder.getStringAttr("private"));
  }
  Sizes sizes;
  for (int64_t size : shape)
    sizes.push_back(index(size));
  return {
      ml_program::GlobalLoadConstOp::create(
          builder, type, FlatSymbolRefAttr::get(builder.getContext(), symbol)),
      sizes};
}

Expected<Tensor> GraphBuilder::find(StringRef name) {
  auto found = values.find(name);
  if (found != values.end())
    return found->second;
  std::optional<ParameterSpec> parameter = getParameter(name);
  if (!parameter)
    return fail("value '" + name + "' is used but nothing defines it");
  if (!parameter->element)
    return fail("tensor '" + name + "' has elements that are not supported");
  Tensor value = load(name, *parameter, file.getTensors().find(name)->shape);
  if (isa<FloatType>(value.element()))
    value = toFloat32(value);
  define(name, value);
  return value;
}
