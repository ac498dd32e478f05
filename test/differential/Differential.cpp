// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/differential/Differential.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "reference/Reference.h"
#include "test/codegen/cpu/Harness.h"
#include "test/lib/TestPolicy.h"
#include "tools/driver/RegisterDialects.h"
#include "weights/ParameterStream.h"
#include <gtest/gtest.h>
#include <random>

using namespace mlir;

namespace moec::test {

static const char *const kFunction = "layers.0.moe";
static constexpr size_t kAlignment = 64;

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  registerTestPolicy(registry);
  cpu::registerCpuDialects(registry);
  return registry;
}

std::vector<std::string> getHostLevels() {
  std::vector<std::string> levels;
  for (const char *level : {"x86-64-v3", "x86-64-v4"})
    if (cpu::test::hostHas(level))
      levels.push_back(level);
  return levels;
}

/// The value of a global in the module's encoding.
static std::vector<char> readGlobal(ModuleOp module, StringRef name) {
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

/// The first aligned byte of a buffer that has room to spare.
static char *align(std::vector<char> &buffer) {
  auto address = reinterpret_cast<uintptr_t>(buffer.data());
  return buffer.data() + (-address & (kAlignment - 1));
}

Differential::Differential(const std::string &text, const std::string &level,
                           std::vector<std::string> disabled)
    : context(makeRegistry(), MLIRContext::Threading::DISABLED),
      handler(&context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
          errors += diagnostic.str() + "\n";
        return success();
      }) {
  context.loadAllAvailableDialects();
  source = parseSourceString<ModuleOp>(text, &context);
  if (!source) {
    ADD_FAILURE() << errors << text;
    return;
  }
  module = source->clone();
  PassManager passes(&context);
  PipelineOptions options;
  options.disabled = std::move(disabled);
  buildMoeToGroupedPipeline(passes, options);
  if (failed(passes.run(*module))) {
    ADD_FAILURE() << errors;
    return;
  }
  cpu::CpuCompileOptions codeOptions;
  codeOptions.levels = {level};
  FailureOr<cpu::CpuModule> code = cpu::compileCpuModule(*module, codeOptions);
  if (failed(code)) {
    ADD_FAILURE() << errors;
    return;
  }
  elf = code->code[0].elf;
  signature = code->functions[0];
  for (const std::string &name : signature.parameters) {
    std::vector<char> value = readGlobal(*module, name);
    std::vector<char> &buffer =
        parameters.emplace_back(value.size() + kAlignment);
    llvm::copy(value, align(buffer));
  }
}

std::string Differential::printGrouped() {
  std::string text;
  if (isCompiled()) {
    llvm::raw_string_ostream stream(text);
    module->print(stream);
  }
  return text;
}

std::vector<reference::Tensor>
Differential::runReference(const reference::Tensor &input) {
  reference::Host host;
  host.getParameter = [&](StringRef symbol, RankedTensorType type,
                          std::shared_ptr<const void> &bytes) {
    auto value =
        std::make_shared<std::vector<char>>(readGlobal(*source, symbol));
    bytes = std::shared_ptr<const void>(value, value->data());
    return success();
  };
  SmallVector<reference::Tensor> results;
  EXPECT_TRUE(succeeded(
      reference::runReference(*source, kFunction, input, host, results)))
      << errors;
  return {results.begin(), results.end()};
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
Differential::runCompiled(std::vector<float> input, uint32_t workers) {
  cpu::test::Library library(elf);
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
  for (std::vector<char> &parameter : parameters)
    call.addParameter(align(parameter));
  EXPECT_EQ(call.run(library, cpu::cName(kFunction)), MOEC_FRAME_OK);
  return results;
}

static void expectClose(const std::string &name, Type type,
                        const reference::Tensor &got,
                        const reference::Tensor &wanted) {
  ASSERT_EQ(got.data.size(), wanted.data.size()) << name;
  double largest = 1;
  if (isa<FloatType>(type))
    for (reference::Scalar value : wanted.data)
      largest = std::max(largest, std::fabs(value.real));
  for (size_t i = 0; i < got.data.size(); ++i) {
    if (!isa<FloatType>(type))
      ASSERT_EQ(got.data[i].integer, wanted.data[i].integer) << name << i;
    else
      ASSERT_NEAR(got.data[i].real, wanted.data[i].real, 1e-4 * largest)
          << name << i;
  }
}

void Differential::compare(int64_t tokens) {
  if (!isCompiled())
    return;
  std::mt19937 random(tokens + 1);
  std::normal_distribution<float> normal;
  int64_t columns = signature.arguments[0].dims[1].size;
  std::vector<float> input(tokens * columns);
  for (float &value : input)
    value = normal(random);

  Builder builder(&context);
  auto wanted = runReference(reference::fromBytes(
      builder.getF32Type(), {tokens, columns}, input.data()));
  ASSERT_EQ(wanted.size(), signature.results.size());
  auto got = runCompiled(input, 1);
  for (uint32_t workers : {2, 3})
    EXPECT_EQ(runCompiled(input, workers), got) << workers << " workers";
  for (size_t i = 0; i < got.size(); ++i) {
    const cpu::TensorSignature &result = signature.results[i];
    Type type = result.dtype == MOEC_DTYPE_F32 ? Type(builder.getF32Type())
                                               : builder.getI32Type();
    expectClose(
        result.name, type,
        reference::fromBytes(type, getShape(result, tokens), got[i].data()),
        wanted[i]);
  }
}

} // namespace moec::test
