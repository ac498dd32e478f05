// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/MapVector.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPUGLOBALSTOARGUMENTSPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
struct GlobalsToArguments
    : moec::cpu::impl::CpuGlobalsToArgumentsPassBase<GlobalsToArguments> {
  LogicalResult convert(func::FuncOp function) {
    llvm::MapVector<StringAttr, SmallVector<Operation *>> loads;
    WalkResult walk = function.walk([&](Operation *op) {
      if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op))
        loads[load.getGlobal().getLeafReference()].push_back(op);
      else if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op))
        loads[load.getGlobal().getLeafReference()].push_back(op);
      else if (isa<ml_program::GlobalStoreOp>(op) ||
               isa<func::CallOp, func::CallIndirectOp>(op)) {
        op->emitOpError("is not supported by CPU code generation");
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return failure();

    Builder builder(&getContext());
    for (auto &[symbol, uses] : loads) {
      Operation *first = uses.front();
      unsigned position = function.getNumArguments();
      auto attrs = builder.getDictionaryAttr({
          builder.getNamedAttr(
              bufferization::BufferizationDialect::kWritableAttrName,
              builder.getBoolAttr(false)),
          builder.getNamedAttr(kParamAttr, FlatSymbolRefAttr::get(symbol)),
      });
      if (failed(function.insertArgument(
              position, first->getResult(0).getType(), attrs, first->getLoc())))
        return failure();
      for (Operation *load : uses) {
        load->getResult(0).replaceAllUsesWith(function.getArgument(position));
        load->erase();
      }
    }
    return success();
  }

  void runOnOperation() override {
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (function.isExternal()) {
        function.emitOpError("has no body, which CPU code generation needs");
        return signalPassFailure();
      }
      if (failed(convert(function)))
        return signalPassFailure();
    }
    for (auto global : llvm::make_early_inc_range(
             getOperation().getOps<ml_program::GlobalOp>()))
      global.erase();
  }
};
} // namespace
