// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPUBOUNDALLOCATIONSPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
/// Whether `value` is computed in a loop around `op`, so that it may change
/// from one iteration to the next.
bool variesInLoop(Value value, Operation *op) {
  for (auto loop = op->getParentOfType<LoopLikeOpInterface>(); loop;
       loop = loop->getParentOfType<LoopLikeOpInterface>())
    if (!loop.isDefinedOutsideOfLoop(value))
      return true;
  return false;
}

struct BoundAllocations
    : moec::cpu::impl::CpuBoundAllocationsPassBase<BoundAllocations> {
  LogicalResult bound(memref::AllocOp alloc) {
    if (llvm::none_of(alloc.getDynamicSizes(),
                      [&](Value size) { return variesInLoop(size, alloc); }))
      return success();

    MemRefType type = alloc.getType();
    SmallVector<int64_t> shape(type.getShape());
    SmallVector<Value> kept;
    OpBuilder builder(alloc);
    SmallVector<OpFoldResult> sizes;
    auto next = alloc.getDynamicSizes().begin();
    for (int64_t &dim : shape) {
      if (!ShapedType::isDynamic(dim)) {
        sizes.push_back(builder.getIndexAttr(dim));
        continue;
      }
      Value size = *next++;
      sizes.push_back(size);
      if (!variesInLoop(size, alloc)) {
        kept.push_back(size);
        continue;
      }
      FailureOr<int64_t> limit = ValueBoundsConstraintSet::computeConstantBound(
          presburger::BoundType::UB, ValueBoundsConstraintSet::Variable(size),
          /*stopCondition=*/nullptr, /*closedUB=*/true);
      // Uses insist on a dense buffer, which the part is only if its outermost
      // dimension alone is shorter.
      if (&dim != &shape.front())
        return alloc.emitOpError("has an inner size that changes in a loop");
      if (failed(limit) || *limit < 0)
        return alloc.emitOpError("has a size that changes in a loop and has no "
                                 "constant upper bound");
      dim = *limit;
    }

    auto largest = memref::AllocOp::create(
        builder, alloc.getLoc(), MemRefType::get(shape, type.getElementType()),
        kept, alloc.getAlignmentAttr());
    SmallVector<OpFoldResult> zeros(shape.size(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(shape.size(), builder.getIndexAttr(1));
    Value part = memref::SubViewOp::create(builder, alloc.getLoc(), largest,
                                           zeros, sizes, ones);
    if (part.getType() != type)
      part = memref::CastOp::create(builder, alloc.getLoc(), type, part);
    alloc.replaceAllUsesWith(part);
    alloc.erase();
    return success();
  }

  void runOnOperation() override {
    SmallVector<memref::AllocOp> allocs;
    getOperation()->walk([&](memref::AllocOp op) { allocs.push_back(op); });
    for (memref::AllocOp alloc : allocs)
      if (failed(bound(alloc)))
        return signalPassFailure();
  }
};
} // namespace
