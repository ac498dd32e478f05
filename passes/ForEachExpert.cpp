// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The region of moe.experts as it stands, once for each expert that has rows:
// what serves every region that has no better strategy.

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "passes/ConvertMoeToGrouped.h"
#include "passes/Dims.h"

using namespace mlir;
using namespace moec;

namespace {
class ForEachExpert {
public:
  ForEachExpert(moe::ExpertsOp op, ValueRange rows, ValueRange stacks,
                const PlanTables &tables)
      : op(op), loc(op.getLoc()), rows(rows), stacks(stacks), tables(tables),
        experts(op.getPlan().getType().getExperts()) {}

  SmallVector<Value> emit(OpBuilder &builder);

private:
  SmallVector<Value> createOutputs(OpBuilder &builder);
  /// Runs the member of `expert`, if it is not null.
  SmallVector<Value> emitMember(OpBuilder &builder, ValueRange outputs);
  SmallVector<Value> emitRegion(OpBuilder &builder, Region &region,
                                ValueRange outputs);
  Value loadIndex(OpBuilder &builder, Value table, Value position);
  /// Entry `expert` of a table of the operation.
  Value lookUp(OpBuilder &builder, ArrayRef<int32_t> table);
  /// Rows of the expert in a tensor of rows like `like`.
  SmallVector<OpFoldResult> getSizes(OpBuilder &builder, Value like);

  moe::ExpertsOp op;
  Location loc;
  SmallVector<Value> rows, stacks;
  PlanTables tables;
  int64_t experts;
  Value rowBound, expert, begin, count;
};
} // namespace

Value ForEachExpert::loadIndex(OpBuilder &builder, Value table,
                               Value position) {
  Value entry = tensor::ExtractOp::create(builder, loc, table, position);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    entry);
}

Value ForEachExpert::lookUp(OpBuilder &builder, ArrayRef<int32_t> table) {
  auto type = RankedTensorType::get({experts}, builder.getI32Type());
  Value constant = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(type, table));
  return loadIndex(builder, constant, expert);
}

SmallVector<OpFoldResult> ForEachExpert::getSizes(OpBuilder &builder,
                                                  Value like) {
  SmallVector<OpFoldResult> sizes = {count};
  auto type = cast<RankedTensorType>(like.getType());
  for (int64_t dim = 1; dim < type.getRank(); ++dim)
    sizes.push_back(getAsOpFoldResult(getDim(builder, loc, like, dim)));
  return sizes;
}

SmallVector<Value> ForEachExpert::createOutputs(OpBuilder &builder) {
  bool hasNull = false;
  for (int64_t index = 0; index < experts; ++index)
    hasNull |= op.getMember(index) < 0;
  SmallVector<Value> outputs;
  for (Type type : op.getResultTypes()) {
    auto tensor = cast<RankedTensorType>(type);
    Value output = createEmpty(builder, loc, tensor, rowBound,
                               findRowsLike(op, tensor).value_or(rows.front()));
    if (hasNull) {
      Value zero = arith::ConstantOp::create(
          builder, loc, builder.getZeroAttr(tensor.getElementType()));
      output = linalg::FillOp::create(builder, loc, zero, output).getResult(0);
    }
    outputs.push_back(output);
  }
  return outputs;
}

SmallVector<Value> ForEachExpert::emitRegion(OpBuilder &builder, Region &region,
                                             ValueRange outputs) {
  Block &body = region.front();
  IRMapping mapping;
  unsigned argument = 0;
  auto ones = [&](int64_t rank) {
    return SmallVector<OpFoldResult>(rank, builder.getIndexAttr(1));
  };
  for (Value all : rows) {
    int64_t rank = cast<RankedTensorType>(all.getType()).getRank();
    SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0));
    offsets.front() = begin;
    BlockArgument inside = body.getArgument(argument++);
    mapping.map(inside,
                tensor::ExtractSliceOp::create(
                    builder, loc, cast<RankedTensorType>(inside.getType()), all,
                    offsets, getSizes(builder, all), ones(rank)));
  }
  Value slot;
  for (Value stack : stacks) {
    BlockArgument inside = body.getArgument(argument++);
    // A stack that the region does not read may have fewer slices.
    if (inside.use_empty())
      continue;
    if (!slot)
      slot = op.getSlot() ? lookUp(builder, *op.getSlot()) : expert;
    int64_t rank = cast<RankedTensorType>(stack.getType()).getRank();
    SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0));
    offsets.front() = slot;
    SmallVector<OpFoldResult> sizes = getSizes(builder, stack);
    sizes.front() = builder.getIndexAttr(1);
    mapping.map(inside,
                tensor::ExtractSliceOp::create(
                    builder, loc, cast<RankedTensorType>(inside.getType()),
                    stack, offsets, sizes, ones(rank)));
  }
  mapping.map(body.getArgument(argument), expert);
  for (Operation &inner : body.without_terminator())
    builder.clone(inner, mapping);

  SmallVector<Value> results;
  for (auto [value, output] :
       llvm::zip_equal(body.getTerminator()->getOperands(), outputs)) {
    int64_t rank = cast<RankedTensorType>(output.getType()).getRank();
    SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0));
    offsets.front() = begin;
    results.push_back(tensor::InsertSliceOp::create(
        builder, loc, mapping.lookupOrDefault(value), output, offsets,
        getSizes(builder, output), ones(rank)));
  }
  return results;
}

SmallVector<Value> ForEachExpert::emitMember(OpBuilder &builder,
                                             ValueRange outputs) {
  if (!op.getMembers())
    return emitRegion(builder, op.getBodies().front(), outputs);
  SmallVector<int64_t> cases;
  for (Region &body : op.getBodies())
    cases.push_back(body.getRegionNumber());
  auto choice = scf::IndexSwitchOp::create(builder, loc, outputs.getTypes(),
                                           lookUp(builder, *op.getMembers()),
                                           cases, cases.size());
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&choice.getDefaultRegion());
  scf::YieldOp::create(builder, loc, outputs);
  for (auto [body, region] :
       llvm::zip_equal(op.getBodies(), choice.getCaseRegions())) {
    builder.createBlock(&region);
    scf::YieldOp::create(builder, loc, emitRegion(builder, body, outputs));
  }
  return SmallVector<Value>(choice.getResults());
}

SmallVector<Value> ForEachExpert::emit(OpBuilder &builder) {
  rowBound = getRowBound(builder, loc, tables);
  SmallVector<Value> outputs = createOutputs(builder);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value end = arith::ConstantIndexOp::create(builder, loc, experts);
  auto loop = scf::ForOp::create(
      builder, loc, zero, end, one, outputs,
      [&](OpBuilder &inLoop, Location, Value id, ValueRange carried) {
        expert = id;
        begin = loadIndex(inLoop, tables.offsets, expert);
        Value next = arith::AddIOp::create(inLoop, loc, expert, one);
        Value last = loadIndex(inLoop, tables.offsets, next);
        Value hasRows = arith::CmpIOp::create(
            inLoop, loc, arith::CmpIPredicate::ult, begin, last);
        auto choice = scf::IfOp::create(
            inLoop, loc, hasRows,
            [&](OpBuilder &inThen, Location) {
              Value number = arith::SubIOp::create(inThen, loc, last, begin);
              // Says how much room the rows of one expert need at most.
              count = arith::MinUIOp::create(inThen, loc, number, rowBound);
              scf::YieldOp::create(inThen, loc, emitMember(inThen, carried));
            },
            [&](OpBuilder &inElse, Location) {
              scf::YieldOp::create(inElse, loc, carried);
            });
        scf::YieldOp::create(inLoop, loc, choice.getResults());
      });
  return SmallVector<Value>(loop.getResults());
}

std::optional<Value> moec::findRowsLike(moe::ExpertsOp op,
                                        RankedTensorType type) {
  for (Value rows : op.getRows()) {
    auto like = cast<RankedTensorType>(rows.getType());
    if (like.getRank() != type.getRank())
      continue;
    bool hasSizes = true;
    for (int64_t dim = 1; dim < type.getRank(); ++dim)
      hasSizes &= !type.isDynamicDim(dim) || like.isDynamicDim(dim);
    if (hasSizes)
      return rows;
  }
  return std::nullopt;
}

SmallVector<Value> moec::emitForEachExpert(OpBuilder &builder,
                                           moe::ExpertsOp op, ValueRange rows,
                                           ValueRange stacks,
                                           const PlanTables &tables) {
  return ForEachExpert(op, rows, stacks, tables).emit(builder);
}
