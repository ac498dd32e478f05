// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shrinks an .mlir file with moec's dialects while a test script still calls it
// interesting.

#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "tools/driver/RegisterDialects.h"

int main(int argc, char **argv) {
  moec::registerMoecPasses();
  mlir::registerTransformsPasses();
  mlir::DialectRegistry registry;
  moec::registerDialects(registry);
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
