// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Elementwise.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOEMERGEGATEUPPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec;
using namespace moec::grouped;

/// Whether both compute on the same left-hand side in the same way, with
/// weights of one type.
static bool isMergeable(MatmulOp a, MatmulOp b) {
  return a != b && a.getLhs() == b.getLhs() && getTables(a) == getTables(b) &&
         a.getGather() == b.getGather() && a.getLayout() == b.getLayout() &&
         a.getRhs().size() == 1 && b.getRhs().size() == 1 && !a.getPanels() &&
         !b.getPanels() && a.getRhs()[0].getType() == b.getRhs()[0].getType();
}

namespace {
struct MergeGateUp : moec::impl::MoeMergeGateUpPassBase<MergeGateUp> {
  void runOnOperation() override {
    SmallVector<Operation *> consumers;
    getOperation()->walk([&](Operation *op) {
      if (Elementwise::match(op))
        consumers.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *consumer : consumers)
      mergeProducers(rewriter, *Elementwise::match(consumer));
  }

  /// Merges the first two matmuls that the consumer alone reads and that fit.
  void mergeProducers(RewriterBase &rewriter, const Elementwise &consumer) {
    SmallVector<MatmulOp> matmuls;
    SmallVector<unsigned> uses;
    for (Value input : consumer.inputs) {
      auto matmul = input.getDefiningOp<MatmulOp>();
      if (!matmul)
        continue;
      std::optional<unsigned> use = getFusableUse(matmul, consumer);
      if (!use || (!matmuls.empty() && !isMergeable(matmuls.front(), matmul)))
        continue;
      matmuls.push_back(matmul);
      uses.push_back(*use);
      if (matmuls.size() == 2) {
        fuseIntoMatmul(rewriter, matmuls, uses, consumer);
        return;
      }
    }
  }
};
} // namespace
