// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What compilation promises about its output, and what it refuses.

#include "Harness.h"
#include "Modules.h"
#include "llvm/Object/ELFObjectFile.h"

using namespace moec::cpu;
using namespace moec::cpu::test;

namespace {
std::string print(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

class CompileTest : public ::testing::Test {
protected:
  void expectError(const char *text, const char *words) {
    EXPECT_TRUE(failed(compiler.compile(text, {"x86-64-v3"})));
    EXPECT_NE(compiler.messages.find(words), std::string::npos)
        << compiler.messages;
  }
  Compiler compiler;
};

TEST_F(CompileTest, StandsAlone) {
  auto module = compiler.compile(kBlocksAndVariants, {});
  ASSERT_TRUE(succeeded(module)) << compiler.messages;
  ASSERT_EQ(module->code.size(), 2u);
  for (const CpuCode &code : module->code) {
    llvm::MemoryBufferRef buffer(code.elf, code.level);
    auto object = llvm::object::ObjectFile::createELFObjectFile(buffer);
    ASSERT_TRUE(static_cast<bool>(object));
    auto *elf = llvm::cast<llvm::object::ELFObjectFileBase>(object->get());
    std::vector<std::string> names;
    for (const llvm::object::ELFSymbolRef &symbol :
         elf->getDynamicSymbolIterators()) {
      auto name = symbol.getName();
      ASSERT_TRUE(static_cast<bool>(name));
      auto flags = symbol.getFlags();
      ASSERT_TRUE(static_cast<bool>(flags));
      EXPECT_FALSE(*flags & llvm::object::SymbolRef::SF_Undefined)
          << name->str();
      names.push_back(name->str());
    }
    llvm::sort(names);
    EXPECT_EQ(names,
              (std::vector<std::string>{"moec_abi_version", "moec_fn_f_1",
                                        "moec_workspace_f_1"}));
  }
}

TEST_F(CompileTest, LevelsUseTheirRegisters) {
  auto module = compiler.compile(kSoftmaxLayer, {});
  ASSERT_TRUE(succeeded(module)) << compiler.messages;
  EXPECT_EQ(module->code[0].level, "x86-64-v3");
  EXPECT_NE(module->code[0].assembly.find("ymm"), std::string::npos);
  EXPECT_EQ(module->code[0].assembly.find("zmm"), std::string::npos);
  EXPECT_EQ(module->code[1].level, "x86-64-v4");
  EXPECT_NE(module->code[1].assembly.find("zmm"), std::string::npos);
}

TEST_F(CompileTest, Signature) {
  auto module = compiler.compile(kSoftmaxLayer, {"x86-64-v3"});
  ASSERT_TRUE(succeeded(module)) << compiler.messages;
  ASSERT_EQ(module->functions.size(), 1u);
  const FunctionSignature &function = module->functions[0];
  EXPECT_EQ(function.name, "layers.0.moe");
  EXPECT_EQ(cName(function.name), "layers_0_moe");
  EXPECT_EQ(function.parameters, std::vector<std::string>{"w"});
  ASSERT_EQ(function.arguments.size(), 1u);
  EXPECT_EQ(function.arguments[0].name, "x");
  EXPECT_EQ(function.arguments[0].dtype, MOEC_DTYPE_F32);
  EXPECT_EQ(function.arguments[0].dims[0].symbol, "T");
  EXPECT_EQ(function.arguments[0].dims[1].size, 8);
  EXPECT_EQ(function.arguments[0].dims[1].symbol, "");
  ASSERT_EQ(function.results.size(), 2u);
  EXPECT_EQ(function.results[1].name, "p");
}

TEST_F(CompileTest, LeavesItsInputAlone) {
  Compiler other;
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(kSoftmaxLayer, &other.context);
  ASSERT_TRUE(module);
  std::string before = print(*module);
  std::vector<std::string> phases;
  auto dump = [&](llvm::StringRef phase, llvm::StringRef level,
                  mlir::ModuleOp) {
    phases.push_back((level + ":" + phase).str());
  };
  CpuCompileOptions options;
  options.dump = dump;
  ASSERT_TRUE(succeeded(compileCpuModule(*module, options))) << other.messages;
  EXPECT_EQ(print(*module), before);
  EXPECT_EQ(phases,
            (std::vector<std::string>{
                "x86-64-v3:buffers", "x86-64-v3:scheduled", "x86-64-v3:llvm",
                "x86-64-v4:buffers", "x86-64-v4:scheduled", "x86-64-v4:llvm"}));
}

TEST_F(CompileTest, SameInputSameBytes) {
  auto first = compiler.compile(kSoftmaxLayer, {"x86-64-v3"});
  Compiler other;
  auto second = other.compile(kSoftmaxLayer, {"x86-64-v3"});
  ASSERT_TRUE(succeeded(first) && succeeded(second));
  EXPECT_EQ(first->code[0].elf, second->code[0].elf);
}

constexpr const char *kThreeLayers = R"mlir(
ml_program.global private @w0(#moe.random<seed = 1, std = 1.0e+00 : f64>) : tensor<4xf32>
ml_program.global private @w1(#moe.random<seed = 2, std = 1.0e+00 : f64>) : tensor<4xf32>
func.func @layers.0.moe(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = ml_program.global_load_const @w0 : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.add ins(%x, %w : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func @layers.1.moe(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = ml_program.global_load_const @w1 : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.add ins(%x, %w : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func @layers.2.moe(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = ml_program.global_load_const @w1 : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.mul ins(%x, %w : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
)mlir";

TEST_F(CompileTest, EqualLayersShareCode) {
  auto module = compiler.compile(kThreeLayers, {"x86-64-v3"});
  ASSERT_TRUE(succeeded(module)) << compiler.messages;
  ASSERT_EQ(module->functions.size(), 3u);
  EXPECT_EQ(module->functions[1].name, "layers.1.moe");
  EXPECT_EQ(module->functions[1].parameters, std::vector<std::string>{"w1"});
  EXPECT_EQ(module->functions[1].entry, "moec_fn_layers_0_moe");
  EXPECT_EQ(module->functions[1].workspace, "moec_workspace_layers_0_moe");
  EXPECT_EQ(module->functions[2].entry, "moec_fn_layers_2_moe");
  Library library(module->code[0].elf);
  EXPECT_TRUE(library.find<void *>("moec_fn_layers_0_moe"));
  EXPECT_FALSE(library.find<void *>("moec_fn_layers_1_moe"));
}

TEST_F(CompileTest, EqualCNames) {
  expectError(R"mlir(
    func.func @a.b(%x: tensor<4xf32>) -> tensor<4xf32> {
      return %x : tensor<4xf32>
    }
    func.func @a_b(%x: tensor<4xf32>) -> tensor<4xf32> {
      return %x : tensor<4xf32>
    })mlir",
              "has the same C name as 'a.b'");
}

TEST_F(CompileTest, UnknownLevel) {
  EXPECT_TRUE(failed(compiler.compile(kSoftmaxLayer, {"z80"})));
  EXPECT_NE(compiler.messages.find("no CPU code generation for level 'z80'"),
            std::string::npos)
      << compiler.messages;
}

TEST_F(CompileTest, UndefinedSymbol) {
  expectError(R"mlir(
    #map = affine_map<(a) -> (a)>
    func.func @f(%x: tensor<4xf64>) -> tensor<4xf64> {
      %e = tensor.empty() : tensor<4xf64>
      %y = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]}
        ins(%x : tensor<4xf64>) outs(%e : tensor<4xf64>) {
      ^bb0(%a: f64, %b: f64):
        %q = math.exp %a : f64
        linalg.yield %q : f64
      } -> tensor<4xf64>
      return %y : tensor<4xf64>
    })mlir",
              "undefined symbol: exp");
}
} // namespace
