// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/LowerTransformer.h"
#include "codegen/cpu/Loops.h"
#include "codegen/cpu/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace moec::cpu {
#define GEN_PASS_DEF_CPULOWERTRANSFORMERPASS
#include "codegen/cpu/Passes.h.inc"
} // namespace moec::cpu

using namespace mlir;
using namespace moec::cpu;
using namespace moec::transformer;

void moec::cpu::lowerKvAppend(ImplicitLocOpBuilder &b, KvAppendOp op) {
  Value rows = op.getRows(), cache = op.getInit(), table = op.getPositions();
  Value zero = index(b, 0);
  Value slots = sizeOf(b, cache, 1), tokens = sizeOf(b, rows, 1);
  int64_t rank = cast<MemRefType>(rows.getType()).getRank();
  // A task owns a sequence: where the cache is a ring, later rows overwrite
  // earlier ones of the same sequence.
  forEachTask(b, sizeOf(b, rows, 0), isNested(op), [&](Value sequence) {
    forEach(b, zero, tokens, 1, [&](Value token) {
      Value entry =
          memref::LoadOp::create(b, table, ValueRange{sequence, token});
      Value position = arith::IndexCastOp::create(b, b.getIndexType(), entry);
      Value exists =
          arith::CmpIOp::create(b, arith::CmpIPredicate::sge, position, zero);
      emitIf(
          b, exists,
          [&] {
            Value slot = arith::RemUIOp::create(b, position, slots);
            SmallVector<OpFoldResult> from(rank, b.getIndexAttr(0));
            SmallVector<OpFoldResult> sizes(rank, b.getIndexAttr(1));
            SmallVector<OpFoldResult> ones(rank, b.getIndexAttr(1));
            for (int64_t dim = 2; dim < rank; ++dim)
              sizes[dim] = memref::getMixedSize(b, b.getLoc(), rows, dim);
            from[0] = sequence;
            from[1] = token;
            SmallVector<OpFoldResult> to(from);
            to[1] = slot;
            Value source =
                memref::SubViewOp::create(b, rows, from, sizes, ones);
            Value target = memref::SubViewOp::create(b, cache, to, sizes, ones);
            memref::CopyOp::create(b, source, target);
          },
          nullptr);
    });
  });
}

namespace {
struct LowerTransformer
    : moec::cpu::impl::CpuLowerTransformerPassBase<LowerTransformer> {
  using CpuLowerTransformerPassBase::CpuLowerTransformerPassBase;

  void runOnOperation() override {
    if (lanes != 8 && lanes != 16) {
      getOperation()->emitError("lanes of cpu-lower-transformer are 8 or 16, "
                                "got ")
          << lanes.getValue();
      return signalPassFailure();
    }
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa_and_nonnull<TransformerDialect>(op->getDialect()))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (llvm::any_of(op->getOperandTypes(), llvm::IsaPred<TensorType>)) {
        op->emitOpError("expects buffers, got tensors");
        return signalPassFailure();
      }
      ImplicitLocOpBuilder b(op->getLoc(), op);
      if (auto attention = dyn_cast<AttentionOp>(op))
        lowerAttention(b, attention, lanes);
      else
        lowerKvAppend(b, cast<KvAppendOp>(op));
      op->erase();
    }
  }
};
} // namespace
