// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/LinalgOps.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"

using namespace mlir;

LogicalResult moec::cpu::lowerLinalgOps(
    Operation *root,
    function_ref<LogicalResult(RewriterBase &, linalg::LinalgOp)> lower) {
  IRRewriter rewriter(root->getContext());
  SmallVector<scf::ForallOp> foralls;
  root->walk([&](scf::ForallOp op) { foralls.push_back(op); });
  for (scf::ForallOp op : foralls) {
    rewriter.setInsertionPoint(op);
    if (failed(scf::forallToParallelLoop(rewriter, op)))
      return op.emitOpError("cannot become a parallel loop");
  }
  SmallVector<memref::CopyOp> copies;
  root->walk([&](memref::CopyOp op) { copies.push_back(op); });
  for (memref::CopyOp op : copies) {
    rewriter.setInsertionPoint(op);
    linalg::makeMemRefCopyOp(rewriter, op.getLoc(), op.getSource(),
                             op.getTarget());
    rewriter.eraseOp(op);
  }
  SmallVector<linalg::LinalgOp> ops;
  root->walk([&](linalg::LinalgOp op) { ops.push_back(op); });
  for (linalg::LinalgOp op : ops)
    if (failed(lower(rewriter, op)))
      return failure();
  return success();
}
