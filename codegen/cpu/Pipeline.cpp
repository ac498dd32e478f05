// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Pipeline.h"
#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Linker.h"
#include "codegen/cpu/ObjectEmitter.h"
#include "codegen/cpu/Passes.h"
#include "dialects/grouped/Compute.h"
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
#include "llvm/ADT/StringMap.h"
#include <thread>

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
  manager.addPass(createCpuLowerTransformerPass({lanes}));
  manager.addPass(createCpuLowerLinalgPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createLoopInvariantCodeMotionPass());
  manager.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  manager.addPass(createCSEPass());
  manager.addPass(createCpuBoundAllocationsPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createCpuOutlineParallelPass());
  manager.addPass(createCSEPass());
  manager.addPass(createCpuShareTasksPass());
  manager.addPass(createCpuAllocateArenaPass());
  manager.addPass(createCpuExpandMathPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void moec::cpu::buildLlvmPipeline(OpPassManager &manager) {
  manager.addPass(createCpuEmitEntryPointsPass());
  manager.addPass(createCpuLowerTapsPass());
  manager.addPass(createCpuLowerParallelPass());
  manager.addPass(createCpuLowerWaitPass());
  manager.addPass(createCpuLowerExpandShapePass());
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

/// Brings a module to LLVM IR for one level.
static std::unique_ptr<ObjectEmitter>
lowerForLevel(ModuleOp module, const IsaLevel &level,
              const CpuCompileOptions &options) {
  auto dump = [&](StringRef phase) {
    if (options.dump)
      options.dump(phase, level.name, module);
  };
  if (failed(runPipeline(module, options, buildBuffersPipeline)))
    return nullptr;
  dump("buffers");
  if (!level.feature.empty())
    module->setAttr(kFeatureAttr,
                    StringAttr::get(module.getContext(), level.feature));
  if (failed(runPipeline(module, options, [&](OpPassManager &manager) {
        buildSchedulePipeline(manager, level.lanes);
      })))
    return nullptr;
  dump("scheduled");
  if (failed(runPipeline(module, options, buildLlvmPipeline)))
    return nullptr;
  dump("llvm");
  return ObjectEmitter::create(module, level);
}

/// From LLVM IR to a shared object; touches nothing of MLIR.
static bool emitCode(ObjectEmitter &emitter, const CpuCompileOptions &options,
                     CpuCode &code, std::string &error) {
  EmittedObject object;
  if (!emitter.emit(options.wantLlvm, options.wantAssembly, object, error))
    return false;
  std::optional<std::string> elf = linkSharedObject(object.object, error);
  if (!elf)
    return false;
  code.elf = std::move(*elf);
  code.object = std::move(object.object);
  code.llvmText = std::move(object.llvmText);
  code.assembly = std::move(object.assembly);
  return true;
}

/// The text of a function without its name and those of its parameters.
static std::string printNameless(func::FuncOp function) {
  OwningOpRef<func::FuncOp> copy = function.clone();
  copy->setName("");
  for (unsigned index = 0; index < copy->getNumArguments(); ++index)
    if (copy->getArgAttr(index, kParamAttr))
      copy->setArgAttr(index, kParamAttr, UnitAttr::get(copy->getContext()));
  std::string text;
  llvm::raw_string_ostream stream(text);
  copy->print(stream, OpPrintingFlags().useLocalScope());
  return text;
}

LogicalResult moec::cpu::shareCode(ModuleOp module,
                                   std::vector<FunctionSignature> &functions) {
  llvm::StringMap<unsigned> seen;
  llvm::StringMap<std::string> cNames;
  for (auto function :
       llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
    if (!function.isPublic())
      continue;
    FailureOr<FunctionSignature> signature = getSignature(function);
    if (failed(signature))
      return failure();
    auto [name, isNew] =
        cNames.try_emplace(cName(signature->name), signature->name);
    if (!isNew)
      return function.emitOpError("has the same C name as '")
             << name->second << "'";
    auto [first, isFirst] =
        seen.try_emplace(printNameless(function), functions.size());
    if (!isFirst) {
      signature->entry = functions[first->second].entry;
      signature->workspace = functions[first->second].workspace;
      function.erase();
    }
    functions.push_back(std::move(*signature));
  }
  return success();
}

/// Whether a matmul has this `grouped.compute`.
static bool computesIn(ModuleOp module, StringRef compute) {
  return module
      ->walk([&](Operation *op) {
        auto name = op->getAttrOfType<StringAttr>(moec::grouped::kComputeAttr);
        return name && name == compute ? WalkResult::interrupt()
                                       : WalkResult::advance();
      })
      .wasInterrupted();
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
      if (level.compute.empty() || computesIn(module, level.compute))
        levels.push_back(&level);

  OwningOpRef<ModuleOp> common = module.clone();
  CpuModule result;
  if (failed(runPipeline(*common, options, buildParametersPipeline)) ||
      failed(shareCode(*common, result.functions)))
    return failure();

  // While LLVM works on one level, MLIR lowers the next.
  result.code.resize(levels.size());
  std::vector<std::string> errors(levels.size());
  std::vector<std::thread> threads;
  bool isLowered = true;
  for (auto [index, level] : llvm::enumerate(levels)) {
    OwningOpRef<ModuleOp> copy = common->clone();
    std::unique_ptr<ObjectEmitter> emitter =
        lowerForLevel(*copy, *level, options);
    isLowered = static_cast<bool>(emitter);
    if (!isLowered)
      break;
    if (options.extend)
      emitter->extend([&](llvm::Module &llvmModule) {
        return options.extend(llvmModule, result.functions);
      });
    result.code[index].level = level->name.str();
    result.code[index].base = level->base.str();
    if (!level->feature.empty())
      result.code[index].features = {level->feature.str()};
    threads.emplace_back([&options, &code = result.code[index],
                          &error = errors[index],
                          emitter = std::move(emitter)] {
      if (!emitCode(*emitter, options, code, error) && error.empty())
        error = "code generation failed";
    });
  }
  for (std::thread &thread : threads)
    thread.join();
  for (auto [level, error] : llvm::zip(levels, errors))
    if (!error.empty())
      return module.emitError("cannot become code for ")
             << level->name << ": " << error;
  if (!isLowered)
    return failure();
  return result;
}
