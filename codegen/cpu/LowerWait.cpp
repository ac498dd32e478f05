// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "moec/frame.h"
#include <cstddef>

namespace moec::cpu {
#define GEN_PASS_DEF_CPULOWERWAITPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
struct LowerWait : moec::cpu::impl::CpuLowerWaitPassBase<LowerWait> {
  /// `void(ptr counter, i32 least, ptr services)`, once for the module.
  func::FuncOp getFunction() {
    if (function)
      return function;
    ImplicitLocOpBuilder b(getOperation().getLoc(), &getContext());
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    Type i32 = b.getI32Type(), i64 = b.getI64Type();
    function = func::FuncOp::create(
        b, "wait_for_counter", b.getFunctionType({pointer, i32, pointer}, {}));
    function.setPrivate();
    SymbolTable(getOperation()).insert(function);
    Block *entry = function.addEntryBlock();
    b.setInsertionPointToStart(entry);
    Value counter = entry->getArgument(0), least = entry->getArgument(1),
          services = entry->getArgument(2);
    Value null = LLVM::ZeroOp::create(b, pointer);
    auto field = [&](int64_t offset, Type type) -> Value {
      Value at = LLVM::GEPOp::create(
          b, pointer, b.getI8Type(), services,
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
      return LLVM::LoadOp::create(b, type, at);
    };
    auto before = [&](OpBuilder &, Location, ValueRange) {
      Value value = LLVM::LoadOp::create(
          b, i32, counter, /*alignment=*/4, /*isVolatile=*/false,
          /*isNonTemporal=*/false, /*isInvariant=*/false,
          /*isInvariantGroup=*/false, LLVM::AtomicOrdering::acquire);
      Value early =
          arith::CmpIOp::create(b, arith::CmpIPredicate::slt, value, least);
      scf::ConditionOp::create(b, early, ValueRange());
    };
    auto after = [&](OpBuilder &, Location, ValueRange) {
      // The service came with a later version of the table.
      Value size = field(offsetof(moec_services, struct_size), i32);
      Value needed = arith::ConstantOp::create(
          b, b.getI32IntegerAttr(offsetof(moec_services, wait) +
                                 sizeof(moec_services::wait)));
      Value has =
          arith::CmpIOp::create(b, arith::CmpIPredicate::uge, size, needed);
      auto load = scf::IfOp::create(b, TypeRange(pointer), has,
                                    /*withElseRegion=*/true);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(load.thenBlock());
        scf::YieldOp::create(b, field(offsetof(moec_services, wait), pointer));
        b.setInsertionPointToStart(load.elseBlock());
        scf::YieldOp::create(b, null);
      }
      Value service = load.getResult(0);
      Value address = LLVM::PtrToIntOp::create(b, i64, service);
      Value zero = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
      Value known =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ne, address, zero);
      auto call = scf::IfOp::create(b, known, /*withElseRegion=*/false);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(call.thenBlock());
        Value host = field(offsetof(moec_services, host), pointer);
        auto type = LLVM::LLVMFunctionType::get(
            LLVM::LLVMVoidType::get(&getContext()), {pointer, pointer, i32});
        LLVM::CallOp::create(b, type,
                             ValueRange{service, host, counter, least});
      }
      scf::YieldOp::create(b);
    };
    scf::WhileOp::create(b, TypeRange(), ValueRange(), before, after);
    func::ReturnOp::create(b);
    return function;
  }

  LogicalResult lower(WaitOp op) {
    if (!op.getServices())
      return op.emitOpError("has no services, which cpu-outline-parallel adds");
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    Value address =
        memref::ExtractAlignedPointerAsIndexOp::create(b, op.getCounters());
    Value bytes = arith::MulIOp::create(
        b, op.getPosition(),
        arith::ConstantIndexOp::create(b, sizeof(int32_t)));
    address = arith::AddIOp::create(b, address, bytes);
    Value counter = LLVM::IntToPtrOp::create(
        b, pointer,
        arith::IndexCastOp::create(b, b.getI64Type(), address).getResult());
    Value least = arith::IndexCastOp::create(b, b.getI32Type(), op.getLeast());
    func::CallOp::create(b, getFunction(),
                         ValueRange{counter, least, op.getServices()});
    op.erase();
    return success();
  }

  void runOnOperation() override {
    function = {};
    SmallVector<WaitOp> ops;
    getOperation()->walk([&](WaitOp op) { ops.push_back(op); });
    for (WaitOp op : ops)
      if (failed(lower(op)))
        return signalPassFailure();
  }

  func::FuncOp function;
};
} // namespace
