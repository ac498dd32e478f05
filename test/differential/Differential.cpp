// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/differential/Differential.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;

namespace moec::test {

static const char *const kFunction = "layers.0.moe";

std::vector<std::string> getHostLevels() {
  std::vector<std::string> levels;
  for (const char *level : {"x86-64-v3", "x86-64-v4"})
    if (cpu::test::hostHas(level))
      levels.push_back(level);
  return levels;
}

Differential::Differential(const std::string &text, const std::string &level,
                           std::vector<std::string> disabled) {
  source = parseSourceString<ModuleOp>(text, &context);
  if (!source) {
    ADD_FAILURE() << errors << text;
    return;
  }
  code = Compiled::compile(*source, level, std::move(disabled));
  if (!code)
    ADD_FAILURE() << errors;
}

std::string Differential::printGrouped() {
  std::string text;
  if (isCompiled()) {
    llvm::raw_string_ostream stream(text);
    code->module->print(stream);
  }
  return text;
}

void Differential::compare(int64_t tokens) {
  if (!isCompiled())
    return;
  int64_t columns = code->functions[0].arguments[0].dims[1].size;
  std::vector<float> input = drawInput(tokens, columns, tokens + 1);
  auto wanted = interpret(*source, kFunction, input, columns);
  auto got = code->run(0, input, 1);
  for (uint32_t workers : {2, 3})
    EXPECT_EQ(code->run(0, input, workers), got) << workers << " workers";
  EXPECT_EQ(compareResults(source->lookupSymbol<func::FuncOp>(kFunction),
                           code->read(0, tokens, got), wanted),
            "")
      << tokens << " tokens\n"
      << errors;
}

} // namespace moec::test
