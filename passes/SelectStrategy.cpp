// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/SelectStrategy.h"
#include "dialects/grouped/Compute.h"
#include "dialects/grouped/TaskPanels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"
#include "llvm/ADT/DenseSet.h"

namespace moec {
#define GEN_PASS_DEF_MOESELECTSTRATEGYPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec;
using namespace moec::grouped;

/// Rows that a block of a parallel loop is taken to have if its size is not
/// known.
static constexpr int64_t kBlockRows = 16;

MatmulShape moec::getMatmulShape(MatmulOp matmul) {
  PanelsAttr panels = *getTaskPanels(matmul);
  auto weight = cast<ShapedType>(matmul.getRhs()[0].getType());
  MatmulShape shape;
  // A dense weight may lack the group dimension.
  if (weight.getRank() > 2 && !weight.isDynamicDim(0))
    shape.groups = std::max<int64_t>(1, weight.getDimSize(0));
  shape.columns = panels.getColumns();
  shape.depth = panels.getDepth();
  shape.parts = panels.getParts();
  shape.numPanels = panels.getNumPanels();
  shape.elementBytes =
      std::max(1u, weight.getElementType().getIntOrFloatBitWidth() / 8);
  shape.isRowMajor = isRowMajor(matmul);
  shape.hasDotTiles = shape.isRowMajor && matmul.getLayout() == RhsLayout::NK;
  if (BlocksAttr blocks = panels.getBlocks()) {
    shape.elementBytes = 4;
    shape.quantizedBytes =
        double(blocks.getLaneBytes()) / double(blocks.getSize());
    if (isInt8(matmul))
      shape.product =
          blocks.getCode() == BlockCode::Int4 ? Product::Int4 : Product::Int8;
  }
  shape.gather = matmul.getGather();
  shape.reduce = matmul.getReduce();
  // Only the routing says how many rows a token has.
  if (Value tokens = matmul.getTokens())
    if (auto sort = tokens.getDefiningOp<SortOp>())
      if (auto ids = cast<ShapedType>(sort.getIds().getType());
          !sort.getTokenCount() && !ids.isDynamicDim(1))
        shape.rowsPerToken = std::max<int64_t>(1, ids.getDimSize(1));
  return shape;
}

/// The tensor whose first dimension is the number of rows.
static Value getRowsOf(MatmulOp matmul) {
  return matmul.isGrouped() ? matmul.getTokens() : matmul.getLhs();
}

bool moec::isNested(MatmulOp matmul) {
  return matmul->getParentOfType<scf::ForallOp>() ||
         matmul->getParentOfType<scf::ParallelOp>();
}

std::optional<int64_t> moec::getKnownRows(MatmulOp matmul) {
  auto type = cast<ShapedType>(getRowsOf(matmul).getType());
  if (!type.isDynamicDim(0))
    return type.getDimSize(0);
  if (auto forall = matmul->getParentOfType<scf::ForallOp>()) {
    ArrayRef<int64_t> steps = forall.getStaticStep();
    if (!steps.empty() && !ShapedType::isDynamic(steps[0]))
      return steps[0];
  }
  if (isNested(matmul))
    return kBlockRows;
  return std::nullopt;
}

MatmulOp moec::getFirstOfWaves(MatmulOp second) {
  auto first = second.getLhs().getDefiningOp<MatmulOp>();
  bool fits = first && getTaskPanels(second) && second.getReduce() &&
              !second.getGather() && getTaskPanels(first) &&
              !first.getReduce() && first->hasOneUse() &&
              first->getBlock() == second->getBlock() &&
              first.getOffsets() == second.getOffsets() &&
              first.getTokens() == second.getTokens() &&
              first.getSlots() == second.getSlots() && !isNested(second) &&
              !getKnownRows(second);
  return fits ? first : MatmulOp();
}

static TileAttr getTileAttr(MLIRContext *context, const Tile &tile) {
  return TileAttr::get(context, tile.rows, tile.depth, tile.panels,
                       tile.taskPanels);
}

/// A matmul with the tiles of its variants, and the rows of a wave or 0.
struct Choice {
  MatmulOp matmul;
  Tile decode, prefill;
  int64_t waveRows = 0;
};

/// Replaces the matmuls, of which each makes the lhs of the next, by `rows <
/// threshold ? decode : prefill` at the position of the last.
static void emitVariants(ArrayRef<Choice> choices, int64_t threshold) {
  MatmulOp last = choices.back().matmul;
  Location loc = last.getLoc();
  OpBuilder builder(last);
  Value rows = tensor::DimOp::create(builder, loc, getRowsOf(last), 0);
  Value limit = arith::ConstantIndexOp::create(builder, loc, threshold);
  Value few = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                    rows, limit);
  auto variant = [&](Tile Choice::*tile) {
    return [choices, tile](OpBuilder &inner, Location loc) {
      IRMapping mapping;
      MatmulOp clone;
      for (const Choice &choice : choices) {
        MatmulOp matmul = choice.matmul;
        clone = cast<MatmulOp>(inner.clone(*matmul, mapping));
        clone.setTileAttr(getTileAttr(matmul.getContext(), choice.*tile));
        if (choice.waveRows)
          clone.setWaveRows(choice.waveRows);
      }
      scf::YieldOp::create(inner, loc, clone.getResults());
    };
  };
  auto choice = scf::IfOp::create(builder, loc, few, variant(&Choice::decode),
                                  variant(&Choice::prefill));
  last->replaceAllUsesWith(choice);
  for (const Choice &old : llvm::reverse(choices))
    MatmulOp(old.matmul).erase();
}

namespace {
struct SelectStrategy : moec::impl::MoeSelectStrategyPassBase<SelectStrategy> {
  void runOnOperation() override {
    FailureOr<TargetDescription> target =
        TargetDescription::get(getOperation());
    if (failed(target))
      return signalPassFailure();
    SmallVector<MatmulOp> matmuls;
    getOperation()->walk([&](MatmulOp matmul) {
      if (getTaskPanels(matmul) && !matmul.getTile() &&
          matmul->getNumResults() == 1)
        matmuls.push_back(matmul);
    });
    llvm::DenseSet<Operation *> done;
    for (MatmulOp matmul : llvm::reverse(matmuls)) {
      if (done.contains(matmul))
        continue;
      if (MatmulOp first = getFirstOfWaves(matmul);
          first && llvm::is_contained(matmuls, first)) {
        done.insert(first);
        selectPair(*target, first, matmul);
      } else {
        select(*target, matmul);
      }
    }
  }

  void selectPair(const TargetDescription &target, MatmulOp first,
                  MatmulOp second) {
    PairStrategy strategy =
        choosePair(target, getMatmulShape(first), getMatmulShape(second));
    Choice choices[] = {{first, strategy.decode.first, strategy.prefill.first},
                        {second, strategy.decode.second,
                         strategy.prefill.second, strategy.waveRows}};
    emitVariants(choices, strategy.threshold);
  }

  void select(const TargetDescription &target, MatmulOp matmul) {
    MatmulShape shape = getMatmulShape(matmul);
    if (std::optional<int64_t> rows = getKnownRows(matmul)) {
      matmul.setTileAttr(getTileAttr(
          &getContext(), chooseTile(target, shape, *rows, isNested(matmul))));
      return;
    }
    Strategy strategy = chooseStrategy(target, shape);
    if (strategy.decode)
      emitVariants(Choice{matmul, *strategy.decode, strategy.prefill},
                   strategy.threshold);
    else
      matmul.setTileAttr(getTileAttr(&getContext(), strategy.prefill));
  }
};
} // namespace
