// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/reference/Harness.h"
#include "mlir/Parser/Parser.h"
#include "test/lib/TestPolicy.h"
#include "tools/driver/RegisterDialects.h"

using namespace mlir;

namespace moec::reference {

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  test::registerTestPolicy(registry);
  return registry;
}

Program::Program(StringRef text)
    : context(makeRegistry(), MLIRContext::Threading::DISABLED),
      handler(&context, [this](Diagnostic &diagnostic) {
        errors += diagnostic.str() + "\n";
        return success();
      }) {
  context.loadAllAvailableDialects();
  module = parseSourceString<ModuleOp>(text, &context);
}

std::vector<Tensor> Program::run(ArrayRef<Tensor> arguments, const Host &host) {
  SmallVector<Tensor> results;
  if (!module ||
      failed(runReference(module.get(), "main", arguments, host, results)))
    return {};
  return {results.begin(), results.end()};
}

Tensor reals(ArrayRef<int64_t> shape, ArrayRef<double> values) {
  Tensor tensor{SmallVector<int64_t>(shape), {}};
  for (double value : values)
    tensor.data.push_back(makeReal(value));
  return tensor;
}

Tensor integers(ArrayRef<int64_t> shape, ArrayRef<int64_t> values) {
  Tensor tensor{SmallVector<int64_t>(shape), {}};
  for (int64_t value : values)
    tensor.data.push_back(makeInteger(value));
  return tensor;
}

std::vector<double> realsOf(const Tensor &tensor) {
  std::vector<double> values;
  for (Scalar value : tensor.data)
    values.push_back(value.real);
  return values;
}

std::vector<int64_t> integersOf(const Tensor &tensor) {
  std::vector<int64_t> values;
  for (Scalar value : tensor.data)
    values.push_back(value.integer);
  return values;
}

} // namespace moec::reference
