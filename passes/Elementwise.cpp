// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Elementwise.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace moec;
using namespace moec::grouped;

/// Whether each result of `map` is a dimension or 0, which is what the grouped
/// dialect can index by.
static bool isProjection(AffineMap map) {
  return llvm::all_of(map.getResults(), [](AffineExpr result) {
    auto constant = dyn_cast<AffineConstantExpr>(result);
    return isa<AffineDimExpr>(result) || (constant && constant.getValue() == 0);
  });
}

/// Whether the body is a function of scalars: no effects, no positions, no
/// tensors read at computed places.
static bool isScalarFunction(Block &body) {
  return llvm::all_of(body.without_terminator(), [](Operation &op) {
    return isMemoryEffectFree(&op) && !isa<linalg::IndexOp>(op) &&
           llvm::none_of(op.getOperandTypes(), llvm::IsaPred<ShapedType>);
  });
}

static std::optional<Elementwise> matchMap(MapOp op) {
  if (op->getNumResults() != 1)
    return std::nullopt;
  Elementwise view;
  view.op = op;
  view.tables = getTables(op);
  view.body = &op.getBody().front();
  view.init = op.getInits()[0];
  llvm::append_range(view.inputs, op.getInputs());
  llvm::append_range(view.maps, op.getMaps().getAsValueRange<AffineMapAttr>());
  llvm::append_range(view.arguments, view.body->getArguments());
  return view;
}

static std::optional<Elementwise> matchLinalg(linalg::LinalgOp op) {
  if (op.getNumLoops() != 2 || op.getNumParallelLoops() != 2 ||
      op->getNumResults() != 1 || op.getNumDpsInits() != 1)
    return std::nullopt;
  OpOperand *init = op.getDpsInitOperand(0);
  if (!op.getMatchingIndexingMap(init).isIdentity())
    return std::nullopt;
  MLIRContext *context = op->getContext();
  AffineExpr toRows[] = {getAffineDimExpr(Row, context),
                         getAffineDimExpr(Column, context)};
  Elementwise view;
  view.op = op;
  view.body = op.getBlock();
  view.init = init->get();
  for (OpOperand &operand : op->getOpOperands()) {
    bool read = op.payloadUsesValueFromOperand(&operand);
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!read && &operand == init)
      continue;
    if (!isa<RankedTensorType>(operand.get().getType()) || !isProjection(map))
      return std::nullopt;
    view.readsInit |= &operand == init;
    view.inputs.push_back(operand.get());
    view.arguments.push_back(op.getMatchingBlockArgument(&operand));
    view.maps.push_back(map.replaceDimsAndSymbols(toRows, {}, kNumMapDims, 0));
  }
  return view;
}

std::optional<Elementwise> Elementwise::match(Operation *op) {
  std::optional<Elementwise> view;
  if (auto map = dyn_cast<MapOp>(op))
    view = matchMap(map);
  else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    view = matchLinalg(linalgOp);
  if (!view || !isScalarFunction(*view->body))
    return std::nullopt;
  return view;
}

std::optional<unsigned> Elementwise::getSoleUse(Value value) const {
  // One use means one operand, so it is enough to find it.
  if (!value.hasOneUse())
    return std::nullopt;
  MLIRContext *context = op->getContext();
  for (auto [index, input] : llvm::enumerate(inputs)) {
    if (input != value)
      continue;
    AffineMap map = maps[index];
    AffineExpr row = getAffineDimExpr(Row, context);
    AffineExpr token = getAffineDimExpr(Token, context);
    bool sameRow =
        map.getNumResults() == 2 &&
        (map.getResult(0) == row || (!tables[0] && map.getResult(0) == token));
    if (!sameRow || map.getResult(1) != getAffineDimExpr(Column, context) ||
        (readsInit && input == init))
      return std::nullopt;
    return index;
  }
  return std::nullopt;
}

Value Elementwise::inlineBody(OpBuilder &builder, ValueRange scalars) const {
  IRMapping mapping;
  mapping.map(arguments, scalars);
  for (Operation &inner : body->without_terminator())
    builder.clone(inner, mapping);
  return mapping.lookupOrDefault(body->getTerminator()->getOperand(0));
}

unsigned MappedOperands::add(Value value, AffineMap map) {
  for (auto [index, known, knownMap] : llvm::enumerate(values, maps))
    if (known == value && knownMap == map)
      return index;
  values.push_back(value);
  maps.push_back(map);
  return values.size() - 1;
}

std::optional<unsigned> moec::getFusableUse(MatmulOp producer,
                                            const Elementwise &consumer) {
  if (producer->getNumResults() != 1 || producer.getReduce() ||
      producer->getBlock() != consumer.op->getBlock() ||
      getTables(producer) != consumer.tables)
    return std::nullopt;
  auto type = cast<RankedTensorType>(consumer.init.getType());
  if (type.getRank() != 2 || !type.getElementType().isF32())
    return std::nullopt;
  return consumer.getSoleUse(producer->getResult(0));
}

MatmulOp moec::fuseIntoMatmul(RewriterBase &rewriter,
                              ArrayRef<MatmulOp> producers,
                              ArrayRef<unsigned> uses,
                              const Elementwise &consumer) {
  MatmulOp first = producers.front();
  SmallVector<Value> weights;
  MappedOperands extras;
  // Where each producer's and the consumer's extras stand among the new ones.
  SmallVector<SmallVector<unsigned>> extraIndices;
  unsigned numParts = 0;
  for (MatmulOp producer : producers) {
    llvm::append_range(weights, producer.getRhs());
    numParts += producer.getNumParts();
    SmallVector<unsigned> &indices = extraIndices.emplace_back();
    for (auto [value, map] :
         llvm::zip(producer.getExtras(),
                   producer.getMaps().getAsValueRange<AffineMapAttr>()))
      indices.push_back(extras.add(value, map));
  }
  SmallVector<std::optional<unsigned>> inputIndices;
  for (auto [index, value, map] :
       llvm::enumerate(consumer.inputs, consumer.maps)) {
    if (llvm::is_contained(uses, index))
      inputIndices.push_back(std::nullopt);
    else
      inputIndices.push_back(extras.add(value, map));
  }

  rewriter.setInsertionPoint(consumer.op);
  Location loc = rewriter.getFusedLoc({first.getLoc(), consumer.op->getLoc()});
  // A destination that the body reads cannot hold partial results meanwhile.
  Value init = consumer.readsInit ? first.getInits()[0] : consumer.init;
  auto fused = MatmulOp::create(
      rewriter, loc, TypeRange(init.getType()), first.getLhs(), weights,
      first.getOffsets(), first.getTokens(), first.getSlots(), extras.values,
      init, first.getLayout(), rewriter.getAffineMapArrayAttr(extras.maps),
      first.getGather(), /*reduce=*/false, first.getPanelsAttr(),
      first.getTileAttr(), /*wave_rows=*/IntegerAttr());

  SmallVector<Type> types(numParts, rewriter.getF32Type());
  for (Value extra : extras.values)
    types.push_back(cast<ShapedType>(extra.getType()).getElementType());
  Block *block = rewriter.createBlock(&fused.getEpilogue(), {}, types,
                                      SmallVector<Location>(types.size(), loc));
  SmallVector<Value> scalars(consumer.inputs.size());
  unsigned part = 0;
  for (auto [index, indices] : llvm::enumerate(extraIndices)) {
    MatmulOp producer = producers[index];
    Block &epilogue = producer.getEpilogue().front();
    IRMapping mapping;
    for (auto [position, argument] : llvm::enumerate(epilogue.getArguments())) {
      unsigned parts = producer.getNumParts();
      unsigned to = position < parts ? part + position
                                     : numParts + indices[position - parts];
      mapping.map(argument, block->getArgument(to));
    }
    part += producer.getNumParts();
    for (Operation &inner : epilogue.without_terminator())
      rewriter.clone(inner, mapping);
    scalars[uses[index]] =
        mapping.lookupOrDefault(epilogue.getTerminator()->getOperand(0));
  }
  for (auto [index, extra] : llvm::enumerate(inputIndices))
    if (extra)
      scalars[index] = block->getArgument(numParts + *extra);
  YieldOp::create(rewriter, loc, consumer.inlineBody(rewriter, scalars));

  Value result = fused->getResult(0);
  if (result.getType() != consumer.op->getResult(0).getType()) {
    rewriter.setInsertionPointAfter(fused);
    result = tensor::CastOp::create(
        rewriter, loc, consumer.op->getResult(0).getType(), result);
  }
  rewriter.replaceOp(consumer.op, result);
  for (MatmulOp producer : producers)
    rewriter.eraseOp(producer);
  return fused;
}
