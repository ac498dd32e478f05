// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A bank of different experts becomes one bank of equal experts a member: ids
// are remapped, combines are chained.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Dims.h"
#include "passes/ExpertRegion.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOESPLITMEMBERSPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec;

/// Whether at least one expert has the member.
static bool isUsed(moe::ExpertsOp bank, int64_t member) {
  for (int64_t expert = 0, e = bank.getPlan().getType().getExperts();
       expert < e; ++expert)
    if (bank.getMember(expert) == member)
      return true;
  return false;
}

/// Numbers of the stacks that the region reads.
static SmallVector<unsigned> getStacksRead(moe::ExpertsOp bank,
                                           Region &region) {
  SmallVector<unsigned> stacks;
  for (unsigned stack = 0, e = bank.getParams().size(); stack < e; ++stack)
    if (!region.getArgument(bank.getRows().size() + stack).use_empty())
      stacks.push_back(stack);
  return stacks;
}

static int64_t getNumSlices(moe::ExpertsOp bank, unsigned stack) {
  return cast<RankedTensorType>(bank.getParams()[stack].getType())
      .getDimSize(0);
}

/// Why the bank stays one, or nothing.
static std::string whyNotSplit(moe::ExpertsOp bank) {
  auto plan = bank.getPlan().getDefiningOp<moe::PlanOp>();
  if (!plan || plan.getByExpert())
    return "its plan is not made of ids by token";
  moe::CombineOp combine = getOnlyCombine(bank);
  if (!combine)
    return "its result has another use than one 'moe.combine add'";
  for (Value rows : bank.getRows()) {
    auto dispatch = rows.getDefiningOp<moe::DispatchOp>();
    if (!dispatch || dispatch.getPlan() != bank.getPlan())
      return "its rows are no dispatch by its plan";
  }
  int64_t numUsed = 0;
  for (Region &region : bank.getBodies()) {
    unsigned member = region.getRegionNumber();
    if (!isUsed(bank, member))
      continue;
    ++numUsed;
    ExpertRegion pieces(bank, member);
    if (failed(pieces.analyze()))
      return ("'" + pieces.where->getName().getStringRef() + "' " +
              pieces.reason)
          .str();
    SmallVector<unsigned> stacks = getStacksRead(bank, region);
    for (unsigned stack : stacks)
      if (getNumSlices(bank, stack) != getNumSlices(bank, stacks.front()) ||
          ShapedType::isDynamic(getNumSlices(bank, stack)))
        return "the stacks of a member have different numbers of slices";
  }
  // Each combine rounds to the type of its result.
  auto type = cast<RankedTensorType>(combine.getResult().getType());
  if (numUsed > 1 && type.getElementTypeBitWidth() < 32)
    return "the sum over its members would be rounded between them";
  return "";
}

namespace {
/// Emits the banks of one bank's members before its combine.
class MemberSplitter {
public:
  explicit MemberSplitter(moe::ExpertsOp bank)
      : bank(bank), combine(getOnlyCombine(bank)),
        plan(bank.getPlan().getDefiningOp<moe::PlanOp>()), builder(combine),
        loc(bank.getLoc()) {}

  void split();

private:
  /// `slot[id]` where expert `id` has the member, else -1.
  Value remapIds(int64_t member, bool readsStacks);
  /// `sum` plus the weighted rows of the experts of the member.
  Value addMember(Region &region, Value sum);

  moe::ExpertsOp bank;
  moe::CombineOp combine;
  moe::PlanOp plan;
  OpBuilder builder;
  Location loc;
};
} // namespace

Value MemberSplitter::remapIds(int64_t member, bool readsStacks) {
  Value ids = plan.getIds();
  auto type = cast<RankedTensorType>(ids.getType());
  int64_t experts = bank.getPlan().getType().getExperts();
  SmallVector<int32_t> entries;
  for (int64_t expert = 0; expert < experts; ++expert)
    entries.push_back(bank.getMember(expert) != member ? -1
                      : readsStacks                    ? bank.getSlotOf(expert)
                                                       : 0);
  Value table = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(
          RankedTensorType::get({experts}, builder.getI32Type()),
          ArrayRef<int32_t>(entries)));
  Value number = arith::ConstantOp::create(builder, loc,
                                           builder.getI32IntegerAttr(experts));
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  Value none =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(-1));
  Value empty =
      createEmpty(builder, loc, type, getDim(builder, loc, ids, 0), ids);
  AffineMap identity = builder.getMultiDimIdentityMap(2);
  auto remap = linalg::GenericOp::create(
      builder, loc, TypeRange{type}, ids, empty,
      SmallVector<AffineMap>{identity, identity},
      SmallVector<utils::IteratorType>(2, utils::IteratorType::parallel),
      [&](OpBuilder &inBody, Location, ValueRange arguments) {
        Value id = arguments.front();
        // Negative ids are large ones when unsigned.
        Value isExpert = arith::CmpIOp::create(
            inBody, loc, arith::CmpIPredicate::ult, id, number);
        Value safe = arith::SelectOp::create(inBody, loc, isExpert, id, zero);
        Value position = arith::IndexCastOp::create(
            inBody, loc, inBody.getIndexType(), safe);
        Value slot = tensor::ExtractOp::create(inBody, loc, table, position);
        Value mapped =
            arith::SelectOp::create(inBody, loc, isExpert, slot, none);
        linalg::YieldOp::create(inBody, loc, mapped);
      });
  return remap.getResult(0);
}

Value MemberSplitter::addMember(Region &region, Value sum) {
  SmallVector<unsigned> stacksRead = getStacksRead(bank, region);
  int64_t groups =
      stacksRead.empty() ? 1 : getNumSlices(bank, stacksRead.front());
  auto planType = moe::PlanType::get(builder.getContext(), groups,
                                     plan.getType().getSlots());
  Value ids = remapIds(region.getRegionNumber(), !stacksRead.empty());
  Value own = moe::PlanOp::create(builder, loc, planType, ids,
                                  /*tokens=*/Value());
  SmallVector<Value> rows, stacks;
  for (Value operand : bank.getRows()) {
    auto dispatch = operand.getDefiningOp<moe::DispatchOp>();
    rows.push_back(moe::DispatchOp::create(
        builder, dispatch.getLoc(), dispatch.getType(), dispatch.getTokens(),
        own, dispatch.getWeights()));
  }
  for (unsigned stack : stacksRead)
    stacks.push_back(bank.getParams()[stack]);
  auto experts = moe::ExpertsOp::create(
      builder, loc, bank.getResultTypes(), own, rows, stacks,
      /*members=*/nullptr, /*slot=*/nullptr, /*bodiesCount=*/1);
  IRMapping mapping;
  Region &body = experts.getBodies().front();
  region.cloneInto(&body, mapping);
  body.front().eraseArguments([&](BlockArgument argument) {
    unsigned number = argument.getArgNumber();
    unsigned first = bank.getRows().size();
    return number >= first && number < first + bank.getParams().size() &&
           argument.use_empty();
  });
  return moe::CombineOp::create(builder, combine.getLoc(), sum.getType(),
                                experts.getResult(0), own, combine.getWeights(),
                                sum, moe::CombineInto::Add);
}

void MemberSplitter::split() {
  Value sum = combine.getInit();
  for (Region &region : bank.getBodies())
    if (isUsed(bank, region.getRegionNumber()))
      sum = addMember(region, sum);
  eraseBank(bank, sum);
}

namespace {
struct SplitMembers : moec::impl::MoeSplitMembersPassBase<SplitMembers> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<moe::ExpertsOp> banks;
    getOperation()->walk([&](moe::ExpertsOp op) {
      if (!whyHeterogeneous(op).empty())
        banks.push_back(op);
    });
    for (moe::ExpertsOp bank : banks) {
      std::string whyNot = whyNotSplit(bank);
      if (explain)
        bank.emitRemark() << (whyNot.empty()
                                  ? "becomes a bank of equal experts for each "
                                    "member; null experts have no rows"
                                  : "stays one bank: " + whyNot);
      if (whyNot.empty())
        MemberSplitter(bank).split();
    }
  }
};
} // namespace
