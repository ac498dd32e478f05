// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/ExpertRegion.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/RowWise.h"

using namespace mlir;
using namespace moec;

std::string moec::whyHeterogeneous(moe::ExpertsOp op) {
  if (op.getBodies().size() != 1)
    return "there are several regions";
  for (int64_t expert = 0, e = op.getPlan().getType().getExperts(); expert < e;
       ++expert) {
    if (op.getMember(expert) != 0)
      return "there are null experts";
    if (op.getSlotOf(expert) != expert)
      return "slots are not in the order of the experts";
  }
  return "";
}

moe::CombineOp moec::getOnlyCombine(moe::ExpertsOp bank) {
  if (bank.getNumResults() != 1 || !bank.getResult(0).hasOneUse())
    return nullptr;
  auto combine =
      dyn_cast<moe::CombineOp>(*bank.getResult(0).getUsers().begin());
  if (!combine || combine.getRows() != bank.getResult(0) ||
      combine.getPlan() != bank.getPlan() ||
      combine.getInto() != moe::CombineInto::Add ||
      combine->getBlock() != bank->getBlock())
    return nullptr;
  return combine;
}

void moec::eraseBank(moe::ExpertsOp bank, Value result) {
  auto plan = bank.getPlan().getDefiningOp<moe::PlanOp>();
  moe::CombineOp combine = getOnlyCombine(bank);
  combine.getResult().replaceAllUsesWith(result);
  combine.erase();
  SmallVector<Value> dispatched(bank.getRows());
  bank.erase();
  for (Value rows : dispatched)
    if (rows.use_empty() && rows.getDefiningOp())
      rows.getDefiningOp()->erase();
  if (plan.use_empty())
    plan.erase();
}

LogicalResult ExpertRegion::refuse(Operation *op, StringRef why) {
  where = op;
  reason = why.str();
  return failure();
}

ValueKind ExpertRegion::getKind(Value value) const {
  auto found = kinds.find(value);
  return found == kinds.end() ? ValueKind::Outside : found->second;
}

bool ExpertRegion::isRowShaped(Value value) const {
  ValueKind kind = getKind(value);
  return kind == ValueKind::Rows || kind == ValueKind::Fill ||
         kind == ValueKind::Empty;
}

Contraction ExpertRegion::getContraction(Operation *op) const {
  return *matchContraction(cast<linalg::LinalgOp>(op), [&](Value value) {
    return getKind(value) == ValueKind::Rows;
  });
}

/// An operation without effects that sees nothing of the expert is the same for
/// all of them.
bool ExpertRegion::isHoistable(Operation *op) const {
  if (!isPure(op))
    return false;
  auto isOutside = [&](Value value) {
    return getKind(value) == ValueKind::Outside;
  };
  if (!llvm::all_of(op->getOperands(), isOutside))
    return false;
  SetVector<Value> captures;
  getUsedValuesDefinedAbove(op->getRegions(), captures);
  return llvm::all_of(captures, isOutside);
}

LogicalResult ExpertRegion::analyze() {
  Block &body = experts.getBodies()[member].front();
  unsigned numRows = experts.getRows().size();
  for (BlockArgument argument : body.getArguments().drop_back())
    kinds[argument] =
        argument.getArgNumber() < numRows ? ValueKind::Rows : ValueKind::Slice;
  // The expert's id has no counterpart on the rows of all experts.
  BlockArgument expert = body.getArguments().back();
  if (!expert.use_empty())
    return refuse(*expert.user_begin(), "uses the expert's id");
  for (Operation &op : body.without_terminator())
    if (failed(classify(&op)))
      return failure();
  return checkYield(body.getTerminator());
}

LogicalResult ExpertRegion::checkYield(Operation *yield) {
  for (Value value : yield->getOperands()) {
    if (!isRowShaped(value))
      return refuse(yield, "yields a value that does not depend on the rows");
    auto type = cast<RankedTensorType>(value.getType());
    if (getKind(value) == ValueKind::Fill && type.getRank() != 2)
      return refuse(yield, "yields a constant of a rank other than 2");
  }
  return success();
}

LogicalResult ExpertRegion::mark(Operation *op, PieceKind piece,
                                 ValueKind kind) {
  pieces[op] = piece;
  for (Value result : op->getResults())
    kinds[result] = kind;
  return success();
}

/// Whether each row of the results is made of the same row of the operands and
/// of what is the same for all experts.
bool ExpertRegion::isRowWise(Operation *op) const {
  std::optional<RowWise> rowWise = getRowWise(op);
  if (!rowWise)
    return false;
  for (auto [operand, isSliced] :
       llvm::zip_equal(op->getOperands(), rowWise->isSliced))
    if (isSliced ? !isRowShaped(operand)
                 : getKind(operand) != ValueKind::Outside)
      return false;
  return true;
}

bool ExpertRegion::isColumns(tensor::ExtractSliceOp op) const {
  if (getKind(op.getSource()) != ValueKind::Rows ||
      op.getType().getRank() != op.getSourceType().getRank() ||
      getConstantIntValue(op.getMixedOffsets().front()) != 0 ||
      getConstantIntValue(op.getMixedStrides().front()) != 1)
    return false;
  auto rows = dyn_cast<Value>(op.getMixedSizes().front());
  if (!rows || getKind(rows) != ValueKind::Count)
    return false;
  return llvm::all_of(op->getOperands().drop_front(), [&](Value value) {
    return value == rows || getKind(value) == ValueKind::Outside;
  });
}

LogicalResult ExpertRegion::classify(Operation *op) {
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    if (isRowShaped(dim.getSource()) &&
        getConstantIntValue(dim.getDimension()) == 0)
      return mark(op, PieceKind::None, ValueKind::Count);
  }
  if (isHoistable(op))
    return mark(op, PieceKind::Hoisted, ValueKind::Outside);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    if (empty.getDynamicSizes().size() == 1 &&
        empty.getType().isDynamicDim(0) &&
        getKind(empty.getDynamicSizes().front()) == ValueKind::Count)
      return mark(op, PieceKind::None, ValueKind::Empty);
    return refuse(op, "has a size that is not the number of rows");
  }
  if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    if (!isRowShaped(fill.getOutputs().front()) ||
        getKind(fill.getInputs().front()) != ValueKind::Outside)
      return refuse(op, "does not fill rows with a value known outside");
    fills[fill.getResult(0)] = fill.getInputs().front();
    return mark(op, PieceKind::None, ValueKind::Fill);
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (isColumns(slice))
      return mark(op, PieceKind::Columns, ValueKind::Rows);
    return refuse(op, "takes something other than columns of rows");
  }
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (linalgOp && linalgOp.hasPureTensorSemantics())
    return classifyLinalg(linalgOp);
  if (isRowWise(op))
    return mark(op, PieceKind::RowWise, ValueKind::Rows);
  return refuse(op, "is neither row-wise nor a contraction of rows");
}

LogicalResult ExpertRegion::classifyLinalg(linalg::LinalgOp op) {
  SetVector<Value> captures;
  getUsedValuesDefinedAbove(op->getRegions(), captures);
  for (Value value : captures)
    if (getKind(value) != ValueKind::Outside)
      return refuse(op, "captures a value of the expert in its body");

  std::optional<Contraction> contraction = matchContraction(
      op, [&](Value value) { return getKind(value) == ValueKind::Rows; });
  if (contraction) {
    ValueKind rhs = getKind(contraction->rhs->get());
    if (rhs != ValueKind::Slice && rhs != ValueKind::Outside)
      return refuse(op, "contracts rows with rows");
    if (!isRowShaped(contraction->init->get()))
      return refuse(op, "accumulates on a value without rows");
    return mark(op, PieceKind::Matmul, ValueKind::Rows);
  }
  if (succeeded(classifyMap(op)))
    return success();
  // The reason stays that of the map.
  if (!isRowWise(op))
    return failure();
  return mark(op, PieceKind::RowWise, ValueKind::Rows);
}

LogicalResult ExpertRegion::classifyMap(linalg::LinalgOp op) {
  if (op.getNumLoops() != 2 || op.getNumParallelLoops() != 2)
    return refuse(op, "is neither row-wise nor a contraction of rows");
  if (op.hasIndexSemantics())
    return refuse(op, "computes with the position of its elements");
  for (OpOperand &init : op.getDpsInitsMutable()) {
    AffineMap map = op.getMatchingIndexingMap(&init);
    auto type = cast<RankedTensorType>(init.get().getType());
    if (!isRowShaped(init.get()) || !map.isIdentity() || type.isDynamicDim(1))
      return refuse(op, "has a result that is not rows of a fixed width");
  }
  for (OpOperand *input : op.getDpsInputOperands())
    if (failed(checkMapInput(op, input)))
      return failure();
  for (OpOperand &init : op.getDpsInitsMutable()) {
    if (!op.payloadUsesValueFromOperand(&init))
      continue;
    if (getKind(init.get()) == ValueKind::Empty)
      return refuse(op, "reads an undefined value");
    if (failed(checkMapInput(op, &init)))
      return failure();
  }
  return mark(op, PieceKind::Map, ValueKind::Rows);
}

/// An input is legal where its dimension 0 is the row if and only if it has
/// rows; all other dimensions are the column or 0.
LogicalResult ExpertRegion::checkMapInput(linalg::LinalgOp op,
                                          OpOperand *operand) {
  ValueKind kind = getKind(operand->get());
  if (kind == ValueKind::Empty)
    return op.payloadUsesValueFromOperand(operand)
               ? refuse(op, "reads an undefined value")
               : success();
  if (kind == ValueKind::Count)
    return refuse(op, "computes with the number of rows");
  if (kind == ValueKind::Fill ||
      !isa<RankedTensorType>(operand->get().getType()))
    return success();
  AffineMap map = op.getMatchingIndexingMap(operand);
  AffineExpr row = getAffineDimExpr(0, op.getContext());
  AffineExpr column = getAffineDimExpr(1, op.getContext());
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    if (dim == 0 && kind == ValueKind::Rows) {
      if (expr != row)
        return refuse(op, "reads rows other than its own");
      continue;
    }
    auto constant = dyn_cast<AffineConstantExpr>(expr);
    if (expr != column && !(constant && constant.getValue() == 0))
      return refuse(op, "reads an operand in an order that rows do not have");
  }
  return success();
}
