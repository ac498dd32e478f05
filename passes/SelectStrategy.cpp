// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/SelectStrategy.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Passes.h"

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
  PanelsAttr panels = *matmul.getPanels();
  auto weight = cast<ShapedType>(matmul.getRhs()[0].getType());
  MatmulShape shape;
  if (!weight.isDynamicDim(0))
    shape.groups = std::max<int64_t>(1, weight.getDimSize(0));
  shape.columns = panels.getColumns();
  shape.depth = panels.getDepth();
  shape.parts = panels.getParts();
  shape.numPanels = panels.getNumPanels();
  shape.elementBytes =
      std::max(1u, weight.getElementType().getIntOrFloatBitWidth() / 8);
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

static TileAttr getTileAttr(MLIRContext *context, const Tile &tile) {
  return TileAttr::get(context, tile.rows, tile.depth, tile.panels,
                       tile.taskPanels);
}

/// Replaces `matmul` by `rows < threshold ? decode : prefill`.
static void emitVariants(MatmulOp matmul, const Strategy &strategy) {
  Location loc = matmul.getLoc();
  MLIRContext *context = matmul.getContext();
  OpBuilder builder(matmul);
  Value rows = tensor::DimOp::create(builder, loc, getRowsOf(matmul), 0);
  Value threshold =
      arith::ConstantIndexOp::create(builder, loc, strategy.threshold);
  Value few = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                    rows, threshold);
  auto variant = [&](const Tile &tile) {
    return [&matmul, context, tile](OpBuilder &inner, Location loc) {
      auto clone = cast<MatmulOp>(inner.clone(*matmul));
      clone.setTileAttr(getTileAttr(context, tile));
      scf::YieldOp::create(inner, loc, clone.getResults());
    };
  };
  auto choice = scf::IfOp::create(builder, loc, few, variant(*strategy.decode),
                                  variant(strategy.prefill));
  matmul->replaceAllUsesWith(choice);
  matmul.erase();
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
      if (matmul.getPanels() && !matmul.getTile() &&
          matmul->getNumResults() == 1)
        matmuls.push_back(matmul);
    });
    for (MatmulOp matmul : matmuls)
      select(*target, matmul);
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
      emitVariants(matmul, strategy);
    else
      matmul.setTileAttr(getTileAttr(&getContext(), strategy.prefill));
  }
};
} // namespace
