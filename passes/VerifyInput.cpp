// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/InputContract.h"
#include "dialects/moe/Moe.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOEVERIFYINPUTPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec;

namespace {
struct VerifyInput : moec::impl::MoeVerifyInputPassBase<VerifyInput> {
  void runOnOperation() override {
    bool legal = true;
    getOperation()->walk(
        [&](Operation *op) { legal &= succeeded(verify(op)); });
    if (!legal)
      signalPassFailure();
  }

  static LogicalResult verify(Operation *op) {
    if (!moe::isInputOperation(op->getName().getStringRef()))
      return op->emitOpError("is not part of the input contract");
    if (auto structured = dyn_cast<DestinationStyleOpInterface>(op))
      if (!structured.hasPureTensorSemantics())
        return op->emitOpError("expects tensors, got a memref");
    if (auto function = dyn_cast<func::FuncOp>(op))
      return verifyFunction(function);
    if (auto global = dyn_cast<ml_program::GlobalOp>(op))
      return verifyGlobal(global);
    return success();
  }

  /// A plan lives within a module: what is exported takes and gives tensors.
  static LogicalResult verifyFunction(func::FuncOp function) {
    if (function.isPrivate())
      return success();
    SmallVector<Type> types(function.getArgumentTypes());
    llvm::append_range(types, function.getResultTypes());
    for (Type type : types)
      if (!isa<RankedTensorType>(type))
        return function.emitOpError()
               << "expects tensors in an exported signature, got " << type;
    return success();
  }

  /// A state names its dynamic dimensions.
  static LogicalResult verifyState(ml_program::GlobalOp global,
                                   RankedTensorType type,
                                   moe::StateAttr state) {
    if (!global.getIsMutable())
      return global.emitOpError("expects a state to be mutable");
    if (!type || type.getNumDynamicDims() != state.getDims().size())
      return global.emitOpError("expects a ranked tensor with one dynamic "
                                "dimension for each name of its state (")
             << state.getDims().size() << "), got " << global.getType();
    if (state.getCounts() &&
        (!type.getElementType().isInteger(32) || type.getRank() != 1))
      return global.emitOpError("expects a state that counts to be a tensor of "
                                "rank 1 of i32, got ")
             << type;
    return success();
  }

  /// A global holds numbers or says where they are.
  static LogicalResult verifyGlobal(ml_program::GlobalOp global) {
    auto type = dyn_cast<RankedTensorType>(global.getType());
    if (auto state = dyn_cast_or_null<moe::StateAttr>(global.getValueAttr()))
      return verifyState(global, type, state);
    if (!type || !type.hasStaticShape())
      return global.emitOpError()
             << "expects a tensor of static shape, got " << global.getType();
    Attribute value = global.getValueAttr();
    if (!isa_and_nonnull<moe::SourceAttr, moe::ExprAttr, moe::QuantizedAttr,
                         moe::RandomAttr, DenseElementsAttr>(value))
      return global.emitOpError(
          "expects a value of #moe.source, #moe.expr, #moe.quantized, "
          "#moe.random, #moe.state or dense");
    return success();
  }
};
} // namespace
