// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Emulate.h"
#include "codegen/cpu/Linker.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"
#include "gtest/gtest.h"

using namespace llvm;

/// Each lane of the sums takes four products of unsigned and signed bytes.
static Value *emulateDotBytes(IRBuilder<> &b, Value *sums, Value *codes,
                              Value *row) {
  auto *bytes = cast<FixedVectorType>(codes->getType());
  auto *wide = FixedVectorType::get(b.getInt32Ty(), bytes->getNumElements());
  Value *products =
      b.CreateMul(b.CreateZExt(codes, wide), b.CreateSExt(row, wide));
  for (int k = 0; k < 4; ++k) {
    SmallVector<int> lanes;
    for (unsigned at = 0; at < bytes->getNumElements(); at += 4)
      lanes.push_back(static_cast<int>(at) + k);
    sums = b.CreateAdd(sums, b.CreateShuffleVector(products, lanes));
  }
  return sums;
}

/// Zero in place of subnormal numbers.
static Value *flush(IRBuilder<> &b, Value *value) {
  auto *words = FixedVectorType::get(
      b.getInt32Ty(),
      cast<FixedVectorType>(value->getType())->getNumElements());
  Value *bits = b.CreateBitCast(value, words);
  Value *size = b.CreateAnd(bits, ConstantInt::get(words, 0x7fffffff));
  Value *isTiny = b.CreateICmpULT(size, ConstantInt::get(words, 0x00800000));
  Value *zero = b.CreateAnd(bits, ConstantInt::get(words, 0x80000000));
  return b.CreateBitCast(b.CreateSelect(isTiny, zero, bits), value->getType());
}

/// Each lane of the sums takes the product of the odd elements, then that of
/// the even ones.
static Value *emulateDotPairs(IRBuilder<> &b, Value *sums, Value *left,
                              Value *right) {
  auto *floats = cast<FixedVectorType>(sums->getType());
  auto *words = FixedVectorType::get(b.getInt32Ty(), floats->getNumElements());
  for (bool isOdd : {true, false}) {
    auto half = [&](Value *pairs) {
      Value *bits = b.CreateBitCast(pairs, words);
      bits = isOdd ? b.CreateAnd(bits, ConstantInt::get(words, 0xffff0000))
                   : b.CreateShl(bits, 16);
      return flush(b, b.CreateBitCast(bits, floats));
    };
    sums =
        flush(b, b.CreateIntrinsic(Intrinsic::fma, floats,
                                   {half(left), half(right), flush(b, sums)}));
  }
  return sums;
}

/// Gives intrinsics of the extensions a body.
static void defineIntrinsics(Module &module) {
  for (Function &function : make_early_inc_range(module)) {
    StringRef name = function.getName();
    bool isBytes = name.starts_with("llvm.x86.avx512.vpdpbusd.");
    bool isPairs = name.starts_with("llvm.x86.avx512bf16.dpbf16ps.");
    if (!isBytes && !isPairs)
      continue;
    Function *body =
        Function::Create(function.getFunctionType(),
                         GlobalValue::InternalLinkage, "emulated", module);
    IRBuilder<> b(BasicBlock::Create(module.getContext(), "", body));
    Value *sums = body->getArg(0), *left = body->getArg(1),
          *right = body->getArg(2);
    b.CreateRet(isBytes ? emulateDotBytes(b, sums, left, right)
                        : emulateDotPairs(b, sums, left, right));
    function.replaceAllUsesWith(body);
    function.eraseFromParent();
  }
}

std::string moec::cpu::test::compileEmulated(const std::string &llvmText) {
  LLVMContext context;
  SMDiagnostic problem;
  std::unique_ptr<Module> module =
      parseAssemblyString(llvmText, problem, context);
  if (!module) {
    ADD_FAILURE() << problem.getMessage().str();
    return "";
  }
  defineIntrinsics(*module);
  for (Function &function : *module) {
    function.removeFnAttr("target-features");
    function.removeFnAttr("target-cpu");
  }
  std::string error;
  Triple triple("x86_64-unknown-linux-gnu");
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  std::unique_ptr<TargetMachine> machine(
      target->createTargetMachine(triple, "x86-64-v3", "", {}, Reloc::PIC_,
                                  std::nullopt, CodeGenOptLevel::Default));
  SmallVector<char, 0> object;
  raw_svector_ostream stream(object);
  legacy::PassManager passes;
  EXPECT_FALSE(machine->addPassesToEmitFile(passes, stream, nullptr,
                                            CodeGenFileType::ObjectFile));
  passes.run(*module);
  std::optional<std::string> elf =
      linkSharedObject(StringRef(object.data(), object.size()), error);
  if (!elf)
    ADD_FAILURE() << error;
  return elf.value_or("");
}
