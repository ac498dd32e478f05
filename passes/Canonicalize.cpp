// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include <cmath>

namespace moec {
#define GEN_PASS_DEF_MOECANONICALIZEPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec;

/// The softmax whose probabilities feed exactly this weigh and the selection of
/// its ids, or null if softmax over the selected logits is not the same.
static linalg::SoftmaxOp getSharedSoftmax(moe::WeighOp weigh) {
  if (weigh.getNorm() != moe::WeightNorm::Sum ||
      weigh.getEps().convertToDouble() >= std::ldexp(1.0, -40))
    return nullptr;
  auto softmax = weigh.getScores().getDefiningOp<linalg::SoftmaxOp>();
  auto select = weigh.getIds().getDefiningOp<moe::SelectOp>();
  if (!softmax || !select || !softmax.hasPureTensorSemantics())
    return nullptr;
  auto type = cast<RankedTensorType>(softmax.getInput().getType());
  if (type != weigh.getScores().getType() || type.getRank() != 2 ||
      softmax.getDimension() != 1)
    return nullptr;
  // Probabilities keep the order of the logits and nothing else.
  if (select.getScores().size() != 1 ||
      select.getScores().front() != weigh.getScores() ||
      select.getSelectedScores() || !select.getPolicy().dependsOnOrderOnly())
    return nullptr;
  for (Operation *user : softmax->getUsers())
    if (user != select && user != weigh)
      return nullptr;
  return softmax;
}

/// softmax, top-k, divide by the sum  ->  top-k, softmax of what was selected.
static void selectBeforeSoftmax(moe::WeighOp weigh, linalg::SoftmaxOp softmax) {
  auto select = weigh.getIds().getDefiningOp<moe::SelectOp>();
  select.getScoresMutable().assign(softmax.getInput());
  weigh.getScoresMutable().assign(softmax.getInput());
  weigh.setNorm(moe::WeightNorm::Softmax);
  weigh.setEps(llvm::APFloat(0.0));
  weigh.setEpsMode(moe::EpsMode::Add);
  softmax->erase();
}

namespace {
struct Canonicalize : moec::impl::MoeCanonicalizePassBase<Canonicalize> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *) override {
    upstream = OpPassManager("builtin.module");
    upstream.addPass(createCanonicalizerPass());
    upstream.addPass(createCSEPass());
    return success();
  }

  void runOnOperation() override {
    // First, so that equal softmaxes are one.
    if (failed(runPipeline(upstream, getOperation())))
      return signalPassFailure();
    if (exact)
      return;
    SmallVector<moe::WeighOp> weighs;
    getOperation()->walk([&](moe::WeighOp op) { weighs.push_back(op); });
    for (moe::WeighOp weigh : weighs)
      if (linalg::SoftmaxOp softmax = getSharedSoftmax(weigh))
        selectBeforeSoftmax(weigh, softmax);
  }

  OpPassManager upstream;
};
} // namespace
