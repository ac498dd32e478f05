// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/differential/Compiled.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipelines.h"
#include "test/lib/TestPolicy.h"
#include "tools/driver/RegisterDialects.h"
#include "weights/ParameterStream.h"
#include <gtest/gtest.h>
#include <random>

using namespace mlir;

namespace moec::test {

static constexpr size_t kAlignment = 64;

DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  registerTestPolicy(registry);
  cpu::registerCpuDialects(registry);
  return registry;
}

std::vector<char> readGlobal(ModuleOp module, StringRef name) {
  auto global = module.lookupSymbol<ml_program::GlobalOp>(name);
  SourceFiles files("");
  auto bytes =
      readParameter(global.getValueAttr(),
                    cast<RankedTensorType>(global.getType()), name, files);
  if (bytes)
    return std::move(*bytes);
  ADD_FAILURE() << llvm::toString(bytes.takeError());
  return {};
}

std::vector<float> drawInput(int64_t tokens, int64_t columns, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> input(tokens * columns);
  for (float &value : input)
    value = normal(random);
  return input;
}

std::vector<reference::Tensor> interpret(
    ModuleOp module, StringRef function, const std::vector<float> &input,
    int64_t columns,
    std::function<void(StringRef, RankedTensorType, const reference::Tensor &)>
        tap) {
  reference::Host host;
  host.tap = std::move(tap);
  host.getParameter = [&](StringRef symbol, RankedTensorType type,
                          std::shared_ptr<const void> &bytes) {
    auto value =
        std::make_shared<std::vector<char>>(readGlobal(module, symbol));
    bytes = std::shared_ptr<const void>(value, value->data());
    return success();
  };
  int64_t tokens = input.size() / columns;
  SmallVector<reference::Tensor> results;
  if (failed(reference::runReference(
          module, function,
          reference::fromBytes(Float32Type::get(module.getContext()),
                               {tokens, columns}, input.data()),
          host, results)))
    return {};
  return {results.begin(), results.end()};
}

/// What differs between two tensors, or nothing.
static std::string compareTensors(Type type, const reference::Tensor &got,
                                  const reference::Tensor &wanted) {
  if (got.data.size() != wanted.data.size())
    return std::to_string(got.data.size()) + " elements, expected " +
           std::to_string(wanted.data.size());
  bool isFloat = isa<FloatType>(type);
  double largest = 1;
  for (reference::Scalar value : wanted.data)
    if (isFloat && std::isfinite(value.real))
      largest = std::max(largest, std::fabs(value.real));
  for (size_t i = 0; i < got.data.size(); ++i) {
    double a = isFloat ? got.data[i].real : got.data[i].integer;
    double b = isFloat ? wanted.data[i].real : wanted.data[i].integer;
    bool close = a == b || (std::isnan(a) && std::isnan(b)) ||
                 (isFloat && std::fabs(a - b) <= 1e-4 * largest);
    if (!close)
      return "element " + std::to_string(i) + " is " + std::to_string(a) +
             ", expected " + std::to_string(b);
  }
  return "";
}

std::string compareResults(func::FuncOp function,
                           const std::vector<reference::Tensor> &got,
                           const std::vector<reference::Tensor> &wanted) {
  if (got.size() != wanted.size())
    return "the interpreter failed";
  for (size_t i = 0; i < got.size(); ++i) {
    Type type =
        cast<RankedTensorType>(function.getResultTypes()[i]).getElementType();
    std::string text = compareTensors(type, got[i], wanted[i]);
    if (!text.empty())
      return "result " + std::to_string(i) + ": " + text;
  }
  return "";
}

/// The first aligned byte of a buffer that has room to spare.
static char *align(std::vector<char> &buffer) {
  auto address = reinterpret_cast<uintptr_t>(buffer.data());
  return buffer.data() + (-address & (kAlignment - 1));
}

/// A function with the globals that it reads: all that code depends on.
static std::string printWithGlobals(func::FuncOp function) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << function;
  auto module = function->getParentOfType<ModuleOp>();
  function->walk([&](ml_program::GlobalLoadConstOp load) {
    stream << *module.lookupSymbol(load.getGlobal());
  });
  return text;
}

std::unique_ptr<Compiled> Compiled::compile(ModuleOp source,
                                            const std::string &level,
                                            std::vector<std::string> disabled,
                                            std::set<std::string> *seen) {
  auto compiled = std::make_unique<Compiled>();
  compiled->module = source.clone();
  PassManager passes(source.getContext());
  PipelineOptions options;
  options.disabled = std::move(disabled);
  buildMoeToGroupedPipeline(passes, options);
  if (failed(passes.run(*compiled->module)))
    return nullptr;
  for (auto function :
       llvm::make_early_inc_range(compiled->module->getOps<func::FuncOp>()))
    if (seen && !seen->insert(printWithGlobals(function)).second)
      function.erase();
  if (compiled->module->getOps<func::FuncOp>().empty())
    return compiled;
  cpu::CpuCompileOptions codeOptions;
  codeOptions.levels = {level};
  FailureOr<cpu::CpuModule> code =
      cpu::compileCpuModule(*compiled->module, codeOptions);
  if (failed(code))
    return nullptr;
  compiled->library = std::make_unique<cpu::test::Library>(code->code[0].elf);
  compiled->functions = std::move(code->functions);
  for (const cpu::FunctionSignature &signature : compiled->functions) {
    auto &own = compiled->parameters.emplace_back();
    for (const std::string &name : signature.parameters) {
      std::vector<char> value = readGlobal(*compiled->module, name);
      std::vector<char> &buffer = own.emplace_back(value.size() + kAlignment);
      llvm::copy(value, align(buffer));
    }
  }
  return compiled;
}

/// Sizes of a tensor for a number of tokens; the only symbol is T.
static std::vector<int64_t> getShape(const cpu::TensorSignature &tensor,
                                     int64_t tokens) {
  std::vector<int64_t> shape;
  for (const cpu::Dimension &dim : tensor.dims)
    shape.push_back(dim.symbol.empty() ? dim.size : tokens);
  return shape;
}

std::vector<std::vector<char>>
Compiled::run(size_t index, std::vector<float> input, uint32_t workers) {
  const cpu::FunctionSignature &signature = functions[index];
  cpu::test::Call call(workers);
  int64_t columns = signature.arguments[0].dims[1].size;
  int64_t tokens = input.size() / columns;
  call.addArgument(input, {tokens, columns}, MOEC_DTYPE_F32);
  std::vector<std::vector<char>> results(signature.results.size());
  for (auto [bytes, result] : llvm::zip_equal(results, signature.results)) {
    std::vector<int64_t> shape = getShape(result, tokens);
    bytes.assign(reference::numElements(shape) * 4, 0x55);
    call.addResult(bytes, shape, result.dtype);
  }
  for (std::vector<char> &parameter : parameters[index])
    call.addParameter(align(parameter));
  StringRef entry = signature.entry;
  entry.consume_front("moec_fn_");
  EXPECT_EQ(call.run(*library, entry.str()), MOEC_FRAME_OK) << signature.name;
  return results;
}

std::vector<reference::Tensor>
Compiled::read(size_t index, int64_t tokens,
               const std::vector<std::vector<char>> &results) {
  std::vector<reference::Tensor> tensors;
  MLIRContext *context = module->getContext();
  for (auto [bytes, result] :
       llvm::zip_equal(results, functions[index].results)) {
    Type type = result.dtype == MOEC_DTYPE_F32 ? Type(Float32Type::get(context))
                                               : IntegerType::get(context, 32);
    tensors.push_back(
        reference::fromBytes(type, getShape(result, tokens), bytes.data()));
  }
  return tensors;
}

} // namespace moec::test
