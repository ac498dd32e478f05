// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver of convert-moe-to-grouped: refuses what has no counterpart, then
// converts, with a plan as three tables wherever it goes.

#include "passes/ConvertMoeToGrouped.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_CONVERTMOETOGROUPEDPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec;

static bool isPlan(Type type) { return isa<moe::PlanType>(type); }

/// Everything that this pass refuses is refused here, with a reason.
static LogicalResult check(Operation *op) {
  if (auto experts = dyn_cast<moe::ExpertsOp>(op))
    return checkExperts(experts);
  auto isMatrix = [](Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return type.getRank() == 2 && isa<FloatType>(type.getElementType());
  };
  if (auto dispatch = dyn_cast<moe::DispatchOp>(op);
      dispatch && dispatch.getWeights() && !isMatrix(dispatch.getTokens()))
    return op->emitOpError("with weights expects float rows of rank 2, got ")
           << dispatch.getTokens().getType();
  if (auto combine = dyn_cast<moe::CombineOp>(op);
      combine && combine.getWeights() && !isMatrix(combine.getRows()))
    return op->emitOpError("with weights expects float rows of rank 2, got ")
           << combine.getRows().getType();
  if (auto function = dyn_cast<func::FuncOp>(op)) {
    if (function.isPublic() &&
        (llvm::any_of(function.getArgumentTypes(), isPlan) ||
         llvm::any_of(function.getResultTypes(), isPlan)))
      return op->emitOpError("is exported, and a plan crosses it");
    return success();
  }
  bool hasPlan = llvm::any_of(op->getOperandTypes(), isPlan) ||
                 llvm::any_of(op->getResultTypes(), isPlan);
  if (hasPlan && !isa<moe::MoeDialect, func::FuncDialect, scf::SCFDialect>(
                     op->getDialect()))
    return op->emitOpError("is crossed by a plan, which has no tables here");
  return success();
}

namespace {
struct ConvertMoeToGrouped
    : moec::impl::ConvertMoeToGroupedPassBase<ConvertMoeToGrouped> {
  using Base::Base;

  void runOnOperation() override {
    if (failed(cutRows(getOperation())))
      return signalPassFailure();
    WalkResult checked = getOperation()->walk([](Operation *op) {
      return failed(check(op)) ? WalkResult::interrupt()
                               : WalkResult::advance();
    });
    if (checked.wasInterrupted() || failed(convert()))
      return signalPassFailure();
    convertDenseMatmuls(getOperation(), explain);
  }

  LogicalResult convert() {
    MLIRContext *context = &getContext();
    TypeConverter converter;
    converter.addConversion([](Type type) { return type; });
    converter.addConversion(
        [](moe::PlanType type,
           SmallVectorImpl<Type> &types) -> std::optional<LogicalResult> {
          Type i32 = IntegerType::get(type.getContext(), 32);
          types.push_back(RankedTensorType::get({type.getExperts() + 1}, i32));
          types.append(2, RankedTensorType::get({ShapedType::kDynamic}, i32));
          return success();
        });

    RewritePatternSet patterns(context);
    populateRoutingConversion(patterns, converter, explain);
    populateWeighConversion(patterns, converter);
    populateExpertsConversion(patterns, converter, explain);

    ConversionTarget target(*context);
    target.addIllegalDialect<moe::MoeDialect>();
    target.addLegalOp<moe::TapOp>();
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   converter);
    populateCallOpTypeConversionPattern(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType()) &&
             converter.isLegal(&op.getBody());
    });
    target.addDynamicallyLegalOp<func::CallOp, func::ReturnOp>(
        [&](Operation *op) { return converter.isLegal(op); });
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         target);
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    return applyPartialConversion(getOperation(), target, std::move(patterns));
  }
};
} // namespace
