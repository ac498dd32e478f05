// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Experts made of vectors need no grouping: a loop over the tokens reads the
// slices of the selected experts where they are.

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "passes/Dims.h"
#include "passes/ExpertRegion.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOEINDEXEXPERTSPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec;

/// Elements of all slots that are worth a task of their own.
static constexpr int64_t kTaskElements = 16384;
/// Sums of a row that run beside each other, so that they become vectors.
static constexpr int64_t kPartialSums = 32;

/// Whether the value is a matrix of f32 with a known number of columns.
static bool isF32Rows(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 2 && type.getElementType().isF32() &&
         !type.isDynamicDim(1);
}

/// Whether the region has no product with a matrix, and only operations that
/// may stand on a single row.
static bool isMadeOfVectors(moe::ExpertsOp bank, const ExpertRegion &region) {
  for (Operation &op : bank.getBodies().front().front().without_terminator()) {
    PieceKind piece = region.getPiece(&op);
    if (piece == PieceKind::Matmul ||
        (piece == PieceKind::RowWise &&
         !isa<linalg::LinalgOp, linalg::SoftmaxOp>(op)))
      return false;
  }
  return true;
}

/// Whether tokens can run one by one.
static bool isIndexable(moe::ExpertsOp bank) {
  auto plan = bank.getPlan().getDefiningOp<moe::PlanOp>();
  moe::CombineOp combine = getOnlyCombine(bank);
  if (!plan || plan.getByExpert() || !combine || !isF32Rows(combine.getInit()))
    return false;
  if (Value weights = combine.getWeights(); weights && !isF32Rows(weights))
    return false;
  for (Value rows : bank.getRows()) {
    auto dispatch = rows.getDefiningOp<moe::DispatchOp>();
    if (!dispatch || dispatch.getPlan() != bank.getPlan() ||
        dispatch.getWeights() || !isF32Rows(rows))
      return false;
  }
  ExpertRegion region(bank);
  return whyHeterogeneous(bank).empty() && succeeded(region.analyze()) &&
         isMadeOfVectors(bank, region);
}

namespace {
/// Emits the loop of one bank before its combine.
class TokenLoop {
public:
  explicit TokenLoop(moe::ExpertsOp bank)
      : bank(bank), combine(getOnlyCombine(bank)),
        plan(bank.getPlan().getDefiningOp<moe::PlanOp>()), region(bank),
        builder(bank.getContext()), loc(bank.getLoc()) {
    (void)region.analyze();
  }

  void emit();

private:
  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  /// The row of the token in a matrix, [1, columns].
  Value getRow(Value matrix, Value row);
  void hoist();
  Value emitTokens(Value block, Value first, Value count);
  Value emitSlot(Value sum, Value token, Value slot);
  Value emitExpert(Value sum, Value token, Value slot, Value expert);
  void clonePiece(Operation &op);
  void clonePieceOnRow(Operation &op);

  moe::ExpertsOp bank;
  moe::CombineOp combine;
  moe::PlanOp plan;
  ExpertRegion region;
  IRRewriter builder;
  Location loc;
  /// What is computed once, and in a loop, what is of the current expert.
  IRMapping mapping;
};
} // namespace

/// The type with one row.
static RankedTensorType getRowType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape.front() = 1;
  return tensor.clone(shape);
}

Value TokenLoop::getRow(Value matrix, Value row) {
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  RankedTensorType type = getRowType(matrix.getType());
  return tensor::ExtractSliceOp::create(
      builder, loc, type, matrix, ArrayRef<OpFoldResult>{row, zero},
      ArrayRef<OpFoldResult>{one, builder.getIndexAttr(type.getDimSize(1))},
      ArrayRef<OpFoldResult>{one, one});
}

void TokenLoop::hoist() {
  for (Operation &op : bank.getBodies().front().front().without_terminator())
    if (region.getPiece(&op) == PieceKind::Hoisted)
      builder.clone(op, mapping);
}

void TokenLoop::clonePieceOnRow(Operation &op) {
  Operation *clone = builder.clone(op, mapping);
  for (OpResult result : clone->getResults())
    result.setType(getRowType(result.getType()));
  auto sum = dyn_cast<linalg::LinalgOp>(clone);
  if (!sum || sum.getNumReductionLoops() != 1 || sum.getNumLoops() != 2 ||
      sum.getStaticLoopRanges().back() % kPartialSums != 0)
    return;
  FailureOr<linalg::SplitReductionResult> split =
      linalg::splitReduction(builder, sum, [](linalg::LinalgOp) {
        return linalg::SplitReductionOptions{kPartialSums, /*index=*/1,
                                             /*innerParallel=*/true};
      });
  if (failed(split))
    return;
  mapping.map(op.getResults(), split->resultCombiningLinalgOp->getResults());
  builder.setInsertionPointAfter(split->resultCombiningLinalgOp);
}

void TokenLoop::clonePiece(Operation &op) {
  switch (region.getPiece(&op)) {
  case PieceKind::Hoisted:
    return;
  case PieceKind::Columns: {
    auto slice = cast<tensor::ExtractSliceOp>(op);
    SmallVector<OpFoldResult> sizes = slice.getMixedSizes();
    sizes.front() = builder.getIndexAttr(1);
    mapping.map(slice.getResult(),
                tensor::ExtractSliceOp::create(
                    builder, loc, getRowType(slice.getType()),
                    mapping.lookup(slice.getSource()), slice.getMixedOffsets(),
                    sizes, slice.getMixedStrides()));
    return;
  }
  default:
    break;
  }
  if (isa<tensor::DimOp>(op))
    return mapping.map(op.getResult(0), constant(1));
  if (isa<tensor::EmptyOp>(op)) {
    RankedTensorType type = getRowType(op.getResult(0).getType());
    mapping.map(op.getResult(0),
                tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        type.getElementType()));
    return;
  }
  clonePieceOnRow(op);
}

Value TokenLoop::emitExpert(Value sum, Value token, Value slot, Value expert) {
  Block &body = bank.getBodies().front().front();
  unsigned argument = 0;
  for (Value rows : bank.getRows())
    mapping.map(
        body.getArgument(argument++),
        getRow(rows.getDefiningOp<moe::DispatchOp>().getTokens(), token));
  for (Value stack : bank.getParams()) {
    BlockArgument inside = body.getArgument(argument++);
    if (inside.use_empty())
      continue;
    auto type = cast<RankedTensorType>(stack.getType());
    SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(type.getRank(), builder.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes = {builder.getIndexAttr(1)};
    for (int64_t dim = 1; dim < type.getRank(); ++dim)
      sizes.push_back(getAsOpFoldResult(getDim(builder, loc, stack, dim)));
    offsets.front() = expert;
    mapping.map(inside,
                tensor::ExtractSliceOp::create(
                    builder, loc, cast<RankedTensorType>(inside.getType()),
                    stack, offsets, sizes, ones));
  }
  for (Operation &op : body.without_terminator())
    clonePiece(op);
  Value row = mapping.lookup(body.getTerminator()->getOperand(0));
  Value weight;
  if (Value weights = combine.getWeights())
    weight = tensor::ExtractOp::create(builder, loc, weights,
                                       ValueRange{token, slot});
  AffineMap identity = builder.getMultiDimIdentityMap(2);
  auto add = linalg::GenericOp::create(
      builder, loc, TypeRange{sum.getType()}, row, sum,
      SmallVector<AffineMap>{identity, identity},
      SmallVector<utils::IteratorType>(2, utils::IteratorType::parallel),
      [&](OpBuilder &inBody, Location, ValueRange arguments) {
        Value value = arguments[0];
        if (weight)
          value = arith::MulFOp::create(inBody, loc, value, weight);
        value = arith::AddFOp::create(inBody, loc, arguments[1], value);
        linalg::YieldOp::create(inBody, loc, value);
      });
  return add.getResult(0);
}

Value TokenLoop::emitSlot(Value sum, Value token, Value slot) {
  Value id = tensor::ExtractOp::create(builder, loc, plan.getIds(),
                                       ValueRange{token, slot});
  Value experts = arith::ConstantOp::create(
      builder, loc,
      builder.getI32IntegerAttr(bank.getPlan().getType().getExperts()));
  // Negative ids are large ones when unsigned.
  Value isExpert = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::ult, id, experts);
  auto choice = scf::IfOp::create(builder, loc, TypeRange{sum.getType()},
                                  isExpert, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(builder, loc, sum);
  builder.setInsertionPointToStart(choice.thenBlock());
  Value expert =
      arith::IndexCastOp::create(builder, loc, builder.getIndexType(), id);
  scf::YieldOp::create(builder, loc, emitExpert(sum, token, slot, expert));
  return choice.getResult(0);
}

Value TokenLoop::emitTokens(Value block, Value first, Value count) {
  Value zero = constant(0), one = constant(1);
  Value slots = getDim(builder, loc, plan.getIds(), 1);
  OpBuilder::InsertionGuard guard(builder);
  auto overTokens =
      scf::ForOp::create(builder, loc, zero, count, one, ValueRange{block});
  builder.setInsertionPointToStart(overTokens.getBody());
  Value number = overTokens.getInductionVar();
  Value carried = overTokens.getRegionIterArgs().front();
  Value token = arith::AddIOp::create(builder, loc, first, number);
  Value row = getRow(carried, number);
  auto overSlots =
      scf::ForOp::create(builder, loc, zero, slots, one, ValueRange{row});
  builder.setInsertionPointToStart(overSlots.getBody());
  Value sum = emitSlot(overSlots.getRegionIterArgs().front(), token,
                       overSlots.getInductionVar());
  scf::YieldOp::create(builder, loc, sum);
  builder.setInsertionPointAfter(overSlots);
  auto slice = row.getDefiningOp<tensor::ExtractSliceOp>();
  Value all = tensor::InsertSliceOp::create(
      builder, loc, overSlots.getResult(0), carried, slice.getMixedOffsets(),
      slice.getMixedSizes(), slice.getMixedStrides());
  scf::YieldOp::create(builder, loc, all);
  return overTokens.getResult(0);
}

void TokenLoop::emit() {
  builder.setInsertionPoint(combine);
  hoist();
  Value init = combine.getInit();
  auto type = cast<RankedTensorType>(init.getType());
  int64_t columns = type.getDimSize(1);
  int64_t slots = cast<RankedTensorType>(plan.getIds().getType()).getDimSize(1);
  int64_t work = columns * (ShapedType::isDynamic(slots) ? 1 : slots);
  int64_t blockRows =
      std::clamp<int64_t>(kTaskElements / std::max<int64_t>(work, 1), 1, 32);
  Value tokens = getDim(builder, loc, init, 0);
  auto loop = scf::ForallOp::create(
      builder, loc, ArrayRef<OpFoldResult>{builder.getIndexAttr(0)},
      ArrayRef<OpFoldResult>{tokens},
      ArrayRef<OpFoldResult>{builder.getIndexAttr(blockRows)}, init,
      /*mapping=*/std::nullopt);
  builder.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar(0);
  // affine.min, since later passes must find the constant bound.
  AffineExpr rest =
      builder.getAffineSymbolExpr(0) - builder.getAffineDimExpr(0);
  Value count = affine::AffineMinOp::create(
      builder, loc,
      AffineMap::get(1, 1, {builder.getAffineConstantExpr(blockRows), rest},
                     builder.getContext()),
      ValueRange{first, tokens});
  Value out = loop.getRegionIterArgs().front();
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  SmallVector<OpFoldResult> offsets = {first, zero}, ones = {one, one},
                            sizes = {count, builder.getIndexAttr(columns)};
  Value block = tensor::ExtractSliceOp::create(
      builder, loc,
      RankedTensorType::get({ShapedType::kDynamic, columns},
                            type.getElementType()),
      out, offsets, sizes, ones);
  Value sums = emitTokens(block, first, count);
  builder.setInsertionPointToStart(loop.getTerminator().getBody());
  tensor::ParallelInsertSliceOp::create(builder, loc, sums, out, offsets, sizes,
                                        ones);
  eraseBank(bank, loop.getResult(0));
}

namespace {
struct IndexExperts : moec::impl::MoeIndexExpertsPassBase<IndexExperts> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<moe::ExpertsOp> banks;
    getOperation()->walk([&](moe::ExpertsOp op) {
      if (isIndexable(op))
        banks.push_back(op);
    });
    for (moe::ExpertsOp bank : banks) {
      if (explain)
        bank.emitRemark() << "computed token by token: its experts are "
                             "vectors, of which only the selected are read";
      TokenLoop(bank).emit();
    }
  }
};
} // namespace
