// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/Taps.h"
#include "codegen/cpu/Cpu.h"
#include "dialects/moe/Moe.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"

using namespace mlir;
using namespace mlir::bufferization;

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
    if (!cast<MemRefType>(buffer->getType()).getLayout().isIdentity())
      return tap.emitOpError("names a part of a tensor; tap the whole tensor");
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
