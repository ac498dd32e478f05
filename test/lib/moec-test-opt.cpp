// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe-opt that also knows what tests add.

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "test/lib/TestPolicy.h"
#include "tools/driver/RegisterDialects.h"

int main(int argc, char **argv) {
  moec::registerMoecPasses();
  mlir::registerTransformsPasses();
  mlir::DialectRegistry registry;
  moec::registerDialects(registry);
  moec::test::registerTestPolicy(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "moec's pass driver with test dialects\n", registry));
}
