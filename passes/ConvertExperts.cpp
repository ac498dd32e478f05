// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe.experts: each piece of the region becomes one operation on the rows of
// all experts.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "passes/ConvertMoeToGrouped.h"
#include "passes/Dims.h"
#include "passes/ExpertRegion.h"

using namespace mlir;
using namespace moec;

namespace {
/// Emits the pieces of one region, in order.
class PieceEmitter {
public:
  PieceEmitter(OpBuilder &builder, const ExpertRegion &region,
               const PlanTables &tables, bool explain)
      : builder(builder), region(region), tables(tables), explain(explain) {
    rowBound = getRowBound(builder, tables.tokens.getLoc(), tables);
  }

  void bind(Value inside, Value outside) { mapping.map(inside, outside); }
  void emit(Operation *op);
  /// The rows of all experts that the value of the region stands for.
  Value getRows(Value inside);

private:
  void emitMatmul(linalg::LinalgOp op);
  void emitColumns(tensor::ExtractSliceOp op);
  void emitMap(linalg::LinalgOp op, unsigned result);
  /// Adds an input of a map, and its block argument or scalar.
  void addInput(Value inside, AffineMap map, BlockArgument argument,
                Block &body, IRMapping &scalars);
  Value createRows(Location loc, int64_t width, Type elementType);
  Value toFloat32(Location loc, Value rows);
  void remark(Operation *op, const Twine &text);

  OpBuilder &builder;
  const ExpertRegion &region;
  PlanTables tables;
  bool explain;
  Value rowBound;
  IRMapping mapping;
  /// Inputs and maps of the grouped.map or matmul that is being made.
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
};

bool isZero(Value scalar) { return matchPattern(scalar, m_AnyZeroFloat()); }
} // namespace

void PieceEmitter::remark(Operation *op, const Twine &text) {
  if (explain)
    op->emitRemark() << text.str();
}

Value PieceEmitter::createRows(Location loc, int64_t width, Type elementType) {
  return tensor::EmptyOp::create(
      builder, loc,
      RankedTensorType::get({ShapedType::kDynamic, width}, elementType),
      rowBound);
}

void PieceEmitter::emit(Operation *op) {
  switch (region.getPiece(op)) {
  case PieceKind::None:
    return;
  case PieceKind::Hoisted:
    builder.clone(*op, mapping);
    if (!op->hasTrait<OpTrait::ConstantLike>())
      remark(op, "computed once for all experts: it uses nothing of one");
    return;
  case PieceKind::Matmul:
    return emitMatmul(cast<linalg::LinalgOp>(op));
  case PieceKind::Map:
    remark(op, "becomes grouped.map: it is row-wise");
    for (unsigned result = 0; result < op->getNumResults(); ++result)
      emitMap(cast<linalg::LinalgOp>(op), result);
    return;
  case PieceKind::RowWise:
    remark(op, "stays as it is, on the rows of all experts: it computes each "
               "row alone");
    for (Value operand : op->getOperands())
      if (region.getKind(operand) != ValueKind::Outside)
        getRows(operand);
    builder.clone(*op, mapping);
    return;
  case PieceKind::Columns:
    return emitColumns(cast<tensor::ExtractSliceOp>(op));
  }
}

void PieceEmitter::emitColumns(tensor::ExtractSliceOp op) {
  auto outside = [&](ArrayRef<OpFoldResult> values) {
    SmallVector<OpFoldResult> result;
    for (OpFoldResult value : values)
      result.push_back(isa<Value>(value)
                           ? mapping.lookupOrDefault(cast<Value>(value))
                           : value);
    return result;
  };
  SmallVector<OpFoldResult> sizes = outside(op.getMixedSizes());
  sizes.front() = rowBound;
  Value columns = tensor::ExtractSliceOp::create(
      builder, op.getLoc(), op.getType(), getRows(op.getSource()),
      outside(op.getMixedOffsets()), sizes, outside(op.getMixedStrides()));
  mapping.map(op.getResult(), columns);
}

Value PieceEmitter::toFloat32(Location loc, Value rows) {
  auto type = cast<RankedTensorType>(rows.getType());
  if (type.getElementType().isF32())
    return rows;
  Value init = createRows(loc, type.getDimSize(1), builder.getF32Type());
  auto map = grouped::MapOp::create(
      builder, loc, TypeRange{init.getType()}, tables.offsets, tables.tokens,
      tables.slots, rows, init,
      builder.getAffineMapArrayAttr(
          {getMapOf(builder.getContext(), {grouped::Row, grouped::Column})}));
  OpBuilder::InsertionGuard guard(builder);
  Block *body =
      builder.createBlock(&map.getBody(), {}, {type.getElementType()}, {loc});
  Value wide = arith::ExtFOp::create(builder, loc, builder.getF32Type(),
                                     body->getArgument(0));
  grouped::YieldOp::create(builder, loc, wide);
  return map.getResult(0);
}

void PieceEmitter::emitMatmul(linalg::LinalgOp op) {
  Contraction contraction = region.getContraction(op);
  Location loc = op.getLoc();
  Value weight = contraction.rhs->get();
  bool isSlice = region.getKind(weight) == ValueKind::Slice;
  remark(op, isSlice
                 ? "becomes grouped.matmul: rows meet the expert's slice"
                 : "becomes one shared matmul: the weight is no expert's own");
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Type f32 = builder.getF32Type();
  Value lhs = toFloat32(loc, getRows(contraction.lhs->get()));
  Value init = createRows(loc, type.getDimSize(1), f32);

  // The initial value is zero, or it is added by the epilogue.
  Value start = contraction.init->get();
  ValueKind startKind = region.getKind(start);
  Value startScalar = region.getFillValue(start);
  bool addsScalar = startKind == ValueKind::Fill && !isZero(startScalar);
  SmallVector<Value> extras;
  SmallVector<AffineMap> extraMaps;
  SmallVector<Type> argumentTypes = {f32};
  if (startKind == ValueKind::Rows) {
    extras.push_back(getRows(start));
    extraMaps.push_back(
        getMapOf(builder.getContext(), {grouped::Row, grouped::Column}));
    argumentTypes.push_back(type.getElementType());
  }
  // A shared weight needs no groups: all rows are one.
  Value stack = mapping.lookupOrDefault(weight);
  auto matmul = grouped::MatmulOp::create(
      builder, loc, TypeRange{init.getType()}, lhs, ValueRange{stack},
      isSlice ? tables.offsets : Value(), isSlice ? tables.tokens : Value(),
      isSlice ? tables.slots : Value(), extras, ValueRange{init},
      contraction.layout, builder.getAffineMapArrayAttr(extraMaps),
      /*gather=*/false, /*reduce=*/false, grouped::PanelsAttr(),
      grouped::TileAttr(), /*wave_rows=*/IntegerAttr());
  {
    OpBuilder::InsertionGuard guard(builder);
    SmallVector<Location> locations(argumentTypes.size(), loc);
    Block *body = builder.createBlock(&matmul.getEpilogue(), {}, argumentTypes,
                                      locations);
    Value value = body->getArgument(0);
    Value addend;
    if (addsScalar)
      addend = mapping.lookupOrDefault(startScalar);
    else if (startKind == ValueKind::Rows)
      addend = body->getArgument(1);
    if (addend) {
      if (addend.getType() != f32)
        addend = arith::ExtFOp::create(builder, loc, f32, addend);
      value = arith::AddFOp::create(builder, loc, addend, value);
    }
    grouped::YieldOp::create(builder, loc, value);
  }
  Value rows = matmul.getResult(0);
  if (type.getElementType() != f32) {
    Value narrow = createRows(loc, type.getDimSize(1), type.getElementType());
    auto map = grouped::MapOp::create(
        builder, loc, TypeRange{narrow.getType()}, tables.offsets,
        tables.tokens, tables.slots, rows, narrow,
        builder.getAffineMapArrayAttr(
            {getMapOf(builder.getContext(), {grouped::Row, grouped::Column})}));
    OpBuilder::InsertionGuard guard(builder);
    Block *body = builder.createBlock(&map.getBody(), {}, {f32}, {loc});
    Value cast = arith::TruncFOp::create(builder, loc, type.getElementType(),
                                         body->getArgument(0));
    grouped::YieldOp::create(builder, loc, cast);
    rows = map.getResult(0);
  }
  mapping.map(op->getResult(0), rows);
}

void PieceEmitter::addInput(Value inside, AffineMap map, BlockArgument argument,
                            Block &body, IRMapping &scalars) {
  if (argument.use_empty())
    return;
  ValueKind kind = region.getKind(inside);
  Value outside = mapping.lookupOrDefault(inside);
  // A scalar needs no map.
  if (kind == ValueKind::Fill) {
    scalars.map(argument, mapping.lookupOrDefault(region.getFillValue(inside)));
    return;
  }
  if (!isa<RankedTensorType>(inside.getType())) {
    scalars.map(argument, outside);
    return;
  }
  MLIRContext *context = builder.getContext();
  SmallVector<AffineExpr> results;
  if (kind == ValueKind::Slice)
    results.push_back(getAffineDimExpr(grouped::Group, context));
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    results.push_back(!dim ? expr
                           : getAffineDimExpr(dim.getPosition() == 0
                                                  ? grouped::Row
                                                  : grouped::Column,
                                              context));
  }
  inputs.push_back(outside);
  maps.push_back(AffineMap::get(grouped::kNumMapDims, 0, results, context));
  scalars.map(argument, body.addArgument(argument.getType(), inside.getLoc()));
}

void PieceEmitter::emitMap(linalg::LinalgOp op, unsigned result) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op->getResult(result).getType());
  inputs.clear();
  maps.clear();
  IRMapping scalars = mapping;
  Region bodyRegion;
  Block *body = new Block();
  bodyRegion.push_back(body);
  Block &payload = *op.getBlock();
  for (OpOperand &operand : op->getOpOperands())
    addInput(operand.get(), op.getMatchingIndexingMap(&operand),
             payload.getArgument(operand.getOperandNumber()), *body, scalars);

  Value init = createRows(loc, type.getDimSize(1), type.getElementType());
  auto map = grouped::MapOp::create(
      builder, loc, TypeRange{type}, tables.offsets, tables.tokens,
      tables.slots, inputs, init, builder.getAffineMapArrayAttr(maps));
  map.getBody().takeBody(bodyRegion);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(body);
  for (Operation &inner : payload.without_terminator())
    builder.clone(inner, scalars);
  grouped::YieldOp::create(
      builder, loc,
      scalars.lookupOrDefault(payload.getTerminator()->getOperand(result)));
  mapping.map(op->getResult(result), map.getResult(0));
}

Value PieceEmitter::getRows(Value inside) {
  if (Value rows = mapping.lookupOrNull(inside))
    return rows;
  auto type = cast<RankedTensorType>(inside.getType());
  Location loc = inside.getLoc();
  Value empty = tensor::EmptyOp::create(builder, loc, type, rowBound);
  Value rows = empty;
  if (Value scalar = region.getFillValue(inside))
    rows = linalg::FillOp::create(builder, loc, mapping.lookupOrDefault(scalar),
                                  empty)
               .getResult(0);
  mapping.map(inside, rows);
  return rows;
}

LogicalResult moec::checkExperts(moe::ExpertsOp op) {
  for (Type type : op.getResultTypes()) {
    auto tensor = cast<RankedTensorType>(type);
    bool isRagged =
        llvm::any_of(tensor.getShape().drop_front(), ShapedType::isDynamic);
    if (isRagged && !findRowsLike(op, tensor))
      return op.emitOpError("has a result of ")
             << type
             << ", and no row operand has the sizes of its dynamic dimensions";
  }
  return success();
}

/// Why the regions do not become operations on the rows of all experts, or
/// nothing.
static std::string whyNotSplit(moe::ExpertsOp op, ExpertRegion &region) {
  std::string why = whyHeterogeneous(op);
  if (!why.empty() || succeeded(region.analyze()))
    return why;
  return ("'" + region.where->getName().getStringRef() + "' " + region.reason)
      .str();
}

namespace {
struct ConvertExperts : OpConversionPattern<moe::ExpertsOp> {
  ConvertExperts(const TypeConverter &converter, MLIRContext *context,
                 bool explain)
      : OpConversionPattern(converter, context), explain(explain) {}

  LogicalResult
  matchAndRewrite(moe::ExpertsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ExpertRegion region(op);
    PlanTables tables(adaptor.getPlan());
    std::string whyNot = whyNotSplit(op, region);
    if (!whyNot.empty()) {
      if (explain)
        op.emitRemark() << "runs expert by expert, those without rows left "
                           "out: "
                        << whyNot;
      auto first = [](ValueRange values) { return values.front(); };
      rewriter.replaceOp(
          op,
          emitForEachExpert(
              rewriter, op,
              SmallVector<Value>(llvm::map_range(adaptor.getRows(), first)),
              SmallVector<Value>(llvm::map_range(adaptor.getParams(), first)),
              tables));
      return success();
    }
    PieceEmitter emitter(rewriter, region, tables, explain);
    Block &body = op.getBodies().front().front();
    unsigned argument = 0;
    for (ValueRange rows : adaptor.getRows())
      emitter.bind(body.getArgument(argument++), rows.front());
    for (ValueRange stack : adaptor.getParams())
      emitter.bind(body.getArgument(argument++), stack.front());
    for (Operation &inner : body.without_terminator())
      emitter.emit(&inner);
    SmallVector<Value> results;
    for (Value value : body.getTerminator()->getOperands())
      results.push_back(emitter.getRows(value));
    rewriter.replaceOp(op, results);
    return success();
  }

  bool explain;
};
} // namespace

void moec::populateExpertsConversion(RewritePatternSet &patterns,
                                     const TypeConverter &converter,
                                     bool explain) {
  patterns.add<ConvertExperts>(converter, patterns.getContext(), explain);
}
