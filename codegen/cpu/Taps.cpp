// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Taps.h"
#include "codegen/cpu/Cpu.h"
#include "dialects/moe/Moe.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::bufferization;

static Value copyDense(OpBuilder &builder, Location loc, Value buffer,
                       MemRefType type) {
  SmallVector<Value> sizes;
  for (unsigned dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(memref::DimOp::create(builder, loc, buffer, dim));
  Value dense = memref::AllocOp::create(
      builder, loc, MemRefType::get(type.getShape(), type.getElementType()),
      sizes);
  memref::CopyOp::create(builder, loc, buffer, dense);
  return dense;
}

namespace {
struct TapModel
    : BufferizableOpInterface::ExternalModel<TapModel, moec::moe::TapOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &,
                              const AnalysisState &) const {
    return true;
  }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &,
                               const AnalysisState &) const {
    return false;
  }
  AliasingValueList getAliasingValues(Operation *, OpOperand &,
                                      const AnalysisState &) const {
    return {};
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto tap = cast<moec::moe::TapOp>(op);
    FailureOr<Value> buffer =
        getBuffer(rewriter, tap.getValue(), options, state);
    if (failed(buffer))
      return failure();
    // A part of a larger buffer: hosts read dense ones.
    auto type = cast<MemRefType>(buffer->getType());
    if (!type.getLayout().isIdentity())
      buffer = copyDense(rewriter, tap.getLoc(), *buffer, type);
    moec::cpu::TapOp::create(rewriter, tap.getLoc(), tap.getNameAttr(), *buffer,
                             /*services=*/Value());
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void moec::cpu::registerTapBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, moe::MoeDialect *) {
    moe::TapOp::attachInterface<TapModel>(*context);
  });
}
