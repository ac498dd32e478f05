// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/object/Wrappers.h"
#include "codegen/object/InsertCode.h"
#include "codegen/object/ObjectFile.h"
#include "codegen/object/TvmFunctions.h"
#include "moec/frame.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include <cstddef>
#include <cstring>

using namespace moec::object;
using namespace llvm;

namespace {
/// What all wrappers of a module share.
class WrapperBuilder {
public:
  WrapperBuilder(Module &module, const Interface &interface)
      : module(module), interface(interface), b(module.getContext()),
        pointer(b.getPtrTy()) {
    makeDefaultServices();
    if (interface.place == WeightsPlace::Linked && !interface.weights.empty())
      makeWeights();
  }

  void addCall(const CFunction &function) {
    begin(function.name, b.getInt32Ty(), function.parameters);
    ArrayRef<moec::cpu::TensorSignature> arguments =
        function.signature.arguments;
    ArrayRef<moec::cpu::TensorSignature> results = function.signature.results;
    Value *frame = makeFrame();
    storeInt(frame, offsetof(moec_frame, num_arguments), arguments.size());
    storeInt(frame, offsetof(moec_frame, num_results), results.size());
    storeInt(frame, offsetof(moec_frame, num_parameters),
             function.weights.size());
    store(frame, offsetof(moec_frame, arguments),
          makeTensors(arguments, values[CParameter::Argument]));
    store(frame, offsetof(moec_frame, results),
          makeTensors(results, values[CParameter::Result]));
    store(frame, offsetof(moec_frame, parameters), getTable(function));
    store(frame, offsetof(moec_frame, workspace),
          values[CParameter::Workspace].front());
    store(frame, offsetof(moec_frame, workspace_size),
          values[CParameter::WorkspaceSize].front());
    finish(function.signature.entry, frame, b.getInt32Ty());
  }

  void addWorkspace(const CFunction &function) {
    begin(function.workspaceName, b.getInt64Ty(), function.workspaceParameters);
    ArrayRef<moec::cpu::TensorSignature> arguments =
        function.signature.arguments;
    std::vector<Value *> none(arguments.size(), null());
    Value *frame = makeFrame();
    storeInt(frame, offsetof(moec_frame, num_arguments), arguments.size());
    store(frame, offsetof(moec_frame, arguments), makeTensors(arguments, none));
    finish(function.signature.workspace, frame, b.getInt64Ty());
  }

  /// The two functions that pack the weights of `function`.
  void addPacking(const CFunction &function) {
    // The descriptions as pack/Pack.cpp reads them, one weight after another.
    SmallVector<uint64_t> words;
    for (unsigned index : function.weights) {
      const PackDescription &weight = interface.weights[index].pack;
      uint64_t copy[sizeof(PackDescription) / 8];
      static_assert(sizeof(copy) == sizeof(PackDescription));
      std::memcpy(copy, &weight, sizeof(copy));
      words.append(std::begin(copy), std::end(copy));
    }
    Constant *value = ConstantDataArray::get(module.getContext(), words);
    auto *descriptions = new GlobalVariable(
        module, value->getType(), /*isConstant=*/true,
        GlobalValue::InternalLinkage, value, function.name + "_packing");
    Value *count = b.getInt64(function.weights.size());

    Type *i32 = b.getInt32Ty(), *i64 = b.getInt64Ty();
    auto *own = makeFunction(function.weightSizeName,
                             FunctionType::get(i64, {i32}, false));
    b.CreateRet(b.CreateCall(module.getFunction("moec_weight_size"),
                             {descriptions, count, own->getArg(0)}));
    own = makeFunction(
        function.packName,
        FunctionType::get(i32, {i32, pointer, pointer, pointer}, false));
    b.CreateRet(
        b.CreateCall(module.getFunction("moec_pack_weight"),
                     {descriptions, count, own->getArg(0), own->getArg(1),
                      own->getArg(2), orDefault(own->getArg(3))}));
  }

  std::vector<std::string> addTvm(const CFunction &function) {
    Constant *table =
        function.weights.empty() ? nullptr : getLinkedTable(function);
    return addTvmFunctions(module, function, table, services);
  }

private:
  Value *orDefault(Value *given) {
    return b.CreateSelect(b.CreateIsNull(given), services, given);
  }
  Value *null() { return ConstantPointerNull::get(cast<PointerType>(pointer)); }
  Value *at(Value *base, uint64_t offset) {
    return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), base, offset);
  }
  void store(Value *base, uint64_t offset, Value *value) {
    b.CreateAlignedStore(value, at(base, offset), Align(4));
  }
  void storeInt(Value *base, uint64_t offset, uint32_t value) {
    store(base, offset, b.getInt32(value));
  }
  Value *allocate(uint64_t bytes) {
    AllocaInst *memory = b.CreateAlloca(ArrayType::get(b.getInt8Ty(), bytes));
    memory->setAlignment(Align(8));
    return memory;
  }

  Function *makeFunction(StringRef name, FunctionType *type) {
    auto *function =
        Function::Create(type, GlobalValue::InternalLinkage, name, module);
    b.SetInsertPoint(
        BasicBlock::Create(module.getContext(), "entry", function));
    return function;
  }

  /// Services for callers that give none: one worker, the calling thread.
  void makeDefaultServices() {
    Type *i64 = b.getInt64Ty();
    Function *loop = makeFunction(
        "default_parallel_for",
        FunctionType::get(b.getVoidTy(), {pointer, i64, pointer, pointer},
                          false));
    BasicBlock *entry = b.GetInsertBlock();
    auto *header = BasicBlock::Create(module.getContext(), "header", loop);
    auto *body = BasicBlock::Create(module.getContext(), "body", loop);
    auto *exit = BasicBlock::Create(module.getContext(), "exit", loop);
    b.CreateBr(header);
    b.SetInsertPoint(header);
    PHINode *index = b.CreatePHI(i64, 2);
    index->addIncoming(b.getInt64(0), entry);
    b.CreateCondBr(b.CreateICmpSLT(index, loop->getArg(1)), body, exit);
    b.SetInsertPoint(body);
    b.CreateCall(FunctionType::get(b.getVoidTy(), {pointer, i64, i64}, false),
                 loop->getArg(2), {loop->getArg(3), index, b.getInt64(0)});
    index->addIncoming(b.CreateAdd(index, b.getInt64(1)), body);
    b.CreateBr(header);
    b.SetInsertPoint(exit);
    b.CreateRetVoid();

    // In the order of moec_services.
    static_assert(offsetof(moec_services, launch) + 8 == sizeof(moec_services));
    auto *nothing = cast<Constant>(null());
    Constant *value = ConstantStruct::getAnon(
        {b.getInt32(sizeof(moec_services)), b.getInt32(1), nothing, loop,
         nothing, nothing, nothing});
    services = new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                  GlobalValue::InternalLinkage, value,
                                  "default_services");
  }

  /// The section that writeObject fills. Nothing may be concluded from the
  /// placeholder's bytes.
  void makeWeights() {
    auto *type = ArrayType::get(b.getInt8Ty(), weightAlignment);
    weights = new GlobalVariable(module, type, /*isConstant=*/true,
                                 GlobalValue::InternalLinkage,
                                 ConstantAggregateZero::get(type), "weights");
    weights->setSection(weightsSection);
    weights->setAlignment(Align(weightAlignment));
    weights->setExternallyInitialized(true);
  }

  /// The table of the frame: constant, or what the caller gives.
  Value *getTable(const CFunction &function) {
    if (function.weights.empty())
      return null();
    if (weights)
      return getLinkedTable(function);
    Value *given = values[CParameter::Weights].front();
    if (interface.place == WeightsPlace::Pointers)
      return given;
    Value *table = allocate(8 * function.weights.size());
    for (auto [position, index] : enumerate(function.weights))
      store(table, 8 * position,
            b.CreateConstGEP1_64(b.getInt8Ty(), given,
                                 interface.weights[index].offset));
    return b.CreateSelect(b.CreateIsNull(given), null(), table);
  }
  Constant *getLinkedTable(const CFunction &function) {
    SmallVector<Constant *> addresses;
    for (unsigned index : function.weights)
      addresses.push_back(ConstantExpr::getGetElementPtr(
          b.getInt8Ty(), weights,
          cast<Constant>(b.getInt64(interface.weights[index].offset))));
    auto *type = ArrayType::get(pointer, addresses.size());
    Constant *&table = tables[&function];
    if (!table)
      table = new GlobalVariable(
          module, type, /*isConstant=*/true, GlobalValue::InternalLinkage,
          ConstantArray::get(type, addresses), function.name + "_weights");
    return table;
  }

  void begin(StringRef name, Type *result,
             const std::vector<CParameter> &parameters) {
    SmallVector<Type *> types;
    for (const CParameter &parameter : parameters)
      types.push_back(parameter.kind == CParameter::Size ||
                              parameter.kind == CParameter::WorkspaceSize
                          ? b.getInt64Ty()
                          : pointer);
    Function *function =
        makeFunction(name, FunctionType::get(result, types, false));
    values.assign(CParameter::Services + 1, {});
    sizes.clear();
    for (auto [parameter, value] :
         llvm::zip(parameters, llvm::make_pointer_range(function->args()))) {
      values[parameter.kind].push_back(value);
      if (parameter.kind == CParameter::Size)
        sizes[parameter.symbol] = value;
    }
  }

  /// A frame of zeros but for its size and services.
  Value *makeFrame() {
    Value *frame = allocate(sizeof(moec_frame));
    static_assert(sizeof(moec_frame) % 8 == 0);
    for (uint64_t offset = 0; offset < sizeof(moec_frame); offset += 8)
      store(frame, offset, b.getInt64(0));
    storeInt(frame, offsetof(moec_frame, struct_size), sizeof(moec_frame));
    store(frame, offsetof(moec_frame, services),
          orDefault(values[CParameter::Services].front()));
    return frame;
  }

  Value *getSize(const moec::cpu::Dimension &dim) {
    if (dim.symbol.empty())
      return b.getInt64(dim.size);
    Value *product = nullptr;
    for (StringRef factor : llvm::split(dim.symbol, '*')) {
      Value *size = sizes.lookup(factor);
      product = product ? b.CreateMul(product, size) : size;
    }
    return product;
  }

  Value *makeTensors(ArrayRef<moec::cpu::TensorSignature> tensors,
                     ArrayRef<Value *> data) {
    Value *table = allocate(tensors.size() * sizeof(moec_tensor));
    for (auto [index, tensor] : llvm::enumerate(tensors)) {
      Value *shape = allocate(tensor.dims.size() * 8);
      for (auto [dim, size] : llvm::enumerate(tensor.dims))
        store(shape, dim * 8, getSize(size));
      uint64_t base = index * sizeof(moec_tensor);
      store(table, base + offsetof(moec_tensor, data), data[index]);
      store(table, base + offsetof(moec_tensor, shape), shape);
      storeInt(table, base + offsetof(moec_tensor, rank), tensor.dims.size());
      storeInt(table, base + offsetof(moec_tensor, dtype), tensor.dtype);
    }
    return table;
  }

  void finish(StringRef entry, Value *frame, Type *result) {
    FunctionCallee callee = module.getOrInsertFunction(
        entry, FunctionType::get(result, {pointer}, false));
    b.CreateRet(b.CreateCall(callee, frame));
  }

  Module &module;
  const Interface &interface;
  IRBuilder<> b;
  Type *pointer;
  GlobalVariable *services = nullptr;
  GlobalVariable *weights = nullptr;
  DenseMap<const CFunction *, Constant *> tables; ///< of linked weights
  /// The current function's parameters by kind.
  std::vector<std::vector<Value *>> values;
  StringMap<Value *> sizes;
};
} // namespace

Expected<std::vector<std::string>>
moec::object::addWrappers(Module &module, const Interface &interface) {
  auto isPacked = [](const CFunction &function) {
    return !function.packName.empty();
  };
  if (any_of(interface.functions, isPacked))
    if (Error error = insertCode(module, getPackCode()))
      return error;
  bool isTvm = interface.abi == Abi::TvmFfi;
  if (isTvm)
    if (Error error = insertCode(module, getTvmCode()))
      return error;
  WrapperBuilder builder(module, interface);
  std::vector<std::string> names;
  for (const CFunction &function : interface.functions) {
    builder.addCall(function);
    builder.addWorkspace(function);
    names.push_back(function.name);
    names.push_back(function.workspaceName);
    if (isTvm)
      append_range(names, builder.addTvm(function));
    if (!isPacked(function))
      continue;
    builder.addPacking(function);
    names.push_back(function.weightSizeName);
    names.push_back(function.packName);
  }
  return names;
}
