// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/object/TvmFunctions.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;

static GlobalVariable *makeConstant(Module &module, Constant *value) {
  return new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                            GlobalValue::InternalLinkage, value, "tvm");
}

static Constant *makeText(Module &module, StringRef text) {
  return makeConstant(module,
                      ConstantDataArray::getString(module.getContext(), text));
}

std::vector<std::string>
moec::object::addTvmFunctions(Module &module, const CFunction &function,
                              Constant *weights, Constant *services) {
  IRBuilder<> b(module.getContext());
  PointerType *pointer = b.getPtrTy();
  Type *i32 = b.getInt32Ty(), *i64 = b.getInt64Ty();
  const cpu::FunctionSignature &signature = function.signature;
  auto number = [&](int64_t value) -> Constant * { return b.getInt64(value); };

  // TvmTensor and TvmFunction of tvm/Description.h.
  SmallVector<Constant *> tensors;
  for (const auto *list : {&signature.arguments, &signature.results})
    for (const cpu::TensorSignature &tensor : *list)
      tensors.push_back(ConstantStruct::getAnon({makeText(module, tensor.name),
                                                 number(tensor.dtype),
                                                 number(tensor.dims.size())}));
  Constant *table = ConstantPointerNull::get(pointer);
  if (!tensors.empty())
    table = makeConstant(
        module, ConstantArray::get(
                    ArrayType::get(tensors.front()->getType(), tensors.size()),
                    tensors));
  auto entry = [&](StringRef name, Type *result) {
    return cast<Constant>(
        module
            .getOrInsertFunction(name,
                                 FunctionType::get(result, {pointer}, false))
            .getCallee());
  };
  GlobalVariable *description = makeConstant(
      module,
      ConstantStruct::getAnon(
          {makeText(module, signature.name), entry(signature.entry, i32),
           entry(signature.workspace, i64), table,
           number(signature.arguments.size()), number(signature.results.size()),
           weights ? weights : ConstantPointerNull::get(pointer),
           number(function.weights.size()), services}));

  std::vector<std::string> names;
  for (auto [suffix, helper] :
       {std::pair("", "moec_tvm_call"),
        std::pair("_workspace", "moec_tvm_workspace")}) {
    names.push_back("__tvm_ffi_" + cpu::cName(signature.name) + suffix);
    auto *own = Function::Create(
        FunctionType::get(i32, {pointer, pointer, i32, pointer}, false),
        GlobalValue::InternalLinkage, names.back(), module);
    b.SetInsertPoint(BasicBlock::Create(module.getContext(), "entry", own));
    b.CreateRet(b.CreateCall(
        module.getFunction(helper),
        {description, own->getArg(1), own->getArg(2), own->getArg(3)}));
  }
  return names;
}
