// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Passes.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "moec/frame.h"
#include <cstddef>

namespace moec::cpu {
#define GEN_PASS_DEF_CPULOWERPARALLELPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
struct LowerParallel
    : moec::cpu::impl::CpuLowerParallelPassBase<LowerParallel> {
  /// `void(void *argument, int64_t index, int64_t worker)`: unpacks the
  /// captures and calls the task.
  func::FuncOp buildThunk(ParallelForOp op, LLVM::LLVMStructType packed,
                          SymbolTable &symbols) {
    Location loc = op.getLoc();
    OpBuilder builder(op.getContext());
    Type pointer = LLVM::LLVMPointerType::get(op.getContext());
    Type i64 = builder.getI64Type();
    auto thunk =
        func::FuncOp::create(loc, (op.getTask() + "_thunk").str(),
                             builder.getFunctionType({pointer, i64, i64}, {}));
    thunk.setPrivate();
    symbols.insert(thunk);
    Block *entry = thunk.addEntryBlock();
    builder.setInsertionPointToStart(entry);
    SmallVector<Value> operands;
    for (Value number : entry->getArguments().drop_front())
      operands.push_back(arith::IndexCastOp::create(
          builder, loc, builder.getIndexType(), number));
    for (auto [position, capture] : llvm::enumerate(op.getCaptures())) {
      Value field = LLVM::GEPOp::create(
          builder, loc, pointer, packed, entry->getArgument(0),
          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(position)});
      Value value =
          LLVM::LoadOp::create(builder, loc, packed.getBody()[position], field);
      operands.push_back(fromLlvm(builder, loc, value, capture.getType()));
    }
    func::CallOp::create(builder, loc, op.getTask(), TypeRange(), operands);
    func::ReturnOp::create(builder, loc);
    return thunk;
  }

  Value fromLlvm(OpBuilder &builder, Location loc, Value value, Type type) {
    if (value.getType() == type)
      return value;
    return UnrealizedConversionCastOp::create(builder, loc, type, value)
        .getResult(0);
  }

  void lower(ParallelForOp op, const LLVMTypeConverter &converter,
             SymbolTable &symbols) {
    Location loc = op.getLoc();
    SmallVector<Type> fields;
    for (Value capture : op.getCaptures())
      fields.push_back(converter.convertType(capture.getType()));
    auto packed = LLVM::LLVMStructType::getLiteral(op.getContext(), fields);
    func::FuncOp thunk = buildThunk(op, packed, symbols);

    // A loop around the call must not grow the stack.
    auto function = op->getParentOfType<func::FuncOp>();
    OpBuilder builder = OpBuilder::atBlockBegin(&function.front());
    Type pointer = LLVM::LLVMPointerType::get(op.getContext());
    Value one = LLVM::ConstantOp::create(builder, loc, builder.getI64Type(),
                                         builder.getI64IntegerAttr(1));
    Value argument = LLVM::AllocaOp::create(builder, loc, pointer, packed, one);

    builder.setInsertionPoint(op);
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value isSome = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::sgt, op.getCount(), zero);
    auto some = scf::IfOp::create(builder, loc, isSome);
    builder.setInsertionPointToStart(some.thenBlock());
    for (auto [position, capture] : llvm::enumerate(op.getCaptures())) {
      Value field = LLVM::GEPOp::create(
          builder, loc, pointer, packed, argument,
          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(position)});
      LLVM::StoreOp::create(builder, loc,
                            fromLlvm(builder, loc, capture, fields[position]),
                            field);
    }
    Value count = arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                             op.getCount());
    Value single = LLVM::ConstantOp::create(builder, loc, builder.getI64Type(),
                                            builder.getI64IntegerAttr(1));
    Value isOne = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        count, single);
    auto alone = scf::IfOp::create(builder, loc, isOne, /*withElse=*/true);
    builder.setInsertionPointToStart(alone.thenBlock());
    Value first = LLVM::ConstantOp::create(builder, loc, builder.getI64Type(),
                                           builder.getI64IntegerAttr(0));
    func::CallOp::create(builder, loc, thunk,
                         ValueRange{argument, first, first});

    builder.setInsertionPointToStart(alone.elseBlock());
    auto load = [&](size_t offset) -> Value {
      Value field = LLVM::GEPOp::create(
          builder, loc, pointer, builder.getI8Type(), op.getServices(),
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
      return LLVM::LoadOp::create(builder, loc, pointer, field);
    };
    Value host = load(offsetof(moec_services, host));
    Value service = load(offsetof(moec_services, parallel_for));
    Value code = func::ConstantOp::create(builder, loc, thunk.getFunctionType(),
                                          thunk.getName());
    Value task = fromLlvm(builder, loc, code, pointer);
    auto type = LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(op.getContext()),
        {pointer, builder.getI64Type(), pointer, pointer});
    LLVM::CallOp::create(builder, loc, type,
                         ValueRange{service, host, count, task, argument});
    op.erase();
  }

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    LLVMTypeConverter converter(&getContext());
    SmallVector<ParallelForOp> ops;
    getOperation()->walk([&](ParallelForOp op) { ops.push_back(op); });
    for (ParallelForOp op : ops)
      lower(op, converter, symbols);
  }
};
} // namespace
