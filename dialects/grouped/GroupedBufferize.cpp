// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All operations are in destination style, so one model serves them: operands
// become buffers, the inits are updated in place and replace the results.

#include "dialects/grouped/Grouped.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace moec::grouped;

namespace {
template <typename OpTy>
struct InPlaceModel
    : DstBufferizableOpInterfaceExternalModel<InPlaceModel<OpTy>, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    // What an operation does not write, it leaves in its init.
    return true;
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        operands.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    OperationState newState(op->getLoc(), op->getName(), operands, TypeRange(),
                            op->getAttrs());
    newState.propertiesAttr = op->getPropertiesAsAttribute();
    for (Region &region : op->getRegions())
      newState.addRegion()->takeBody(region);
    rewriter.create(newState);

    SmallVector<Value> results;
    for (OpOperand &init :
         cast<DestinationStyleOpInterface>(op).getDpsInitsMutable())
      results.push_back(operands[init.getOperandNumber()]);
    replaceOpWithBufferizedValues(rewriter, op, results);
    return success();
  }
};
} // namespace

void moec::grouped::registerBufferizableOpInterfaceExternalModels(
    DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, GroupedDialect *) {
    SortOp::attachInterface<InPlaceModel<SortOp>>(*context);
    GatherOp::attachInterface<InPlaceModel<GatherOp>>(*context);
    MapOp::attachInterface<InPlaceModel<MapOp>>(*context);
    MatmulOp::attachInterface<InPlaceModel<MatmulOp>>(*context);
    CombineOp::attachInterface<InPlaceModel<CombineOp>>(*context);
    SlotsOp::attachInterface<InPlaceModel<SlotsOp>>(*context);
    SelectOp::attachInterface<InPlaceModel<SelectOp>>(*context);
    LimitOp::attachInterface<InPlaceModel<LimitOp>>(*context);
    SelectTokensOp::attachInterface<InPlaceModel<SelectTokensOp>>(*context);
  });
}
