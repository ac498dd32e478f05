// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Passes.h"
#include "codegen/cpu/SizeBound.h"
#include "codegen/cpu/Slice.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPUBOUNDALLOCATIONSPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;

namespace {
struct BoundAllocations
    : moec::cpu::impl::CpuBoundAllocationsPassBase<BoundAllocations> {
  LogicalResult bound(memref::AllocOp alloc) {
    if (llvm::all_of(alloc.getDynamicSizes(), followsFromArguments))
      return success();
    OpBuilder builder(alloc);
    Location loc = alloc.getLoc();
    SmallVector<Value> largest;
    for (Value size : alloc.getDynamicSizes()) {
      Value limit = emitUpperBound(builder, size);
      if (!limit) {
        InFlightDiagnostic diagnostic = alloc.emitOpError(
            "has a size without an upper bound that follows from the sizes of "
            "arguments");
        diagnostic.attachNote(size.getLoc()) << "this is the size";
        return diagnostic;
      }
      largest.push_back(limit);
    }
    auto bytes = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
    Value room = memref::AllocOp::create(
        builder, loc, bytes,
        bufferBytes(builder, loc, alloc.getType(), largest),
        builder.getI64IntegerAttr(kBufferAlignment));
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value part = memref::ViewOp::create(builder, loc, alloc.getType(), room,
                                        zero, alloc.getDynamicSizes());
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
