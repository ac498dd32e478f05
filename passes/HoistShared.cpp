// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product of the tokens with a weight that all experts share is the same in
// every slot of a token.

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Dims.h"
#include "passes/ExpertRegion.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOEHOISTSHAREDPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec;

/// Whether a token may have several rows of the bank, and each slot has one.
static bool repeatsTokens(moe::ExpertsOp bank) {
  auto plan = bank.getPlan().getDefiningOp<moe::PlanOp>();
  if (!plan || plan.getByExpert() || bank.getPlan().getType().getSlots() < 2)
    return false;
  // The tokens of null experts and of other regions have no row of the product.
  for (int64_t expert = 0, e = bank.getPlan().getType().getExperts();
       expert < e; ++expert)
    if (bank.getMember(expert) != 0)
      return false;
  return true;
}

/// The dispatch that is the argument of the region, if it changes nothing.
static moe::DispatchOp getDispatch(moe::ExpertsOp bank, Value inside) {
  auto argument = dyn_cast<BlockArgument>(inside);
  if (!argument || argument.getOwner() != &bank.getBodies().front().front() ||
      argument.getArgNumber() >= bank.getRows().size())
    return nullptr;
  auto dispatch =
      bank.getRows()[argument.getArgNumber()].getDefiningOp<moe::DispatchOp>();
  return dispatch && dispatch.getPlan() == bank.getPlan() &&
                 !dispatch.getWeights()
             ? dispatch
             : nullptr;
}

static bool isInside(moe::ExpertsOp bank, Value value) {
  return bank.getBodies().front().isAncestor(value.getParentRegion());
}

/// Whether the product is one of tokens with a weight from outside, on a
/// constant.
static bool isShared(moe::ExpertsOp bank, const ExpertRegion &region,
                     Operation *op) {
  if (region.getPiece(op) != PieceKind::Matmul)
    return false;
  Contraction product = region.getContraction(op);
  Value start = region.getFillValue(product.init->get());
  if (!start)
    return false;
  Operation *constant = start.getDefiningOp();
  return getDispatch(bank, product.lhs->get()) &&
         !isInside(bank, product.rhs->get()) &&
         (!isInside(bank, start) ||
          (constant && constant->hasTrait<OpTrait::ConstantLike>()));
}

/// Computes the product before the bank; the region gets its rows.
static void hoist(moe::ExpertsOp bank, const ExpertRegion &region,
                  Operation *op) {
  Contraction product = region.getContraction(op);
  Value tokens = getDispatch(bank, product.lhs->get()).getTokens();
  Value start = region.getFillValue(product.init->get());
  OpBuilder builder(bank);
  Location loc = op->getLoc();
  if (isInside(bank, start))
    start = builder.clone(*start.getDefiningOp())->getResult(0);

  auto rowsType = cast<RankedTensorType>(op->getResult(0).getType());
  RankedTensorType type =
      rowsType.clone({cast<RankedTensorType>(tokens.getType()).getDimSize(0),
                      rowsType.getDimSize(1)});
  Value empty =
      createEmpty(builder, loc, type, getDim(builder, loc, tokens, 0), tokens);
  Value init = linalg::FillOp::create(builder, loc, start, empty).getResult(0);
  Operation *once = builder.clone(*op);
  once->setOperand(product.lhs->getOperandNumber(), tokens);
  once->setOperand(product.init->getOperandNumber(), init);
  once->getResult(0).setType(type);
  Value rows = moe::DispatchOp::create(builder, loc, rowsType,
                                       once->getResult(0), bank.getPlan(),
                                       /*weights=*/Value());

  unsigned number = bank.getRows().size();
  bank.getRowsMutable().append(rows);
  BlockArgument inside =
      bank.getBodies().front().insertArgument(number, rowsType, loc);
  op->getResult(0).replaceAllUsesWith(inside);
  op->erase();
}

namespace {
struct HoistShared : moec::impl::MoeHoistSharedPassBase<HoistShared> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<moe::ExpertsOp> banks;
    getOperation()->walk([&](moe::ExpertsOp op) {
      if (op.getBodies().size() == 1 && repeatsTokens(op))
        banks.push_back(op);
    });
    for (moe::ExpertsOp bank : banks)
      runOnBank(bank);
  }

  void runOnBank(moe::ExpertsOp bank) {
    ExpertRegion region(bank);
    if (failed(region.analyze()))
      return;
    SmallVector<Operation *> shared;
    for (Operation &op : bank.getBodies().front().front())
      if (isShared(bank, region, &op))
        shared.push_back(&op);
    for (Operation *op : shared) {
      if (explain)
        op->emitRemark() << "computed once a token, not once a slot: its "
                            "weight is no expert's own";
      hoist(bank, region, op);
    }
  }
};
} // namespace
