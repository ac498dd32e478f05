// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors of rows get room for every assignment when they are converted. What
// treats each row alone may run over all of it; for what does not (attention
// among the rows), the tensors of a plan are cut to the rows that there are.

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/ConvertMoeToGrouped.h"
#include "passes/RowWise.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace moec;

/// Whether the operation takes tensors of rows with room behind the last one.
static bool takesRoom(Operation *op) {
  return isa<moe::MoeDialect>(op->getDialect()) && !isa<moe::TapOp>(op);
}

/// An operation that reads rows, or what was computed from them row by row, in
/// another way; null when there is none.
static Operation *findReaderOfSeveralRows(Operation *source) {
  SmallVector<Value> worklist(source->getResults());
  while (!worklist.empty()) {
    Value rows = worklist.pop_back_val();
    for (OpOperand &use : rows.getUses()) {
      Operation *user = use.getOwner();
      if (takesRoom(user))
        continue;
      if (auto dim = dyn_cast<tensor::DimOp>(user))
        if (getConstantIntValue(dim.getDimension()).value_or(0) != 0 ||
            llvm::all_of(dim->getUsers(), llvm::IsaPred<tensor::EmptyOp>))
          continue;
      std::optional<RowWise> rowWise = getRowWise(user);
      if (!rowWise || !rowWise->isSliced[use.getOperandNumber()])
        return user;
      worklist.append(user->result_begin(), user->result_end());
    }
  }
  return nullptr;
}

/// Gives ordinary operations the rows without the room.
static void cut(Operation *source, Value numRows) {
  OpBuilder builder(source->getContext());
  builder.setInsertionPointAfter(source);
  for (Value rows : source->getResults()) {
    auto type = cast<RankedTensorType>(rows.getType());
    SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, source->getLoc(), rows);
    sizes.front() = numRows;
    auto slice = tensor::ExtractSliceOp::create(builder, source->getLoc(), type,
                                                rows, offsets, sizes, strides);
    rows.replaceUsesWithIf(slice, [&](OpOperand &use) {
      return !takesRoom(use.getOwner()) && use.getOwner() != slice &&
             !isa<tensor::DimOp>(use.getOwner());
    });
    // Sizes along other dimensions stay; the number of rows is the true one.
    for (Operation *user : llvm::make_early_inc_range(rows.getUsers()))
      if (auto dim = dyn_cast<tensor::DimOp>(user))
        if (getConstantIntValue(dim.getDimension()) == 0)
          dim.replaceAllUsesWith(numRows);
  }
}

LogicalResult moec::cutRows(Operation *module) {
  llvm::MapVector<Value, SmallVector<Operation *>> sources;
  module->walk([&](Operation *op) {
    if (auto dispatch = dyn_cast<moe::DispatchOp>(op))
      sources[dispatch.getPlan()].push_back(op);
    else if (auto experts = dyn_cast<moe::ExpertsOp>(op))
      sources[experts.getPlan()].push_back(op);
  });
  for (auto &[plan, operations] : sources) {
    Operation *reader = nullptr;
    Operation *source = nullptr;
    for (Operation *op : operations)
      if ((reader = findReaderOfSeveralRows(source = op)))
        break;
    if (!reader)
      continue;
    // Nothing outside of the function knows how many rows there are.
    if (reader->hasTrait<OpTrait::IsTerminator>() || isa<moe::TapOp>(reader))
      return (
          source
              ->emitOpError(
                  "rows reach an operation outside of the experts that is not "
                  "row-wise")
              .attachNote(reader->getLoc())
          << "'" << reader->getName() << "'; moe-run --reference runs it");
    for (Operation *op : operations)
      if (auto experts = dyn_cast<moe::ExpertsOp>(op))
        for (Value rows : experts.getRows())
          if (!rows.getDefiningOp<moe::DispatchOp>() &&
              !rows.getDefiningOp<moe::ExpertsOp>())
            return (experts
                        .emitOpError("takes rows that several rows went "
                                     "into, which has no CPU code yet")
                        .attachNote(reader->getLoc())
                    << "'" << reader->getName()
                    << "'; moe-run --reference runs it");
    OpBuilder builder(module->getContext());
    builder.setInsertionPointAfterValue(plan);
    Value numRows = moe::RowsOp::create(builder, plan.getLoc(), plan);
    for (Operation *op : operations)
      cut(op, numRows);
  }
  return success();
}
