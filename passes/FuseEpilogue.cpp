// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Elementwise.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOEFUSEEPILOGUEPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec;
using namespace moec::grouped;

namespace {
struct FuseEpilogue : moec::impl::MoeFuseEpiloguePassBase<FuseEpilogue> {
  void runOnOperation() override {
    SmallVector<MatmulOp> matmuls;
    getOperation()->walk([&](MatmulOp matmul) { matmuls.push_back(matmul); });
    IRRewriter rewriter(&getContext());
    for (MatmulOp matmul : matmuls)
      while (matmul)
        matmul = fuseConsumer(rewriter, matmul);
  }

  /// The matmul with its only consumer in the epilogue, or null.
  MatmulOp fuseConsumer(RewriterBase &rewriter, MatmulOp matmul) {
    if (matmul->getNumResults() != 1 || !matmul->hasOneUse())
      return nullptr;
    std::optional<Elementwise> consumer =
        Elementwise::match(*matmul->user_begin());
    if (!consumer)
      return nullptr;
    std::optional<unsigned> use = getFusableUse(matmul, *consumer);
    if (!use)
      return nullptr;
    return fuseIntoMatmul(rewriter, matmul, *use, *consumer);
  }
};
} // namespace
