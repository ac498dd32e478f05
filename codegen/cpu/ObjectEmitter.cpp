// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/ObjectEmitter.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/Transforms/IPO/AlwaysInliner.h"
#include "llvm/Transforms/IPO/DeadArgumentElimination.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/IndVarSimplify.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopRotation.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Vectorize/LoopVectorize.h"

using namespace mlir;
using namespace moec::cpu;

ArrayRef<IsaLevel> moec::cpu::getIsaLevels() {
  static const IsaLevel levels[] = {
      {"x86-64-v3", "x86-64-v3", 8, "", ""},
      {"x86-64-v4", "x86-64-v4", 16, "", ""},
      {"x86-64-v3+avxvnni", "x86-64-v3", 8, "avxvnni", "int8"},
      {"x86-64-v4+avx512vnni", "x86-64-v4", 16, "avx512vnni", "int8"},
      {"x86-64-v4+avx512bf16", "x86-64-v4", 16, "avx512bf16", "bf16"}};
  return levels;
}

const IsaLevel *moec::cpu::findIsaLevel(StringRef name) {
  for (const IsaLevel &level : getIsaLevels())
    if (level.name == name)
      return &level;
  return nullptr;
}

static std::unique_ptr<llvm::TargetMachine>
createTargetMachine(const IsaLevel &level, std::string &error) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  // Every rounding is in the program: fma only where it says so.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  // The levels' default prefers 256-bit vectors; kernels are written for all
  // lanes there are.
  std::string features = level.lanes == 16 ? "-prefer-256-bit" : "";
  if (!level.feature.empty())
    features += (features.empty() ? "+" : ",+") + level.feature.str();
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, level.base, features, options, llvm::Reloc::PIC_, std::nullopt,
      llvm::CodeGenOptLevel::Aggressive));
}

/// Hides all but the entry points and lets the code stand without a C library.
static void setLinkage(llvm::Module &module, llvm::TargetMachine &machine,
                       ArrayRef<std::string> exports) {
  auto isExported = [&](StringRef name) {
    return exports.empty() ? name.starts_with("moec_")
                           : llvm::is_contained(exports, name);
  };
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    bool isEntry = isExported(function.getName());
    function.setLinkage(isEntry ? llvm::GlobalValue::ExternalLinkage
                                : llvm::GlobalValue::InternalLinkage);
    function.addFnAttr(llvm::Attribute::NoUnwind);
    function.addFnAttr("no-builtins");
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
    // The thunk is all that calls a task.
    if (function.getName().contains("_task_") && function.hasOneUse() &&
        !function.getName().ends_with("_thunk"))
      function.addFnAttr(llvm::Attribute::AlwaysInline);
  }
  // What begins with llvm. is no data but says something about it.
  for (llvm::GlobalVariable &global : module.globals())
    if (!global.isDeclaration() && !isExported(global.getName()) &&
        !global.getName().starts_with("llvm."))
      global.setLinkage(llvm::GlobalValue::InternalLinkage);
}

namespace {
/// LICM; it leaves sums in memory where a function asks for that.
struct Licm : llvm::PassInfoMixin<Licm> {
  llvm::PreservedAnalyses run(llvm::Loop &loop,
                              llvm::LoopAnalysisManager &analyses,
                              llvm::LoopStandardAnalysisResults &results,
                              llvm::LPMUpdater &updater) {
    llvm::LICMOptions options;
    if (loop.getHeader()->getParent()->hasFnAttribute(kSumsInMemory))
      options.MssaNoAccForPromotionCap = 0;
    return llvm::LICMPass(options).run(loop, analyses, results, updater);
  }
};
} // namespace

/// Not the default pipeline: reassociation, GVN, SLP vectorisation and
/// unrolling undo what the kernels decided and make them spill.
static void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);

  llvm::ModulePassManager passes;
  passes.addPass(llvm::AlwaysInlinerPass());
  passes.addPass(llvm::GlobalDCEPass());
  // Of a buffer's descriptor most members are unused or constant.
  passes.addPass(llvm::DeadArgumentEliminationPass());
  llvm::FunctionPassManager simplify;
  simplify.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  simplify.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  simplify.addPass(llvm::SimplifyCFGPass());
  simplify.addPass(llvm::InstCombinePass());
  llvm::LoopPassManager loopPasses;
  loopPasses.addPass(llvm::LoopRotatePass());
  loopPasses.addPass(Licm());
  simplify.addPass(llvm::createFunctionToLoopPassAdaptor(
      std::move(loopPasses), /*UseMemorySSA=*/true));
  simplify.addPass(llvm::LoopVectorizePass(llvm::LoopVectorizeOptions(
      /*InterleaveOnlyWhenForced=*/true, /*VectorizeOnlyWhenForced=*/false)));
  simplify.addPass(llvm::InstCombinePass());
  simplify.addPass(llvm::EarlyCSEPass());
  simplify.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(simplify)));
  passes.run(module, modules);
}

static bool emitFile(llvm::Module &module, llvm::TargetMachine &machine,
                     llvm::CodeGenFileType type, std::string &bytes) {
  SmallVector<char, 0> buffer;
  llvm::raw_svector_ostream stream(buffer);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, type))
    return false;
  passes.run(module);
  bytes.assign(buffer.begin(), buffer.end());
  return true;
}

ObjectEmitter::ObjectEmitter() = default;
ObjectEmitter::~ObjectEmitter() = default;

std::unique_ptr<ObjectEmitter> ObjectEmitter::create(ModuleOp module,
                                                     const IsaLevel &level) {
  std::unique_ptr<ObjectEmitter> emitter(new ObjectEmitter());
  std::string error;
  emitter->machine = createTargetMachine(level, error);
  if (!emitter->machine) {
    module.emitError("cannot generate code for ")
        << level.name << ": " << error;
    return nullptr;
  }
  emitter->context = std::make_unique<llvm::LLVMContext>();
  emitter->module = translateModuleToLLVMIR(module, *emitter->context, "moec");
  if (!emitter->module) {
    module.emitError("cannot be translated to LLVM IR");
    return nullptr;
  }
  return emitter;
}

void ObjectEmitter::extend(
    llvm::function_ref<std::vector<std::string>(llvm::Module &)> extend) {
  exports = extend(*module);
}

bool ObjectEmitter::emit(bool wantLlvm, bool wantAssembly,
                         EmittedObject &result, std::string &error) {
  module->setTargetTriple(machine->getTargetTriple());
  module->setDataLayout(machine->createDataLayout());
  module->setPICLevel(llvm::PICLevel::BigPIC);
  setLinkage(*module, *machine, exports);
  optimise(*module, *machine);

  if (wantLlvm) {
    llvm::raw_string_ostream stream(result.llvmText);
    module->print(stream, nullptr);
  }
  // Emitting changes the module, so the text comes from a second copy.
  if (wantAssembly) {
    std::unique_ptr<llvm::Module> copy = llvm::CloneModule(*module);
    if (!emitFile(*copy, *machine, llvm::CodeGenFileType::AssemblyFile,
                  result.assembly)) {
      error = "the target cannot write assembly";
      return false;
    }
  }
  if (!emitFile(*module, *machine, llvm::CodeGenFileType::ObjectFile,
                result.object)) {
    error = "the target cannot write object files";
    return false;
  }
  return true;
}
