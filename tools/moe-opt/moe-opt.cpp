// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs passes and pipelines on .mlir files.

#include "codegen/cpu/Pipeline.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "passes/Pipelines.h"
#include "tools/driver/RegisterDialects.h"

int main(int argc, char **argv) {
  moec::registerMoecPasses();
  moec::registerMoeToGroupedPipeline();
  moec::cpu::registerCpuPasses();
  mlir::registerTransformsPasses();
  mlir::bufferization::registerBufferizationPasses();
  mlir::DialectRegistry registry;
  moec::registerDialects(registry);
  moec::cpu::registerCpuDialects(registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "moec's pass driver\n", registry));
}
