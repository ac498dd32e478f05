// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPURESULTSTOARGUMENTSPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
/// Writes `value` to `out` before `at`. What a branch yields for it is written
/// in the branch, so that each variant's producer can write in place.
void materialize(OpBuilder &builder, Value value, Value out, Operation *at) {
  Operation *producer = value.getDefiningOp();
  if (producer && isa<scf::IfOp, scf::IndexSwitchOp>(producer) &&
      value.hasOneUse()) {
    unsigned number = cast<OpResult>(value).getResultNumber();
    for (Region &region : producer->getRegions()) {
      Operation *yield = region.front().getTerminator();
      materialize(builder, yield->getOperand(number), out, yield);
    }
    return;
  }
  builder.setInsertionPoint(at);
  bufferization::MaterializeInDestinationOp::create(
      builder, at->getLoc(), /*result=*/Type(), value, out, /*restrict=*/true,
      /*writable=*/true);
}

struct ResultsToArguments
    : moec::cpu::impl::CpuResultsToArgumentsPassBase<ResultsToArguments> {
  LogicalResult convert(func::FuncOp function) {
    if (!function.getBody().hasOneBlock())
      return function.emitOpError("has several blocks, expected one");
    auto returnOp =
        cast<func::ReturnOp>(function.getBody().front().getTerminator());
    OpBuilder builder(returnOp);
    // Inputs and parameters belong to the caller: they are only read.
    for (unsigned index = 0; index < function.getNumArguments(); ++index)
      if (isa<TensorType>(function.getArgumentTypes()[index]))
        function.setArgAttr(
            index, bufferization::BufferizationDialect::kWritableAttrName,
            builder.getBoolAttr(false));
    unsigned numResults = function.getNumResults();
    for (unsigned index = 0; index < numResults; ++index) {
      auto type = dyn_cast<RankedTensorType>(function.getResultTypes()[index]);
      if (!type)
        return function.emitOpError("result ")
               << index << " is not a ranked tensor";
      NamedAttrList attrs(function.getResultAttrDict(index));
      attrs.set(kResultAttr, builder.getUnitAttr());
      unsigned position = function.getNumArguments();
      if (failed(function.insertArgument(
              position, MemRefType::get(type.getShape(), type.getElementType()),
              attrs.getDictionary(&getContext()), function.getLoc())))
        return failure();
      materialize(builder, returnOp.getOperand(index),
                  function.getArgument(position), returnOp);
    }
    returnOp.getOperandsMutable().clear();
    llvm::BitVector all(numResults, true);
    return function.eraseResults(all);
  }

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && failed(convert(function)))
        return signalPassFailure();
  }
};
} // namespace
