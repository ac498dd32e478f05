// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cuda/Pipeline.h"
#include "codegen/cpu/Linker.h"
#include "codegen/cpu/ObjectEmitter.h"
#include "codegen/cpu/Passes.h"
#include "codegen/cpu/Pipeline.h"
#include "codegen/cuda/Cuda.h"
#include "codegen/cuda/Passes.h"
#include "codegen/cuda/Source.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace moec::cuda;
namespace cpu = moec::cpu;

void moec::cuda::registerCudaDialects(DialectRegistry &registry) {
  registry.insert<CudaDialect>();
}

void moec::cuda::buildSchedulePipeline(OpPassManager &manager, bool bf16) {
  manager.addPass(createCudaLowerGroupedPass({bf16}));
  manager.addPass(createCudaLowerLinalgPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createLoopInvariantCodeMotionPass());
  manager.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  manager.addPass(createCSEPass());
  manager.addPass(cpu::createCpuBoundAllocationsPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  // From here on nothing may fold the loops that stand for threads.
  manager.addPass(createCudaOutlineKernelsPass());
  manager.addPass(cpu::createCpuAllocateArenaPass());
}

void moec::cuda::buildHostPipeline(OpPassManager &manager) {
  manager.addPass(createCudaLowerLaunchPass());
  cpu::CpuEmitEntryPointsPassOptions entry;
  entry.device = true;
  manager.addPass(cpu::createCpuEmitEntryPointsPass(entry));
  manager.addPass(cpu::createCpuLowerTapsPass());
  manager.addPass(cpu::createCpuLowerExpandShapePass());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(cpu::createCpuExpandMathPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(cpu::createCpuToLlvmPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
}

void moec::cuda::registerCudaPasses() {
  registerMoecCudaPasses();
  PassPipelineRegistration<>(
      "moec-cuda-schedule", "Buffers to kernels, launches and one workspace",
      [](OpPassManager &manager) { buildSchedulePipeline(manager); });
  PassPipelineRegistration<>(
      "moec-cuda-host", "Entry points and the LLVM dialect of host code",
      [](OpPassManager &manager) { buildHostPipeline(manager); });
}

ArrayRef<StringRef> moec::cuda::getCpuOnlyPasses() {
  // Panels, waves and tiles of registers; a router in blocks of rows, experts
  // token by token.
  static constexpr StringRef names[] = {
      "moe-encode-weights", "moe-select-strategy", "moe-select-compute",
      "moe-fuse-router", "moe-index-experts"};
  return names;
}

ArrayRef<StringRef> moec::cuda::getArchitectures() {
  static constexpr StringRef names[] = {"sm_80", "sm_90a", "sm_100a", "sm_120"};
  return names;
}

static LogicalResult
runPipeline(ModuleOp module, const CudaCompileOptions &options,
            llvm::function_ref<void(OpPassManager &)> build) {
  PassManager manager(module.getContext());
  manager.enableVerifier(options.verifyEach);
  build(manager);
  return manager.run(module);
}

/// Host code runs on any machine that the lowest level is for.
static LogicalResult emitHostCode(ModuleOp module, CudaCode &code) {
  const cpu::IsaLevel &level = cpu::getIsaLevels().front();
  std::unique_ptr<cpu::ObjectEmitter> emitter =
      cpu::ObjectEmitter::create(module, level);
  if (!emitter)
    return failure();
  cpu::EmittedObject object;
  std::string error;
  std::optional<std::string> elf;
  if (emitter->emit(/*wantLlvm=*/false, /*wantAssembly=*/false, object, error))
    elf = cpu::linkSharedObject(object.object, error);
  if (!elf)
    return module.emitError("host code cannot become machine code: ") << error;
  code.hostLevel = level.name.str();
  code.elf = std::move(*elf);
  return success();
}

static LogicalResult
compileFor(ModuleOp module, const CudaCompileOptions &options, CudaCode &code) {
  auto dump = [&](StringRef phase) {
    if (options.dump)
      options.dump(phase, code.architecture, module);
  };
  if (failed(runPipeline(module, options, cpu::buildBuffersPipeline)))
    return failure();
  dump("buffers");
  if (failed(runPipeline(module, options, [&](OpPassManager &manager) {
        buildSchedulePipeline(manager, options.bf16);
      })))
    return failure();
  dump("scheduled");
  FailureOr<CudaSource> source = printSource(module);
  if (failed(source))
    return failure();
  code.source = std::move(source->text);
  code.kernels = std::move(source->kernels);
  if (options.sourceOnly)
    return success();
  if (failed(runPipeline(module, options, buildHostPipeline)))
    return failure();
  dump("llvm");
  return emitHostCode(module, code);
}

FailureOr<CudaModule>
moec::cuda::compileCudaModule(ModuleOp module,
                              const CudaCompileOptions &options) {
  OwningOpRef<ModuleOp> common = module.clone();
  CudaModule result;
  if (failed(runPipeline(*common, options, cpu::buildParametersPipeline)) ||
      failed(cpu::shareCode(*common, result.functions)))
    return failure();
  for (const std::string &architecture : options.architectures) {
    if (!llvm::is_contained(getArchitectures(), architecture))
      return module.emitError("has no CUDA code generation for '")
             << architecture << "'";
    OwningOpRef<ModuleOp> copy = common->clone();
    CudaCode &code = result.code.emplace_back();
    code.architecture = architecture;
    if (failed(compileFor(*copy, options, code)))
      return failure();
  }
  return result;
}
