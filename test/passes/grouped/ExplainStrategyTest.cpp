// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/grouped/Grouped.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/SelectStrategy.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace moec;

namespace {
constexpr llvm::StringLiteral kModule = R"mlir(
ml_program.global private @"gate|up.packed"(0 : i8) : tensor<64x128x1024x16x2xbf16>
func.func @layer(%x: tensor<?x2048xf32>, %ids: tensor<?x8xi32>, %o0: tensor<65xi32>,
    %t0: tensor<?xi32>, %e: tensor<?x1024xf32>, %v: tensor<20x2048xf32>, %d: tensor<20x2048xf64>, %f: tensor<?x20xf32>)
    -> (tensor<?x1024xf32>, tensor<?x20xf32>, tensor<?x20xf32>) {
  %w = ml_program.global_load_const @"gate|up.packed" : tensor<64x128x1024x16x2xbf16>
  %o, %t, %s = grouped.sort ids(%ids : tensor<?x8xi32>)
    outs(%o0, %t0, %t0 : tensor<65xi32>, tensor<?xi32>, tensor<?xi32>)
    -> tensor<65xi32>, tensor<?xi32>, tensor<?xi32>
  %h = grouped.matmul lhs(%x : tensor<?x2048xf32>) rhs(%w : tensor<64x128x1024x16x2xbf16>)
    groups(%o, %t, %s : tensor<65xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x1024xf32>)
    attributes {gather, maps = [], panels = #grouped.panels<parts = 2, columns = 1024, depth = 2048>} {
  ^bb0(%a: f32, %b: f32):
    grouped.yield %a : f32
  } -> tensor<?x1024xf32>
  %y = grouped.matmul lhs(%x : tensor<?x2048xf32>) rhs(%v : tensor<20x2048xf32>)
    outs(%f : tensor<?x20xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  %p = grouped.matmul lhs(%x : tensor<?x2048xf32>) rhs(%d : tensor<20x2048xf64>)
    outs(%f : tensor<?x20xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  return %h, %y, %p : tensor<?x1024xf32>, tensor<?x20xf32>, tensor<?x20xf32>
}
)mlir";

struct ExplainStrategyTest : testing::Test {
  ExplainStrategyTest() {
    context.loadDialect<grouped::GroupedDialect, arith::ArithDialect,
                        func::FuncDialect, ml_program::MLProgramDialect,
                        scf::SCFDialect, tensor::TensorDialect>();
    module = parseSourceString<ModuleOp>(kModule, &context);
  }

  std::string explain() {
    std::string text;
    llvm::raw_string_ostream stream(text);
    explainStrategy(*module, stream);
    return text;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(ExplainStrategyTest, SaysWhatIsChosenAndWhatElseThereIs) {
  ASSERT_TRUE(module);
  std::string text = explain();
  for (const char *expected :
       {"target x86-64-v3: 8 cores, L1 32 KiB, L2 512 KiB, 100 GFLOP/s a core, "
        "40 GB/s\n",
        "\nlayer: gate|up.packed\n"
        "  2 x 1024 columns, depth 2048, bf16, 64 groups, 8 rows a token, rows "
        "gathered\n",
        "predicted microseconds for tokens:",
        " rows: rows 24, depth 2048, panels 1, task panels ",
        "  otherwise: rows ", "    instead of: rows ",
        "  1 x 20 columns, depth 2048, f32, row-major\n"
        "  tiles of at most 24 rows read the weights as they stand, larger "
        "ones panels that each task makes\n",
        "\nlayer: matmul of weights without panels: plain loops\n"})
    EXPECT_NE(text.find(expected), std::string::npos) << expected << "\n"
                                                      << text;
}

TEST_F(ExplainStrategyTest, SaysTheSameAfterSelection) {
  ASSERT_TRUE(module);
  std::string before = explain();
  PassManager manager(&context);
  manager.addPass(createMoeSelectStrategyPass());
  ASSERT_TRUE(succeeded(manager.run(*module)));
  EXPECT_EQ(explain(), before);
}
} // namespace
