// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/grouped/Grouped.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOEFUSECOMBINEPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec::grouped;

namespace {
struct FuseCombine : moec::impl::MoeFuseCombinePassBase<FuseCombine> {
  void runOnOperation() override {
    SmallVector<CombineOp> combines;
    getOperation()->walk([&](CombineOp op) { combines.push_back(op); });
    for (CombineOp combine : combines)
      fuse(combine);
  }

  void fuse(CombineOp combine) {
    auto matmul = combine.getRows().getDefiningOp<MatmulOp>();
    if (!matmul || combine->getNumResults() != 1 || combine.getReplace() ||
        matmul.getReduce() || !matmul->hasOneUse() ||
        matmul->getBlock() != combine->getBlock() ||
        matmul.getOffsets() != combine.getOffsets() ||
        matmul.getTokens() != combine.getTokens())
      return;
    // The sum's initial value may be computed after the matmul.
    matmul->moveBefore(combine);
    matmul.getInitsMutable().assign(combine.getInits()[0]);
    matmul.setReduce(true);
    matmul->getResult(0).setType(combine.getInits()[0].getType());
    combine->getResult(0).replaceAllUsesWith(matmul->getResult(0));
    combine->erase();
  }
};
} // namespace
