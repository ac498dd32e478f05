// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/SymbolTable.h"
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
  /// What a function does with one global.
  struct Uses {
    Operation *first = nullptr;
    SmallVector<Operation *> loads;
    ml_program::GlobalStoreOp store;
  };

  LogicalResult collect(func::FuncOp function,
                        llvm::MapVector<StringAttr, Uses> &globals) {
    auto usesOf = [&](SymbolRefAttr symbol, Operation *op) -> Uses & {
      Uses &uses = globals[symbol.getLeafReference()];
      if (!uses.first)
        uses.first = op;
      return uses;
    };
    WalkResult walk = function.walk([&](Operation *op) {
      if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op)) {
        usesOf(load.getGlobal(), op).loads.push_back(op);
      } else if (auto load = dyn_cast<ml_program::GlobalLoadOp>(op)) {
        Uses &uses = usesOf(load.getGlobal(), op);
        if (uses.store) {
          op->emitOpError("reads a state after it was stored, which CPU code "
                          "generation does not support");
          return WalkResult::interrupt();
        }
        uses.loads.push_back(op);
      } else if (auto store = dyn_cast<ml_program::GlobalStoreOp>(op)) {
        Uses &uses = usesOf(store.getGlobal(), op);
        if (uses.store || op->getParentOp() != function) {
          op->emitOpError("is not the only one of its state, at the top of its "
                          "function, as CPU code generation expects");
          return WalkResult::interrupt();
        }
        uses.store = store;
      } else if (isa<func::CallOp, func::CallIndirectOp>(op)) {
        op->emitOpError("is not supported by CPU code generation");
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    return failure(walk.wasInterrupted());
  }

  LogicalResult convertParameter(func::FuncOp function, StringAttr symbol,
                                 Uses &uses) {
    if (uses.store)
      return uses.store.emitOpError("stores to a parameter, expected a global "
                                    "of the value #moe.state");
    Builder builder(&getContext());
    unsigned position = function.getNumArguments();
    auto attrs = builder.getDictionaryAttr({
        builder.getNamedAttr(
            bufferization::BufferizationDialect::kWritableAttrName,
            builder.getBoolAttr(false)),
        builder.getNamedAttr(kParamAttr, FlatSymbolRefAttr::get(symbol)),
    });
    Type type = uses.first->getResult(0).getType();
    if (failed(function.insertArgument(position, type, attrs,
                                       uses.first->getLoc())))
      return failure();
    for (Operation *load : uses.loads) {
      load->getResult(0).replaceAllUsesWith(function.getArgument(position));
      load->erase();
    }
    return success();
  }

  /// A state is memory of the session: read at the top of the function, written
  /// where it is stored.
  LogicalResult convertState(func::FuncOp function, ml_program::GlobalOp global,
                             moec::moe::StateAttr state, Uses &uses) {
    auto type = dyn_cast<RankedTensorType>(global.getType());
    if (!type || type.getNumDynamicDims() != state.getDims().size())
      return global.emitOpError("expects a ranked tensor with one dynamic "
                                "dimension for each name of its state");
    OpBuilder builder(&getContext());
    SmallVector<Attribute> dims;
    unsigned next = 0;
    for (int64_t size : type.getShape())
      dims.push_back(ShapedType::isDynamic(size)
                         ? state.getDims()[next++]
                         : builder.getStringAttr(Twine(size)));
    auto attrs = builder.getDictionaryAttr({
        builder.getNamedAttr(kStateAttr,
                             FlatSymbolRefAttr::get(global.getSymNameAttr())),
        builder.getNamedAttr(kDimsAttr, builder.getArrayAttr(dims)),
    });
    unsigned position = function.getNumArguments();
    Location loc = uses.first->getLoc();
    if (failed(function.insertArgument(
            position, MemRefType::get(type.getShape(), type.getElementType()),
            attrs, loc)))
      return failure();
    Value memory = function.getArgument(position);
    if (!uses.loads.empty()) {
      builder.setInsertionPointToStart(&function.front());
      Value value = bufferization::ToTensorOp::create(
          builder, loc, type, memory, /*restrict=*/true, /*writable=*/true);
      for (Operation *load : uses.loads) {
        load->getResult(0).replaceAllUsesWith(value);
        load->erase();
      }
    }
    if (uses.store) {
      builder.setInsertionPoint(uses.store);
      bufferization::MaterializeInDestinationOp::create(
          builder, uses.store.getLoc(), /*result=*/Type(),
          uses.store.getValue(), memory, /*restrict=*/true, /*writable=*/true);
      uses.store.erase();
    }
    return success();
  }

  LogicalResult convert(func::FuncOp function, SymbolTable &symbols) {
    llvm::MapVector<StringAttr, Uses> globals;
    if (failed(collect(function, globals)))
      return failure();
    for (auto &[symbol, uses] : globals) {
      auto global = symbols.lookup<ml_program::GlobalOp>(symbol);
      auto state =
          global ? dyn_cast_or_null<moec::moe::StateAttr>(global.getValueAttr())
                 : moec::moe::StateAttr();
      if (failed(state ? convertState(function, global, state, uses)
                       : convertParameter(function, symbol, uses)))
        return failure();
    }
    return success();
  }

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (function.isExternal()) {
        function.emitOpError("has no body, which CPU code generation needs");
        return signalPassFailure();
      }
      if (failed(convert(function, symbols)))
        return signalPassFailure();
    }
    for (auto global : llvm::make_early_inc_range(
             getOperation().getOps<ml_program::GlobalOp>()))
      global.erase();
  }
};
} // namespace
