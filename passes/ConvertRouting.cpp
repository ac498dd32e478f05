// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.select, limit, select_tokens, plan, rows, dispatch, combine and slots:
// one grouped operation each, with destinations of the largest size that they
// can have.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "passes/ConvertMoeToGrouped.h"
#include "passes/Dims.h"

using namespace mlir;
using namespace moec;

Value moec::getRowBound(OpBuilder &builder, Location loc,
                        const PlanTables &tables) {
  return getDim(builder, loc, tables.tokens, 0);
}

AffineMap moec::getMapOf(MLIRContext *context, ArrayRef<unsigned> dims) {
  SmallVector<AffineExpr> results;
  for (unsigned dim : dims)
    results.push_back(getAffineDimExpr(dim, context));
  return AffineMap::get(grouped::kNumMapDims, 0, results, context);
}

/// The value in a float type of another width.
static Value castFloat(OpBuilder &builder, Location loc, Value value,
                       Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  unsigned to = type.getIntOrFloatBitWidth();
  if (value.getType() == type)
    return value;
  if (from < to)
    return arith::ExtFOp::create(builder, loc, type, value);
  if (from > to)
    return arith::TruncFOp::create(builder, loc, type, value);
  // bf16 and f16 have equal widths: through f32.
  Value wide = arith::ExtFOp::create(builder, loc, builder.getF32Type(), value);
  return arith::TruncFOp::create(builder, loc, type, wide);
}

Value moec::buildWeightedRows(OpBuilder &builder, Location loc, Value rows,
                              Value weights, const PlanTables &tables,
                              RankedTensorType type) {
  MLIRContext *context = builder.getContext();
  Value init =
      createEmpty(builder, loc, type, getRowBound(builder, loc, tables), rows);
  ArrayAttr maps = builder.getAffineMapArrayAttr(
      {getMapOf(context, {grouped::Row, grouped::Column}),
       getMapOf(context, {grouped::Token, grouped::Slot})});
  auto map = grouped::MapOp::create(
      builder, loc, TypeRange{type}, tables.offsets, tables.tokens,
      tables.slots, ValueRange{rows, weights}, ValueRange{init}, maps);
  OpBuilder::InsertionGuard guard(builder);
  Type rowType = getElementTypeOrSelf(rows.getType());
  Type weightType = getElementTypeOrSelf(weights.getType());
  Block *body = builder.createBlock(&map.getBody(), {}, {rowType, weightType},
                                    {loc, loc});
  // Products are made in the wider of the types.
  Type wide = type.getElementType();
  for (Type other : {rowType, weightType})
    if (other.getIntOrFloatBitWidth() > wide.getIntOrFloatBitWidth())
      wide = other;
  Value product = arith::MulFOp::create(
      builder, loc, castFloat(builder, loc, body->getArgument(0), wide),
      castFloat(builder, loc, body->getArgument(1), wide));
  grouped::YieldOp::create(
      builder, loc, castFloat(builder, loc, product, type.getElementType()));
  return map.getResult(0);
}

namespace {
struct ConvertSelect : OpConversionPattern<moe::SelectOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(moe::SelectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value scores = adaptor.getScores().front();
    Value tokens = getDim(rewriter, loc, scores, 0);
    SmallVector<Value> inits;
    for (Type type : op->getResultTypes())
      inits.push_back(createEmpty(rewriter, loc, cast<RankedTensorType>(type),
                                  tokens, scores));
    rewriter.replaceOpWithNewOp<grouped::SelectOp>(
        op, op->getResultTypes(), adaptor.getScores(), adaptor.getMask(),
        adaptor.getParams(), inits, op.getPolicy());
    return success();
  }
};

struct ConvertLimit : OpConversionPattern<moe::LimitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(moe::LimitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getKept().getType());
    Value init =
        createEmpty(rewriter, loc, type,
                    getDim(rewriter, loc, adaptor.getIds(), 0), op.getIds());
    IntegerAttr seed;
    if (op.getOrder() == moe::LimitOrder::Random)
      seed = op.getSeedAttr();
    rewriter.replaceOpWithNewOp<grouped::LimitOp>(
        op, TypeRange{type}, adaptor.getIds(), adaptor.getCapacity(),
        adaptor.getPriority(), adaptor.getSegments(), ValueRange{init},
        op.getNumExpertsAttr(),
        /*by_slot=*/op.getOrder() == moe::LimitOrder::Slot
            ? rewriter.getUnitAttr()
            : UnitAttr(),
        seed);
    return success();
  }
};

struct ConvertSelectTokens : OpConversionPattern<moe::SelectTokensOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(moe::SelectTokensOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value scores = adaptor.getScores();
    Value tokens = getDim(rewriter, loc, scores, 0);
    Value experts = getDim(rewriter, loc, scores, 1);
    SmallVector<Value> inits;
    for (auto [type, sizes] :
         {std::pair(op.getIds().getType(), std::pair(experts, tokens)),
          std::pair(op.getChosen().getType(), std::pair(tokens, experts))}) {
      auto tensor = cast<RankedTensorType>(type);
      SmallVector<Value> dynamic;
      if (tensor.isDynamicDim(0))
        dynamic.push_back(sizes.first);
      if (tensor.isDynamicDim(1))
        dynamic.push_back(sizes.second);
      inits.push_back(tensor::EmptyOp::create(rewriter, loc, tensor, dynamic));
    }
    rewriter.replaceOpWithNewOp<grouped::SelectTokensOp>(
        op, op->getResultTypes(), scores, adaptor.getCapacity(),
        adaptor.getMask(), adaptor.getSegments(), inits,
        op.getRows() == moe::TokenOrder::Score);
    return success();
  }
};

/// Whether a number follows from the sizes of a function's arguments, so that
/// the workspace may depend on it.
static bool followsFromSizes(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isPure(op) || op->getNumRegions())
    return false;
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    auto argument = dyn_cast<BlockArgument>(dim.getSource());
    return argument &&
           isa<FunctionOpInterface>(argument.getOwner()->getParentOp());
  }
  return llvm::all_of(op->getOperands(), followsFromSizes);
}

/// The largest number of rows of a plan of these ids.
static Value getRowLimit(OpBuilder &builder, Location loc, Value ids,
                         Value converted) {
  Value height = getDim(builder, loc, converted, 0);
  Value width = getDim(builder, loc, converted, 1);
  auto select = ids.getDefiningOp<moe::SelectTokensOp>();
  // What experts may take bounds what they take.
  if (select && !select.getSegments() &&
      select.getCapacity().getType().isInteger(32) &&
      followsFromSizes(select.getCapacity())) {
    Value none = arith::ConstantIntOp::create(builder, loc, 0, 32);
    Value taken =
        arith::MaxSIOp::create(builder, loc, select.getCapacity(), none);
    Value capacity =
        arith::IndexCastOp::create(builder, loc, builder.getIndexType(), taken);
    width = arith::MinUIOp::create(builder, loc, width, capacity);
  }
  return arith::MulIOp::create(builder, loc, height, width);
}

/// What has a row.
static StringRef describeRows(moe::PlanOp op) {
  if (op.getByExpert())
    return "rows are the tokens that experts took; no other token is read";
  auto select = op.getIds().getDefiningOp<moe::SelectOp>();
  if (select && select.getParams().empty() && !select.getMask() &&
      isa<moe::TopKAttr>(select.getPolicy()))
    return "each slot of a token is a row";
  return "each id of a token but -1 is a row; there is no padding to the "
         "largest number of experts";
}

struct ConvertPlan : OpConversionPattern<moe::PlanOp> {
  ConvertPlan(const TypeConverter &converter, MLIRContext *context,
              bool explain)
      : OpConversionPattern(converter, context), explain(explain) {}

  LogicalResult
  matchAndRewrite(moe::PlanOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (explain)
      op.emitRemark(describeRows(op));
    Location loc = op.getLoc();
    Type i32 = rewriter.getI32Type();
    Value rows = getRowLimit(rewriter, loc, op.getIds(), adaptor.getIds());
    auto offsets =
        RankedTensorType::get({op.getPlan().getType().getExperts() + 1}, i32);
    auto table = RankedTensorType::get({ShapedType::kDynamic}, i32);
    SmallVector<Type> types = {offsets, table, table};
    SmallVector<Value> inits = {
        tensor::EmptyOp::create(rewriter, loc, offsets, ValueRange()),
        tensor::EmptyOp::create(rewriter, loc, table, rows),
        tensor::EmptyOp::create(rewriter, loc, table, rows)};
    auto sort = grouped::SortOp::create(rewriter, loc, types, adaptor.getIds(),
                                        adaptor.getTokens(), inits);
    SmallVector<SmallVector<Value>> tables = {
        SmallVector<Value>(sort.getResults())};
    rewriter.replaceOpWithMultiple(op, std::move(tables));
    return success();
  }

  bool explain;
};

struct ConvertRows : OpConversionPattern<moe::RowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(moe::RowsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    PlanTables tables(adaptor.getPlan());
    Value last = arith::ConstantIndexOp::create(
        rewriter, loc, op.getPlan().getType().getExperts());
    Value rows = tensor::ExtractOp::create(rewriter, loc, tables.offsets, last);
    Value number = arith::IndexCastOp::create(rewriter, loc,
                                              rewriter.getIndexType(), rows);
    // Sizes that follow from it have a bound that is known before a call.
    rewriter.replaceOpWithNewOp<arith::MinSIOp>(
        op, number, getRowBound(rewriter, loc, tables));
    return success();
  }
};

struct ConvertDispatch : OpConversionPattern<moe::DispatchOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(moe::DispatchOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    PlanTables tables(adaptor.getPlan());
    Value tokens = adaptor.getTokens().front();
    auto type = cast<RankedTensorType>(op.getRows().getType());
    Value init = createEmpty(rewriter, loc, type,
                             getRowBound(rewriter, loc, tables), tokens);
    Value rows = grouped::GatherOp::create(rewriter, loc, TypeRange{type},
                                           tokens, tables.offsets,
                                           tables.tokens, ValueRange{init})
                     .getResult(0);
    if (op.getWeights())
      rows = buildWeightedRows(rewriter, loc, rows,
                               adaptor.getWeights().front(), tables, type);
    rewriter.replaceOp(op, rows);
    return success();
  }
};

struct ConvertCombine : OpConversionPattern<moe::CombineOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(moe::CombineOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    PlanTables tables(adaptor.getPlan());
    Value rows = adaptor.getRows().front();
    auto type = cast<RankedTensorType>(op.getResult().getType());
    if (op.getWeights()) {
      auto weighted = cast<RankedTensorType>(rows.getType());
      rows = buildWeightedRows(
          rewriter, loc, rows, adaptor.getWeights().front(), tables,
          RankedTensorType::get(weighted.getShape(), type.getElementType()));
    }
    rewriter.replaceOpWithNewOp<grouped::CombineOp>(
        op, TypeRange{type}, rows, tables.offsets, tables.tokens,
        ValueRange{adaptor.getInit().front()},
        op.getInto() == moe::CombineInto::Replace);
    return success();
  }
};

struct ConvertSlots : OpConversionPattern<moe::SlotsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(moe::SlotsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    PlanTables tables(adaptor.getPlan());
    rewriter.replaceOpWithNewOp<grouped::SlotsOp>(
        op, TypeRange{op.getResult().getType()}, adaptor.getRows().front(),
        tables.offsets, tables.tokens, tables.slots,
        ValueRange{adaptor.getInit().front()});
    return success();
  }
};
} // namespace

void moec::populateRoutingConversion(RewritePatternSet &patterns,
                                     const TypeConverter &converter,
                                     bool explain) {
  patterns.add<ConvertSelect, ConvertLimit, ConvertSelectTokens, ConvertRows,
               ConvertDispatch, ConvertCombine, ConvertSlots>(
      converter, patterns.getContext());
  patterns.add<ConvertPlan>(converter, patterns.getContext(), explain);
}
