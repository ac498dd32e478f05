// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Elementwise.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOEFUSEMAPSPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec;
using namespace moec::grouped;

/// Whether the view computes on rows of a matmul: dense linalg that has nothing
/// to do with one is not this dialect's business.
static bool isOnMatmulRows(const Elementwise &view) {
  return isa<MapOp>(view.op) || llvm::any_of(view.inputs, [](Value input) {
           return isa_and_nonnull<MatmulOp, MapOp>(input.getDefiningOp());
         });
}

/// The input of `consumer` that `producer` computes, if the consumer is all
/// that reads it. Unlike getSoleUse it may read the element several times.
static bool isOnlyReader(const Elementwise &producer,
                         const Elementwise &consumer) {
  Value value = producer.op->getResult(0);
  if (producer.tables != consumer.tables ||
      producer.op->getBlock() != consumer.op->getBlock() ||
      !llvm::all_of(value.getUsers(),
                    [&](Operation *user) { return user == consumer.op; }))
    return false;
  MLIRContext *context = producer.op->getContext();
  AffineMap here = AffineMap::get(
      kNumMapDims, 0,
      {getAffineDimExpr(Row, context), getAffineDimExpr(Column, context)},
      context);
  return consumer.init != value &&
         llvm::all_of(
             llvm::zip(consumer.inputs, consumer.maps), [&](auto pair) {
               return std::get<0>(pair) != value || std::get<1>(pair) == here;
             });
}

/// One grouped.map in place of both.
static void fuse(RewriterBase &rewriter, const Elementwise &producer,
                 const Elementwise &consumer) {
  Value between = producer.op->getResult(0);
  // The producer's operands stand where its result stood.
  MappedOperands operands;
  SmallVector<unsigned> producerIndices;
  SmallVector<std::optional<unsigned>> consumerIndices;
  for (auto [value, map] : llvm::zip(consumer.inputs, consumer.maps)) {
    if (value != between) {
      consumerIndices.push_back(operands.add(value, map));
      continue;
    }
    consumerIndices.push_back(std::nullopt);
    if (producerIndices.empty())
      for (auto [input, inputMap] : llvm::zip(producer.inputs, producer.maps))
        producerIndices.push_back(operands.add(input, inputMap));
  }

  rewriter.setInsertionPoint(consumer.op);
  Location loc =
      rewriter.getFusedLoc({producer.op->getLoc(), consumer.op->getLoc()});
  auto fused = MapOp::create(rewriter, loc, consumer.op->getResultTypes(),
                             consumer.tables[0], consumer.tables[1],
                             consumer.tables[2], operands.values, consumer.init,
                             rewriter.getAffineMapArrayAttr(operands.maps));
  SmallVector<Type> types;
  for (Value operand : operands.values)
    types.push_back(cast<ShapedType>(operand.getType()).getElementType());
  Block *block = rewriter.createBlock(&fused.getBody(), {}, types,
                                      SmallVector<Location>(types.size(), loc));
  SmallVector<Value> scalars;
  for (unsigned index : producerIndices)
    scalars.push_back(block->getArgument(index));
  Value element = producer.inlineBody(rewriter, scalars);
  scalars.clear();
  for (std::optional<unsigned> index : consumerIndices)
    scalars.push_back(index ? Value(block->getArgument(*index)) : element);
  YieldOp::create(rewriter, loc, consumer.inlineBody(rewriter, scalars));
  rewriter.replaceOp(consumer.op, fused);
  rewriter.eraseOp(producer.op);
}

namespace {
struct FuseMaps : moec::impl::MoeFuseMapsPassBase<FuseMaps> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    while (fuseOne(rewriter))
      ;
  }

  /// Fuses the first pair found; the fused map may fuse again.
  bool fuseOne(RewriterBase &rewriter) {
    WalkResult result = getOperation()->walk([&](Operation *op) {
      std::optional<Elementwise> consumer = Elementwise::match(op);
      if (!consumer)
        return WalkResult::advance();
      for (Value input : consumer->inputs) {
        Operation *definition = input.getDefiningOp();
        std::optional<Elementwise> producer;
        if (definition)
          producer = Elementwise::match(definition);
        if (!producer || !isOnMatmulRows(*producer) ||
            !isOnlyReader(*producer, *consumer))
          continue;
        fuse(rewriter, *producer, *consumer);
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    return result.wasInterrupted();
  }
};
} // namespace
