// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/transformer/Transformer.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace moec::transformer;

namespace {
/// Operands become buffers; the init is updated in place and replaces the
/// result.
template <typename OpTy, bool readsInit>
struct InPlaceModel
    : DstBufferizableOpInterfaceExternalModel<InPlaceModel<OpTy, readsInit>,
                                              OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return readsInit || !cast<OpTy>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    OperationState newState(op->getLoc(), op->getName(), operands, TypeRange(),
                            op->getAttrs());
    newState.propertiesAttr = op->getPropertiesAsAttribute();
    rewriter.create(newState);
    OpOperand &init = cast<OpTy>(op).getInitMutable();
    replaceOpWithBufferizedValues(rewriter, op,
                                  operands[init.getOperandNumber()]);
    return success();
  }
};
} // namespace

void moec::transformer::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, TransformerDialect *) {
    AttentionOp::attachInterface<InPlaceModel<AttentionOp, false>>(*context);
    // Slots that get no row keep what they have.
    KvAppendOp::attachInterface<InPlaceModel<KvAppendOp, true>>(*context);
  });
}
