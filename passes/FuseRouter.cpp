// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Clusters start at moe.select and grow through producers whose rows do not
// depend on each other. A cluster becomes one scf.forall over blocks of tokens.

#include "dialects/moe/Moe.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Dims.h"
#include "passes/Passes.h"
#include "passes/RowWise.h"

namespace moec {
#define GEN_PASS_DEF_MOEFUSEROUTERPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec;

namespace {
/// A set of row-wise operations of one block that becomes one loop.
class RouterCluster {
public:
  explicit RouterCluster(moe::SelectOp select) : select(select) { grow(); }

  /// Whether the cluster can stand at the place of its last operation.
  bool isLegal();
  size_t size() const { return members.size(); }
  void fuse(int64_t blockRows);

private:
  void grow();
  bool mayJoin(Operation *producer);
  Value getSlice(OpBuilder &builder, Value tensor);
  void cloneMember(OpBuilder &builder, Operation *op);
  SmallVector<Value> getYielded() const;

  moe::SelectOp select;
  SetVector<Operation *> members;
  /// Members by block order, set by isLegal.
  SmallVector<Operation *> ordered;
  /// Operations that use the cluster's results and stand before its last one.
  SmallVector<Operation *> movedBehind;

  // While fusing: slices of outside tensors and results of cloned members.
  IRMapping slices;
  Value offset, rows;
};
} // namespace

/// Uninitialised or constant rows are made again wherever they are needed.
static bool isRemade(Operation *op) {
  return isa<tensor::EmptyOp, linalg::FillOp>(op);
}

/// Elements of one row, or nothing if that is not known.
static std::optional<int64_t> getRowWidth(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  ArrayRef<int64_t> shape = type.getShape().drop_front();
  if (llvm::any_of(shape, ShapedType::isDynamic))
    return std::nullopt;
  int64_t width = 1;
  for (int64_t size : shape)
    width *= size;
  return width;
}

/// A producer may join where the cluster is its only reader. A tensor as narrow
/// as the scores may have other readers too: it is written out once.
bool RouterCluster::mayJoin(Operation *producer) {
  if (producer->getBlock() != select->getBlock() || isRemade(producer) ||
      !getRowWise(producer))
    return false;
  // A member has the rows of its block only: no other may read all of them.
  auto readsAllRows = [&](Operation *reader, Operation *read) {
    RowWise rowWise = *getRowWise(reader);
    return llvm::any_of(
        llvm::zip_equal(reader->getOperands(), rowWise.isSliced),
        [&](auto pair) {
          auto [operand, isSliced] = pair;
          Operation *def = operand.getDefiningOp();
          return !isSliced && def && def == read;
        });
  };
  for (Operation *member : members)
    if (readsAllRows(member, producer) || readsAllRows(producer, member))
      return false;
  auto scores = cast<RankedTensorType>(select.getScores().front().getType());
  for (Value result : producer->getResults()) {
    bool isPrivate = llvm::all_of(result.getUsers(), [&](Operation *user) {
      return members.contains(user) || isa<tensor::DimOp>(user);
    });
    std::optional<int64_t> width = getRowWidth(result);
    if (!isPrivate && (!width || *width > scores.getDimSize(1)))
      return false;
  }
  return true;
}

void RouterCluster::grow() {
  members.insert(select);
  for (Operation *user : select.getIds().getUsers())
    if (isa<moe::WeighOp>(user) && user->getBlock() == select->getBlock())
      members.insert(user);
  // A producer's other readers may join later, so grow until nothing changes.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < members.size(); ++i) {
      Operation *op = members[i];
      RowWise rowWise = *getRowWise(op);
      for (auto [operand, isSliced] :
           llvm::zip_equal(op->getOperands(), rowWise.isSliced)) {
        Operation *producer = operand.getDefiningOp();
        if (isSliced && producer && !members.contains(producer) &&
            mayJoin(producer))
          changed |= members.insert(producer);
      }
    }
  }
}

bool RouterCluster::isLegal() {
  for (Operation &op : *select->getBlock())
    if (members.contains(&op))
      ordered.push_back(&op);
  // Readers of the cluster that stand before its last operation move behind it,
  // unless the cluster reads them or they have effects.
  SetVector<Operation *> readers;
  for (Operation *op = ordered.front(); op != ordered.back();
       op = op->getNextNode()) {
    if (members.contains(op))
      continue;
    bool reads = op->walk([&](Operation *inner) {
                     for (Value operand : inner->getOperands())
                       if (Operation *def = operand.getDefiningOp())
                         if (members.contains(def) || readers.contains(def))
                           return WalkResult::interrupt();
                     return WalkResult::advance();
                   }).wasInterrupted();
    if (!reads)
      continue;
    if (!isPure(op))
      return false;
    readers.insert(op);
  }
  movedBehind = readers.takeVector();
  for (Operation *op : movedBehind)
    for (Operation *user : op->getUsers())
      if (members.contains(user))
        return false;
  return true;
}

SmallVector<Value> RouterCluster::getYielded() const {
  SmallVector<Value> yielded;
  for (Operation *op : ordered)
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) {
            return !members.contains(user);
          }))
        yielded.push_back(result);
  return yielded;
}

/// Offsets, sizes and strides of the block's rows of a tensor.
static void getBlockOf(OpBuilder &builder, Location loc, Value tensor,
                       Value offset, Value rows,
                       SmallVectorImpl<OpFoldResult> &offsets,
                       SmallVectorImpl<OpFoldResult> &sizes,
                       SmallVectorImpl<OpFoldResult> &strides) {
  auto type = cast<RankedTensorType>(tensor.getType());
  offsets.assign(type.getRank(), builder.getIndexAttr(0));
  strides.assign(type.getRank(), builder.getIndexAttr(1));
  sizes.clear();
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (type.isDynamicDim(dim) && dim != 0)
      sizes.push_back(getDim(builder, loc, tensor, dim));
    else
      sizes.push_back(builder.getIndexAttr(type.getDimSize(dim)));
  }
  offsets[0] = offset;
  sizes[0] = rows;
}

static RankedTensorType getBlockType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  shape[0] = ShapedType::kDynamic;
  return tensor.clone(shape);
}

/// The block's rows of a tensor from outside.
Value RouterCluster::getSlice(OpBuilder &builder, Value tensor) {
  if (Value slice = slices.lookupOrNull(tensor))
    return slice;
  Location loc = tensor.getLoc();
  Value slice;
  if (tensor.getDefiningOp<tensor::EmptyOp>()) {
    slice =
        createEmpty(builder, loc, getBlockType(tensor.getType()), rows, tensor);
  } else if (auto fill = tensor.getDefiningOp<linalg::FillOp>()) {
    Value init = getSlice(builder, fill.getOutputs().front());
    slice = linalg::FillOp::create(builder, loc, fill.getInputs(), init)
                .getResult(0);
  } else {
    SmallVector<OpFoldResult> offsets, sizes, strides;
    getBlockOf(builder, loc, tensor, offset, rows, offsets, sizes, strides);
    slice = tensor::ExtractSliceOp::create(builder, loc,
                                           getBlockType(tensor.getType()),
                                           tensor, offsets, sizes, strides);
  }
  slices.map(tensor, slice);
  return slice;
}

void RouterCluster::cloneMember(OpBuilder &builder, Operation *op) {
  RowWise rowWise = *getRowWise(op);
  SmallVector<Value> operands;
  for (auto [operand, isSliced] :
       llvm::zip_equal(op->getOperands(), rowWise.isSliced))
    operands.push_back(isSliced ? getSlice(builder, operand) : operand);
  Operation *clone = builder.clone(*op);
  clone->setOperands(operands);
  for (OpResult result : clone->getResults())
    result.setType(getBlockType(result.getType()));
  slices.map(op->getResults(), clone->getResults());
}

void RouterCluster::fuse(int64_t blockRows) {
  Operation *last = ordered.back();
  Location loc = select.getLoc();
  OpBuilder builder(last->getNextNode());
  Value tokens = getDim(builder, loc, select.getScores().front(), 0);
  SmallVector<Value> yielded = getYielded();
  SmallVector<Value> outs;
  for (Value value : yielded)
    outs.push_back(createEmpty(
        builder, loc, cast<RankedTensorType>(value.getType()), tokens, value));
  auto loop = scf::ForallOp::create(
      builder, loc, ArrayRef<OpFoldResult>{builder.getIndexAttr(0)},
      ArrayRef<OpFoldResult>{tokens},
      ArrayRef<OpFoldResult>{builder.getIndexAttr(blockRows)}, outs,
      /*mapping=*/std::nullopt);

  OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
  offset = loop.getInductionVar(0);
  // affine.min, since later passes must find the constant bound.
  AffineExpr rest = inner.getAffineSymbolExpr(0) - inner.getAffineDimExpr(0);
  rows = affine::AffineMinOp::create(
      inner, loc,
      AffineMap::get(1, 1, {inner.getAffineConstantExpr(blockRows), rest},
                     inner.getContext()),
      ValueRange{offset, tokens});
  for (Operation *op : ordered)
    cloneMember(inner, op);

  OpBuilder insertions =
      OpBuilder::atBlockBegin(loop.getTerminator().getBody());
  for (auto [value, out] : llvm::zip_equal(yielded, loop.getRegionIterArgs())) {
    SmallVector<OpFoldResult> offsets, sizes, strides;
    getBlockOf(inner, loc, out, offset, rows, offsets, sizes, strides);
    tensor::ParallelInsertSliceOp::create(insertions, loc, slices.lookup(value),
                                          out, offsets, sizes, strides);
  }
  for (auto [value, result] : llvm::zip_equal(yielded, loop.getResults()))
    value.replaceAllUsesWith(result);
  Operation *place = loop;
  for (Operation *op : movedBehind) {
    op->moveAfter(place);
    place = op;
  }
  for (Operation *op : llvm::reverse(ordered))
    op->erase();
}

namespace {
struct FuseRouter : moec::impl::MoeFuseRouterPassBase<FuseRouter> {
  using Base::Base;

  void runOnOperation() override {
    if (blockRows < 1) {
      getOperation()->emitError("block-rows must be at least 1, got ")
          << blockRows;
      return signalPassFailure();
    }
    SmallVector<moe::SelectOp> selects;
    getOperation()->walk([&](moe::SelectOp op) { selects.push_back(op); });
    for (moe::SelectOp select : selects) {
      if (select->getParentOfType<scf::ForallOp>())
        continue;
      RouterCluster cluster(select);
      // A selection alone has nothing to share its rows with.
      if (cluster.size() > 1 && cluster.isLegal())
        cluster.fuse(blockRows);
    }
  }
};
} // namespace
