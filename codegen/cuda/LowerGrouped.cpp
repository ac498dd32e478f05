// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cuda/LowerGrouped.h"
#include "codegen/cpu/Cpu.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/LowerGrouped.h"
#include "codegen/cuda/Cuda.h"
#include "codegen/cuda/Passes.h"
#include "codegen/cuda/Tiles.h"
#include "dialects/grouped/Compute.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace moec::cuda {
#define GEN_PASS_DEF_CUDALOWERGROUPEDPASS
#include "codegen/cuda/Passes.h.inc"
} // namespace moec::cuda

using namespace mlir;
using namespace moec::cuda;
using namespace moec::grouped;

void moec::cuda::forEachThread(ImplicitLocOpBuilder &b, StringRef name,
                               ArrayRef<Value> sizes,
                               llvm::function_ref<void(ValueRange)> body) {
  SmallVector<Value> zeros(sizes.size(), cpu::index(b, 0)),
      ones(sizes.size(), cpu::index(b, 1));
  auto loop = scf::ParallelOp::create(b, zeros, sizes, ones);
  loop->setAttr(kNameAttr, b.getStringAttr(name));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVars());
}

Value moec::cuda::groupOf(ImplicitLocOpBuilder &b, Value offsets, Value row) {
  Value zero = cpu::index(b, 0);
  auto loop = scf::ForOp::create(b, zero, cpu::numGroups(b, offsets),
                                 cpu::index(b, 1), ValueRange{zero});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value end =
      cpu::loadIndex(b, offsets, cpu::plus(b, loop.getInductionVar(), 1));
  Value isBefore =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ule, end, row);
  Value one = arith::IndexCastUIOp::create(b, b.getIndexType(), isBefore);
  Value sum = arith::AddIOp::create(b, loop.getRegionIterArgs()[0], one);
  scf::YieldOp::create(b, sum);
  return loop.getResult(0);
}

SmallVector<Value> moec::cuda::sizesFrom(ImplicitLocOpBuilder &b, Value memref,
                                         int64_t first) {
  SmallVector<Value> sizes;
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  for (int64_t dim = first; dim < rank; ++dim)
    sizes.push_back(cpu::sizeOf(b, memref, dim));
  return sizes;
}

namespace {
struct LowerGrouped : moec::cuda::impl::CudaLowerGroupedPassBase<LowerGrouped> {
  using CudaLowerGroupedPassBase::CudaLowerGroupedPassBase;

  /// Marks what computes in bf16.
  LogicalResult selectBf16() {
    bool isAny = false;
    getOperation()->walk([&](MatmulOp op) {
      auto weight = cast<ShapedType>(op.getRhs()[0].getType());
      if (!op.isGrouped() || !weight.getElementType().isBF16())
        return;
      isAny = true;
      op->setAttr(kComputeAttr, StringAttr::get(&getContext(), "bf16"));
    });
    if (isAny)
      return success();
    return getOperation()->emitError("no experts' weights are bf16, which "
                                     "computing in bf16 needs");
  }

  LogicalResult lower(Operation *op) {
    if (llvm::any_of(op->getOperandTypes(), llvm::IsaPred<TensorType>))
      return op->emitOpError("expects buffers, got tensors");
    ImplicitLocOpBuilder b(op->getLoc(), op);
    LogicalResult result =
        llvm::TypeSwitch<Operation *, LogicalResult>(op)
            .Case([&](MatmulOp matmul) -> LogicalResult {
              if (matmul.getPanels())
                return matmul.emitOpError(
                    "has weights in panels, which CUDA code does not read");
              return lowerMatmul(b, matmul), success();
            })
            .Case([&](SortOp sort) { return lowerSort(b, sort), success(); })
            .Case([&](SelectOp select) {
              return lowerSelect(b, select), success();
            })
            .Case([&](LimitOp limit) {
              return moec::cpu::lowerLimit(b, limit), success();
            })
            .Case([&](SelectTokensOp select) {
              return moec::cpu::lowerSelectTokens(b, select), success();
            })
            .Case([&](GatherOp gather) {
              return lowerGather(b, gather), success();
            })
            .Case([&](CombineOp combine) {
              return lowerCombine(b, combine), success();
            })
            .Case(
                [&](SlotsOp slots) { return lowerSlots(b, slots), success(); })
            .Case([&](MapOp map) { return lowerMap(b, map), success(); })
            .Default([](Operation *unknown) {
              return unknown->emitOpError("has no CUDA code");
            });
    if (succeeded(result))
      op->erase();
    return result;
  }

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    WalkResult walk = getOperation()->walk([&](Operation *op) {
      StringRef dialect =
          op->getDialect() ? op->getDialect()->getNamespace() : StringRef();
      if (dialect == "transformer") {
        op->emitOpError("has no CUDA code");
        return WalkResult::interrupt();
      }
      if (isa<GroupedDialect>(op->getDialect()) && !isa<YieldOp>(op))
        ops.push_back(op);
      return WalkResult::advance();
    });
    if (walk.wasInterrupted() || (bf16 && failed(selectBf16())))
      return signalPassFailure();
    narrowBuffers(getOperation());
    for (Operation *op : ops)
      if (failed(lower(op)))
        return signalPassFailure();
  }
};
} // namespace
