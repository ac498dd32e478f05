// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/LinalgOps.h"
#include "codegen/cpu/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPULOWERLINALGPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
/// Iterations that are worth a task of their own: some microseconds of work.
constexpr int64_t kIterationsPerTask = 8192;

/// Runs `loop` (from 0 in steps of 1) in blocks of `rows` iterations, each of
/// which is a task.
void splitIntoTasks(RewriterBase &rewriter, scf::ForOp loop, int64_t rows) {
  Location loc = loop.getLoc();
  rewriter.setInsertionPoint(loop);
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  };
  Value zero = constant(0), one = constant(1), block = constant(rows);
  Value end = loop.getUpperBound();
  Value count = arith::CeilDivUIOp::create(rewriter, loc, end, block);
  auto tasks = scf::ParallelOp::create(rewriter, loc, ValueRange{zero},
                                       ValueRange{count}, ValueRange{one});
  rewriter.setInsertionPointToStart(tasks.getBody());
  Value first =
      arith::MulIOp::create(rewriter, loc, tasks.getInductionVars()[0], block);
  Value last = arith::AddIOp::create(rewriter, loc, first, block);
  Value limit = arith::MinUIOp::create(rewriter, loc, last, end);
  rewriter.moveOpBefore(loop, tasks.getBody()->getTerminator());
  loop.setLowerBound(first);
  loop.setUpperBound(limit);
}

struct LowerLinalg : moec::cpu::impl::CpuLowerLinalgPassBase<LowerLinalg> {
  LogicalResult lower(RewriterBase &rewriter, linalg::LinalgOp op) {
    rewriter.setInsertionPoint(op);
    bool isTop = !op->getParentOfType<scf::ParallelOp>();
    SmallVector<int64_t> ranges = op.getStaticLoopRanges();
    bool isParallel = !ranges.empty() && op.getIteratorTypesArray().front() ==
                                             utils::IteratorType::parallel;
    int64_t inner = 1;
    for (int64_t range : llvm::drop_begin(ranges, ranges.empty() ? 0 : 1))
      if (!ShapedType::isDynamic(range) && range > 0)
        inner = std::min<int64_t>(inner * range, kIterationsPerTask);
    FailureOr<linalg::LinalgLoops> loops =
        linalg::linalgOpToLoops(rewriter, op);
    if (failed(loops))
      return op.emitOpError("cannot be lowered to loops");
    rewriter.eraseOp(op);
    int64_t rows = kIterationsPerTask / inner;
    if (isTop && isParallel && !loops->empty() &&
        (ShapedType::isDynamic(ranges[0]) || ranges[0] > rows))
      if (auto loop = dyn_cast<scf::ForOp>(loops->front()))
        splitIntoTasks(rewriter, loop, rows);
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
