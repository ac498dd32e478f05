// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/grouped/Grouped.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOEFUSEDISPATCHPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec::grouped;

/// Lets `op` read the source of gathered rows among its mapped operands.
template <typename OpTy>
static void readSources(OpTy op, MutableOperandRange operands) {
  MLIRContext *context = op.getContext();
  SmallVector<AffineMap> maps(
      op.getMaps().template getAsValueRange<AffineMapAttr>());
  AffineExpr row = getAffineDimExpr(Row, context);
  AffineExpr token = getAffineDimExpr(Token, context);
  for (auto [operand, map] : llvm::zip_equal(operands, maps)) {
    auto gather = operand.get().template getDefiningOp<GatherOp>();
    if (!gather || gather.getOffsets() != op.getOffsets() ||
        gather.getTokens() != op.getTokens() || map.getNumResults() == 0 ||
        map.getResult(0) != row)
      continue;
    operand.set(gather.getSource());
    SmallVector<AffineExpr> results(map.getResults());
    results.front() = token;
    map = AffineMap::get(kNumMapDims, 0, results, context);
    if (gather->use_empty())
      gather->erase();
  }
  op.setMapsAttr(Builder(context).getAffineMapArrayAttr(maps));
}

namespace {
struct FuseDispatch : moec::impl::MoeFuseDispatchPassBase<FuseDispatch> {
  void runOnOperation() override {
    getOperation()->walk(
        [](MapOp map) { readSources(map, map.getInputsMutable()); });
    getOperation()->walk([](MatmulOp matmul) {
      readSources(matmul, matmul.getExtrasMutable());
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
