// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Passes.h"
#include "codegen/cpu/Signature.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moec/frame.h"
#include "llvm/ADT/StringMap.h"
#include <cstddef>

namespace moec::cpu {
#define GEN_PASS_DEF_CPUEMITENTRYPOINTSPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
/// Builds the body of one entry point: a chain of checks, each of which returns
/// its status when it fails.
class EntryBuilder {
public:
  EntryBuilder(func::FuncOp entry, func::FuncOp function,
               const FunctionSignature &signature, bool isDevice)
      : entry(entry), function(function), signature(signature),
        isDevice(isDevice), b(entry.getLoc(), entry.getContext()) {
    b.setInsertionPointToStart(entry.addEntryBlock());
    pointer = LLVM::LLVMPointerType::get(b.getContext());
    frame = entry.getArgument(0);
  }

  void checkFrame(bool isCall) {
    Value null = LLVM::ZeroOp::create(b, pointer);
    check(isDifferent(frame, null), MOEC_FRAME_BAD_ABI);
    // Hosts that know no states may call what has none.
    bool hasStates = !signature.states.empty();
    check(
        atLeast(loadInt(frame, offsetof(moec_frame, struct_size), 32),
                hasStates ? sizeof(moec_frame) : offsetof(moec_frame, states)),
        MOEC_FRAME_BAD_ABI);
    if (hasStates)
      checkCount(offsetof(moec_frame, num_states), signature.states.size());
    services = loadPointer(frame, offsetof(moec_frame, services));
    check(isDifferent(services, null), MOEC_FRAME_BAD_ABI);
    check(atLeast(loadInt(services, offsetof(moec_services, struct_size), 32),
                  isDevice ? sizeof(moec_services)
                           : offsetof(moec_services, wait)),
          MOEC_FRAME_BAD_ABI);
    Value count = loadInt(services, offsetof(moec_services, num_workers), 32);
    check(atLeast(count, 1), MOEC_FRAME_BAD_ABI);
    workers = arith::IndexCastUIOp::create(b, b.getIndexType(), count);
    checkCount(offsetof(moec_frame, num_arguments), signature.arguments.size());
    if (!isCall)
      return;
    Value service =
        loadPointer(services, isDevice ? offsetof(moec_services, launch)
                                       : offsetof(moec_services, parallel_for));
    check(isDifferent(service, null), MOEC_FRAME_BAD_ABI);
    checkCount(offsetof(moec_frame, num_results), signature.results.size());
    checkCount(offsetof(moec_frame, num_parameters),
               signature.parameters.size());
  }

  /// After the arguments, and in a call the results.
  void checkStates(bool isCall) {
    unsigned position = signature.arguments.size();
    if (isCall)
      position += signature.results.size();
    checkTensors(offsetof(moec_frame, states), signature.states, position,
                 /*needsData=*/isCall);
  }

  /// Checks a table of tensors and remembers what the call needs of them.
  void checkTensors(size_t table, ArrayRef<TensorSignature> tensors,
                    unsigned firstPosition, bool needsData) {
    Value base = tensors.empty() ? Value() : loadPointer(frame, table);
    for (auto [index, tensor] : llvm::enumerate(tensors)) {
      int32_t at = index * sizeof(moec_tensor);
      unsigned position = firstPosition + index;
      auto fail = [&](int32_t code) {
        return MOEC_FRAME_STATUS(code, static_cast<int32_t>(position));
      };
      check(equals(loadInt(base, at + offsetof(moec_tensor, rank), 32),
                   tensor.dims.size()),
            fail(MOEC_FRAME_BAD_RANK));
      check(equals(loadInt(base, at + offsetof(moec_tensor, dtype), 32),
                   tensor.dtype),
            fail(MOEC_FRAME_BAD_DTYPE));
      Value data = loadPointer(base, at + offsetof(moec_tensor, data));
      Value shape = loadPointer(base, at + offsetof(moec_tensor, shape));
      Value isEmpty = arith::ConstantIntOp::create(b, 0, 1);
      SmallVector<Value> sizes;
      for (auto [dimIndex, dim] : llvm::enumerate(tensor.dims)) {
        Value size = loadInt(shape, 8 * dimIndex, 64);
        if (dim.symbol.empty()) {
          check(equals(size, dim.size), fail(MOEC_FRAME_BAD_DIMENSION));
        } else if (Value known = getSize(b, b.getLoc(), dim.symbol, symbols)) {
          check(compare(arith::CmpIPredicate::eq, size, known),
                fail(MOEC_FRAME_BAD_DIMENSION));
        } else {
          check(compare(arith::CmpIPredicate::sge, size, constant(0, 64)),
                fail(MOEC_FRAME_BAD_DIMENSION));
          symbols[dim.symbol] = size;
        }
        isEmpty = arith::OrIOp::create(b, isEmpty, equals(size, 0));
        sizes.push_back(size);
      }
      if (needsData) {
        Value isThere = isDifferent(data, LLVM::ZeroOp::create(b, pointer));
        check(arith::OrIOp::create(b, isThere, isEmpty),
              fail(MOEC_FRAME_BAD_DIMENSION));
      }
      buffers.push_back({data, sizes});
    }
  }

  /// Bytes of workspace for the checked sizes.
  Value queryWorkspace(func::FuncOp query) {
    SmallVector<Value> operands;
    for (const SizeSymbol &symbol : getSizeSymbols(function, signature))
      operands.push_back(arith::IndexCastOp::create(
          b, b.getIndexType(), symbols.lookup(symbol.name)));
    operands.push_back(workers);
    Value bytes = func::CallOp::create(b, query, operands).getResult(0);
    return arith::IndexCastOp::create(b, b.getI64Type(), bytes);
  }

  void checkWorkspace(Value bytes) {
    workspace = loadPointer(frame, offsetof(moec_frame, workspace));
    workspaceSize = loadInt(frame, offsetof(moec_frame, workspace_size), 64);
    check(compare(arith::CmpIPredicate::sge, workspaceSize, bytes),
          MOEC_FRAME_BAD_WORKSPACE);
    Value address = LLVM::PtrToIntOp::create(b, b.getI64Type(), workspace);
    Value low = arith::AndIOp::create(b, address, constant(63, 64));
    Value isAligned = arith::AndIOp::create(
        b, equals(low, 0),
        isDifferent(workspace, LLVM::ZeroOp::create(b, pointer)));
    check(arith::OrIOp::create(b, isAligned, equals(bytes, 0)),
          MOEC_FRAME_BAD_WORKSPACE);
  }

  void checkParameters() {
    if (signature.parameters.empty())
      return;
    Value base = loadPointer(frame, offsetof(moec_frame, parameters));
    check(isDifferent(base, LLVM::ZeroOp::create(b, pointer)),
          MOEC_FRAME_BAD_COUNT);
    for (size_t index = 0; index < signature.parameters.size(); ++index) {
      parameters.push_back(loadPointer(base, 8 * index));
      check(isDifferent(parameters.back(), LLVM::ZeroOp::create(b, pointer)),
            MOEC_FRAME_BAD_COUNT);
    }
  }

  void call() {
    LLVMTypeConverter converter(b.getContext());
    SmallVector<Value> operands;
    unsigned nextArgument = 0, nextParameter = 0;
    unsigned nextResult = signature.arguments.size();
    unsigned nextState = nextResult + signature.results.size();
    for (unsigned index = 0; index < function.getNumArguments(); ++index) {
      auto has = [&](StringRef name) {
        return static_cast<bool>(function.getArgAttr(index, name));
      };
      if (has(kWorkersAttr)) {
        operands.push_back(workers);
        continue;
      }
      if (has(kServicesAttr)) {
        operands.push_back(services);
        continue;
      }
      auto type = cast<MemRefType>(function.getArgumentTypes()[index]);
      Value data;
      SmallVector<Value> sizes;
      if (has(kWorkspaceAttr)) {
        data = workspace;
        sizes = {workspaceSize};
      } else if (has(kParamAttr)) {
        data = parameters[nextParameter++];
        for (int64_t size : type.getShape())
          sizes.push_back(constant(size, 64));
      } else {
        auto &buffer = buffers[has(kResultAttr)  ? nextResult++
                               : has(kStateAttr) ? nextState++
                                                 : nextArgument++];
        data = buffer.first;
        sizes = buffer.second;
      }
      operands.push_back(makeMemRef(converter, type, data, sizes));
    }
    func::CallOp::create(b, function, operands);
    func::ReturnOp::create(b, constant(MOEC_FRAME_OK, 32));
  }

  void finish(Value value) { func::ReturnOp::create(b, value); }

private:
  Value constant(int64_t value, unsigned bits) {
    return arith::ConstantIntOp::create(b, value, bits);
  }
  Value compare(arith::CmpIPredicate predicate, Value lhs, Value rhs) {
    return arith::CmpIOp::create(b, predicate, lhs, rhs);
  }
  Value equals(Value value, int64_t expected) {
    return compare(arith::CmpIPredicate::eq, value,
                   constant(expected, value.getType().getIntOrFloatBitWidth()));
  }
  Value atLeast(Value value, int64_t minimum) {
    return compare(arith::CmpIPredicate::uge, value,
                   constant(minimum, value.getType().getIntOrFloatBitWidth()));
  }
  Value isDifferent(Value lhs, Value rhs) {
    return LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, lhs, rhs);
  }
  Value address(Value base, size_t offset) {
    return LLVM::GEPOp::create(
        b, pointer, b.getI8Type(), base,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  }
  Value loadInt(Value base, size_t offset, unsigned bits) {
    return LLVM::LoadOp::create(b, b.getIntegerType(bits),
                                address(base, offset));
  }
  Value loadPointer(Value base, size_t offset) {
    return LLVM::LoadOp::create(b, pointer, address(base, offset));
  }

  /// Goes on if `condition` holds, else returns `status`.
  void check(Value condition, int32_t status) {
    Block *current = b.getInsertionBlock();
    Block *next = b.createBlock(&entry.getBody());
    Block *fail = b.createBlock(&entry.getBody());
    func::ReturnOp::create(
        b, constant(status, entry.getResultTypes()[0].getIntOrFloatBitWidth()));
    b.setInsertionPointToEnd(current);
    cf::CondBranchOp::create(b, condition, next, ValueRange(), fail,
                             ValueRange());
    b.setInsertionPointToEnd(next);
  }
  void checkCount(size_t offset, size_t expected) {
    check(equals(loadInt(frame, offset, 32), expected), MOEC_FRAME_BAD_COUNT);
  }

  Value makeMemRef(const LLVMTypeConverter &converter, MemRefType type,
                   Value data, ArrayRef<Value> sizes) {
    SmallVector<Value> strides(sizes.size());
    Value stride = constant(1, 64);
    for (size_t dim = sizes.size(); dim-- > 0;) {
      strides[dim] = stride;
      if (dim > 0)
        stride = arith::MulIOp::create(b, stride, sizes[dim]);
    }
    SmallVector<Value> values{data, data, constant(0, 64)};
    llvm::append_range(values, sizes);
    llvm::append_range(values, strides);
    Value descriptor =
        MemRefDescriptor::pack(b, b.getLoc(), converter, type, values);
    return UnrealizedConversionCastOp::create(b, type, descriptor).getResult(0);
  }

  func::FuncOp entry, function;
  const FunctionSignature &signature;
  bool isDevice;
  ImplicitLocOpBuilder b;
  Type pointer;
  Value frame, services, workers, workspace, workspaceSize;
  llvm::StringMap<Value> symbols;
  SmallVector<std::pair<Value, SmallVector<Value>>> buffers;
  SmallVector<Value> parameters;
};

struct EmitEntryPoints
    : moec::cpu::impl::CpuEmitEntryPointsPassBase<EmitEntryPoints> {
  using CpuEmitEntryPointsPassBase::CpuEmitEntryPointsPassBase;

  func::FuncOp declare(OpBuilder &builder, Location loc, const Twine &name,
                       Type result) {
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    return func::FuncOp::create(builder, loc, name.str(),
                                builder.getFunctionType(pointer, result));
  }

  LogicalResult emit(func::FuncOp function, SymbolTable &table) {
    FailureOr<FunctionSignature> signature = getSignature(function);
    if (failed(signature))
      return failure();
    std::string name = cName(function.getName());
    auto symbol = function->getAttrOfType<FlatSymbolRefAttr>(kWorkspaceAttr);
    auto query =
        symbol ? table.lookup<func::FuncOp>(symbol.getAttr()) : func::FuncOp();
    if (!query)
      return function.emitOpError("has no workspace function");
    if (table.lookup("moec_fn_" + name))
      return function.emitOpError("has the C name '")
             << name << "' of another function";

    OpBuilder builder(&getContext());
    builder.setInsertionPointToEnd(getOperation().getBody());
    func::FuncOp sizeEntry =
        declare(builder, function.getLoc(), "moec_workspace_" + name,
                builder.getI64Type());
    func::FuncOp callEntry = declare(builder, function.getLoc(),
                                     "moec_fn_" + name, builder.getI32Type());
    table.insert(sizeEntry);
    table.insert(callEntry);
    function.setPrivate();

    EntryBuilder size(sizeEntry, function, *signature, device);
    size.checkFrame(/*isCall=*/false);
    size.checkTensors(offsetof(moec_frame, arguments), signature->arguments, 0,
                      /*needsData=*/false);
    size.checkStates(/*isCall=*/false);
    size.finish(size.queryWorkspace(query));

    EntryBuilder call(callEntry, function, *signature, device);
    call.checkFrame(/*isCall=*/true);
    call.checkTensors(offsetof(moec_frame, arguments), signature->arguments, 0,
                      /*needsData=*/true);
    call.checkTensors(offsetof(moec_frame, results), signature->results,
                      signature->arguments.size(), /*needsData=*/true);
    call.checkStates(/*isCall=*/true);
    call.checkParameters();
    call.checkWorkspace(call.queryWorkspace(query));
    call.call();
    // They have served; LLVM has no such attributes.
    function.removeArgAttrsAttr();
    function->removeAttr(kWorkspaceAttr);
    return success();
  }

  void runOnOperation() override {
    SymbolTable table(getOperation());
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic())
        functions.push_back(function);
    for (func::FuncOp function : functions)
      if (failed(emit(function, table)))
        return signalPassFailure();
    OpBuilder builder = OpBuilder::atBlockEnd(getOperation().getBody());
    LLVM::GlobalOp::create(builder, getOperation().getLoc(),
                           builder.getI32Type(), /*isConstant=*/true,
                           LLVM::Linkage::External, "moec_abi_version",
                           builder.getI32IntegerAttr(MOEC_FRAME_ABI_VERSION));
  }
};
} // namespace
