// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/LinalgOps.h"
#include "codegen/cuda/Cuda.h"
#include "codegen/cuda/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace moec::cuda {
#define GEN_PASS_DEF_CUDALOWERLINALGPASS
#include "codegen/cuda/Passes.h.inc"
} // namespace moec::cuda

using namespace mlir;

namespace {
struct LowerLinalg : moec::cuda::impl::CudaLowerLinalgPassBase<LowerLinalg> {
  /// The operation with its parallel dimensions before the others.
  FailureOr<linalg::GenericOp> putParallelFirst(RewriterBase &rewriter,
                                                linalg::LinalgOp op) {
    auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
    if (!generic) {
      FailureOr<linalg::GenericOp> general =
          linalg::generalizeNamedOp(rewriter, op);
      if (failed(general))
        return failure();
      generic = *general;
    }
    SmallVector<utils::IteratorType> types = generic.getIteratorTypesArray();
    SmallVector<unsigned> order;
    for (bool isParallel : {true, false})
      for (auto [dim, type] : llvm::enumerate(types))
        if ((type == utils::IteratorType::parallel) == isParallel)
          order.push_back(dim);
    if (llvm::is_sorted(order))
      return generic;
    return linalg::interchangeGenericOp(rewriter, generic, order);
  }

  LogicalResult lower(RewriterBase &rewriter, linalg::LinalgOp op) {
    Location loc = op.getLoc();
    StringRef name = isa<linalg::FillOp>(op)         ? "fill"
                     : op.getNumReductionLoops() > 0 ? "reduce"
                                                     : "elementwise";
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::GenericOp> generic = putParallelFirst(rewriter, op);
    if (failed(generic))
      return emitError(loc, "'") << op->getName() << "' has no CUDA code";
    rewriter.setInsertionPoint(*generic);
    FailureOr<linalg::LinalgLoops> loops =
        linalg::linalgOpToParallelLoops(rewriter, *generic);
    if (failed(loops))
      return generic->emitOpError("has no CUDA code");
    rewriter.eraseOp(*generic);
    for (Operation *loop : *loops)
      if (isa<scf::ParallelOp>(loop))
        loop->setAttr(moec::cuda::kNameAttr, rewriter.getStringAttr(name));
    return success();
  }

  void runOnOperation() override {
    if (failed(moec::cpu::lowerLinalgOps(
            getOperation(), [&](RewriterBase &rewriter, linalg::LinalgOp op) {
              return lower(rewriter, op);
            })))
      signalPassFailure();
  }
};
} // namespace
