// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs passes and pipelines on .mlir files.

#include "codegen/cpu/Pipeline.h"
#include "codegen/cuda/Pipeline.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "passes/Pipelines.h"
#include "tools/driver/RegisterDialects.h"

/// From the moe to the LLVM dialect, for vectors of 8 lanes.
static void buildMoeToCpuPipeline(mlir::OpPassManager &manager) {
  moec::buildMoeToGroupedPipeline(manager, moec::PipelineOptions());
  moec::cpu::buildParametersPipeline(manager);
  moec::cpu::buildBuffersPipeline(manager);
  moec::cpu::buildSchedulePipeline(manager, 8);
  moec::cpu::buildLlvmPipeline(manager);
}

int main(int argc, char **argv) {
  moec::registerMoecPasses();
  moec::registerMoeToGroupedPipeline();
  moec::cpu::registerCpuPasses();
  moec::cuda::registerCudaPasses();
  mlir::PassPipelineRegistration<>("moe-to-cpu",
                                   "Lower the moe dialect to the LLVM dialect",
                                   buildMoeToCpuPipeline);
  mlir::registerTransformsPasses();
  mlir::bufferization::registerBufferizationPasses();
  mlir::DialectRegistry registry;
  moec::registerDialects(registry);
  moec::cpu::registerCpuDialects(registry);
  moec::cuda::registerCudaDialects(registry);
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "moec's pass driver\n", registry));
}
