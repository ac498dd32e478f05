// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Pipeline.h"
#include "codegen/cpu/Linker.h"
#include "codegen/cpu/ObjectEmitter.h"
#include "codegen/cpu/Passes.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace moec::cpu;

void moec::cpu::buildParametersPipeline(OpPassManager &manager) {
  manager.addPass(createInlinerPass());
  manager.addPass(createSymbolDCEPass());
  manager.addPass(createCpuGlobalsToArgumentsPass());
}

void moec::cpu::buildBuffersPipeline(OpPassManager &manager) {
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createCpuPrepareTensorsPass());
  manager.addPass(createCpuResultsToArgumentsPass());
  manager.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  options.unknownTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  manager.addPass(bufferization::createOneShotBufferizePass(options));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void moec::cpu::buildSchedulePipeline(OpPassManager &manager, unsigned lanes) {
  manager.addPass(createCpuLowerGroupedPass({lanes}));
  manager.addPass(createCpuLowerLinalgPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createLoopInvariantCodeMotionPass());
  manager.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  manager.addPass(createCSEPass());
  manager.addPass(createCpuBoundAllocationsPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createCpuExpandMathPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createCpuOutlineParallelPass());
  manager.addPass(createCSEPass());
  manager.addPass(createCpuAllocateArenaPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void moec::cpu::buildLlvmPipeline(OpPassManager &manager) {
  manager.addPass(createCpuEmitEntryPointsPass());
  manager.addPass(createCpuLowerParallelPass());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createConvertVectorToSCFPass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createCpuToLlvmPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
}

void moec::cpu::registerCpuPasses() {
  registerMoecCpuPasses();
  PassPipelineRegistration<>("moec-cpu-buffers",
                             "Parameters to arguments, tensors to buffers",
                             [](OpPassManager &manager) {
                               buildParametersPipeline(manager);
                               buildBuffersPipeline(manager);
                             });
  PassPipelineRegistration<>(
      "moec-cpu-schedule", "Buffers to tasks and one workspace (8 lanes)",
      [](OpPassManager &manager) { buildSchedulePipeline(manager, 8); });
  PassPipelineRegistration<>(
      "moec-cpu-llvm", "Entry points and the LLVM dialect",
      [](OpPassManager &manager) { buildLlvmPipeline(manager); });
}

static LogicalResult
runPipeline(ModuleOp module, const CpuCompileOptions &options,
            llvm::function_ref<void(OpPassManager &)> build) {
  PassManager manager(module.getContext());
  manager.enableVerifier(options.verifyEach);
  build(manager);
  return manager.run(module);
}

static FailureOr<CpuCode> compileLevel(ModuleOp module, const IsaLevel &level,
                                       const CpuCompileOptions &options) {
  auto dump = [&](StringRef phase) {
    if (options.dump)
      options.dump(phase, level.name, module);
  };
  if (failed(runPipeline(module, options, buildBuffersPipeline)))
    return failure();
  dump("buffers");
  if (failed(runPipeline(module, options, [&](OpPassManager &manager) {
        buildSchedulePipeline(manager, level.lanes);
      })))
    return failure();
  dump("scheduled");
  if (failed(runPipeline(module, options, buildLlvmPipeline)))
    return failure();
  dump("llvm");
  FailureOr<EmittedObject> object =
      emitObject(module, level, options.wantLlvm, options.wantAssembly);
  if (failed(object))
    return failure();
  std::string error;
  std::optional<std::string> elf = linkSharedObject(object->object, error);
  if (!elf)
    return module.emitError("cannot be linked for ")
           << level.name << ": " << error;
  return CpuCode{level.name.str(), std::move(*elf), std::move(object->object),
                 std::move(object->llvmText), std::move(object->assembly)};
}

FailureOr<CpuModule>
moec::cpu::compileCpuModule(ModuleOp module, const CpuCompileOptions &options) {
  std::vector<const IsaLevel *> levels;
  for (const std::string &name : options.levels) {
    levels.push_back(findIsaLevel(name));
    if (!levels.back())
      return module.emitError("has no CPU code generation for level '")
             << name << "'";
  }
  if (levels.empty())
    for (const IsaLevel &level : getIsaLevels())
      levels.push_back(&level);

  OwningOpRef<ModuleOp> common = module.clone();
  if (failed(runPipeline(*common, options, buildParametersPipeline)))
    return failure();
  CpuModule result;
  for (auto function : common->getOps<func::FuncOp>()) {
    if (!function.isPublic())
      continue;
    FailureOr<FunctionSignature> signature = getSignature(function);
    if (failed(signature))
      return failure();
    result.functions.push_back(std::move(*signature));
  }
  for (const IsaLevel *level : levels) {
    OwningOpRef<ModuleOp> copy = common->clone();
    FailureOr<CpuCode> code = compileLevel(*copy, *level, options);
    if (failed(code))
      return failure();
    result.code.push_back(std::move(*code));
  }
  return result;
}
