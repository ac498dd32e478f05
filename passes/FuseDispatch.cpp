// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/grouped/Grouped.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOEFUSEDISPATCHPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec::grouped;

namespace {
struct FuseDispatch : moec::impl::MoeFuseDispatchPassBase<FuseDispatch> {
  void runOnOperation() override {
    getOperation()->walk([](MatmulOp matmul) {
      auto gather = matmul.getLhs().getDefiningOp<GatherOp>();
      // A matmul that gathers already would index the gathered rows by token.
      if (!gather || matmul.getGather() ||
          gather.getOffsets() != matmul.getOffsets() ||
          gather.getTokens() != matmul.getTokens())
        return;
      matmul.getLhsMutable().assign(gather.getSource());
      matmul.setGather(true);
      if (gather->use_empty())
        gather->erase();
    });
  }
};
} // namespace
