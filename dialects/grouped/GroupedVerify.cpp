// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One verifier per operation; the labels are those of the ODS descriptions.
// Sizes are compared only where both are static.

#include "dialects/grouped/Compute.h"
#include "dialects/grouped/Grouped.h"

using namespace mlir;
using namespace moec::grouped;

static ShapedType shapeOf(Value value) {
  return cast<ShapedType>(value.getType());
}

static bool agree(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

/// Number of groups that `offsets` splits rows into, or dynamic.
static int64_t groupsOf(Value offsets) {
  int64_t size = shapeOf(offsets).getDimSize(0);
  return ShapedType::isDynamic(size) ? size : size - 1;
}

/// Checks that there is one init, which differs from `source` in dimension 0
/// only.
static LogicalResult verifyRowsOf(Operation *op, Value source,
                                  OperandRange inits, StringRef sourceName) {
  if (inits.size() != 1)
    return op->emitOpError("expects one init, got ") << inits.size();
  ShapedType from = shapeOf(source), to = shapeOf(inits[0]);
  bool same = from.getRank() >= 1 && from.getRank() == to.getRank() &&
              from.getElementType() == to.getElementType();
  for (int64_t i = 1; same && i < from.getRank(); ++i)
    same = agree(from.getDimSize(i), to.getDimSize(i));
  if (!same)
    return op->emitOpError("expects an init that differs from the ")
           << sourceName << " in dimension 0 only, got " << to << " for "
           << from;
  return success();
}

/// Checks that tables are there together or not at all.
static LogicalResult verifyTables(Operation *op, Value offsets, Value tokens,
                                  Value slots) {
  int count = bool(offsets) + bool(tokens) + bool(slots);
  if (count != 0 && count != 3)
    return op->emitOpError(
        "expects offsets, tokens and slots together or not at all");
  return success();
}

/// Checks the maps of a map's inputs or of a matmul's extras.
static LogicalResult verifyMaps(Operation *op, OperandRange inputs,
                                ArrayAttr maps, int64_t groups, int64_t columns,
                                StringRef inputName) {
  if (maps.size() != inputs.size())
    return op->emitOpError("expects one map per ")
           << inputName << " (" << inputs.size() << "), got " << maps.size();
  for (auto [index, input, attr] : llvm::enumerate(inputs, maps)) {
    AffineMap map = cast<AffineMapAttr>(attr).getValue();
    ShapedType type = shapeOf(input);
    if (map.getNumDims() != kNumMapDims || map.getNumSymbols() != 0)
      return op->emitOpError("expects map ")
             << index << " over (e, r, t, s, n), got " << attr;
    if (map.getNumResults() != static_cast<uint64_t>(type.getRank()))
      return op->emitOpError("expects map ")
             << index << " to have " << type.getRank() << " results, got "
             << map.getNumResults();
    for (auto [position, result] : llvm::enumerate(map.getResults())) {
      int64_t size = type.getDimSize(position);
      if (auto dim = dyn_cast<AffineDimExpr>(result)) {
        int64_t expected = dim.getPosition() == Column  ? columns
                           : dim.getPosition() == Group ? groups
                                                        : ShapedType::kDynamic;
        if (!agree(size, expected))
          return op->emitOpError("expects dimension ")
                 << position << " of " << inputName << " " << index
                 << " to have " << expected << " entries, got " << size;
        continue;
      }
      auto constant = dyn_cast<AffineConstantExpr>(result);
      if (!constant || constant.getValue() != 0)
        return op->emitOpError("expects results of map ")
               << index << " to be a dimension or 0, got " << attr;
    }
  }
  return success();
}

/// Checks that `body` takes `numParts` f32 and one scalar per input, and yields
/// one scalar of `init`'s element type.
static LogicalResult verifyBody(Operation *op, Block &body, unsigned numParts,
                                OperandRange inputs, Value init,
                                StringRef regionName) {
  SmallVector<Type> expected(numParts, Float32Type::get(op->getContext()));
  for (Value input : inputs)
    expected.push_back(shapeOf(input).getElementType());
  if (body.getArgumentTypes() != TypeRange(expected)) {
    InFlightDiagnostic diagnostic = op->emitOpError("expects the ")
                                    << regionName << " to take (";
    llvm::interleaveComma(expected, diagnostic);
    diagnostic << "), got (";
    llvm::interleaveComma(body.getArgumentTypes(), diagnostic);
    return diagnostic << ")";
  }
  Operation *yield = body.getTerminator();
  Type element = shapeOf(init).getElementType();
  if (yield->getNumOperands() != 1 ||
      yield->getOperand(0).getType() != element) {
    InFlightDiagnostic diagnostic = op->emitOpError("expects the ")
                                    << regionName << " to yield one " << element
                                    << ", got (";
    llvm::interleaveComma(yield->getOperandTypes(), diagnostic);
    return diagnostic << ")";
  }
  return success();
}

LogicalResult SortOp::verify() {
  // (sort_c1)
  if (getInits().size() != 3)
    return emitOpError("expects inits for offsets, tokens and slots, got ")
           << getInits().size();
  int64_t tokens = shapeOf(getInits()[1]).getDimSize(0);
  int64_t slots = shapeOf(getInits()[2]).getDimSize(0);
  if (!agree(tokens, slots))
    return emitOpError("expects tokens and slots of one length, got ")
           << tokens << " and " << slots;
  ShapedType ids = shapeOf(getIds());
  if (!getTokenCount() && ids.hasStaticShape() &&
      !agree(ids.getNumElements(), tokens))
    return emitOpError("expects room for ")
           << ids.getNumElements() << " rows, got " << tokens;
  // (sort_c2) holds by construction: by_expert is the token count. Its groups
  // are the rows of the ids.
  if (getTokenCount() && !agree(groupsOf(getInits()[0]), ids.getDimSize(0)))
    return emitOpError("expects offsets of ")
           << ids.getDimSize(0) << " groups, got " << groupsOf(getInits()[0]);
  return success();
}

LogicalResult GatherOp::verify() {
  // (gather_c1)
  return verifyRowsOf(*this, getSource(), getInits(), "source");
}

LogicalResult MapOp::verify() {
  // (map_c1)
  if (getInits().size() != 1 || shapeOf(getInits()[0]).getRank() != 2)
    return emitOpError("expects one init of rank 2");
  // (map_c4)
  if (failed(verifyTables(*this, getOffsets(), getTokens(), getSlots())))
    return failure();
  // (map_c2)
  int64_t groups = getOffsets() ? groupsOf(getOffsets()) : 1;
  if (failed(verifyMaps(*this, getInputs(), getMaps(), groups,
                        shapeOf(getInits()[0]).getDimSize(1), "input")))
    return failure();
  // (map_c3)
  return verifyBody(*this, getBody().front(), 0, getInputs(), getInits()[0],
                    "body");
}

/// Checks weights that are not packed: `[G, N, K]`, `[G, K, N]` or, in a dense
/// matmul, without the group.
static LogicalResult verifyWeights(MatmulOp op, int64_t groups) {
  if (op.getRhs().empty())
    return op.emitOpError("expects at least one weight");
  for (Value weight : op.getRhs()) {
    ShapedType type = shapeOf(weight);
    if (type != shapeOf(op.getRhs()[0]))
      return op.emitOpError("expects weights of one type, got ")
             << shapeOf(op.getRhs()[0]) << " and " << type;
  }
  ShapedType type = shapeOf(op.getRhs()[0]);
  int64_t rank = type.getRank();
  if (rank != 3 && (rank != 2 || op.isGrouped()))
    return op.emitOpError("expects weights of rank 3")
           << (op.isGrouped() ? "" : " or 2") << ", got " << type;
  if (rank == 3 && !agree(type.getDimSize(0), groups))
    return op.emitOpError("expects weights of ")
           << groups << " groups, got " << type;
  int64_t columns = type.getDimSize(rank - 2),
          depth = type.getDimSize(rank - 1);
  if (op.getLayout() == RhsLayout::KN)
    std::swap(columns, depth);
  if (!agree(depth, op.getDepth()))
    return op.emitOpError("expects weights of depth ")
           << op.getDepth() << ", got " << type;
  if (!agree(columns, op.getColumns()))
    return op.emitOpError("expects weights with ")
           << op.getColumns() << " columns, got " << type;
  return success();
}

/// Checks the packed weight of a matmul with panels.
static LogicalResult verifyPanels(MatmulOp op, int64_t groups) {
  PanelsAttr panels = *op.getPanels();
  if (op.getRhs().size() != 1)
    return op.emitOpError("expects one weight with panels, got ")
           << op.getRhs().size();
  if (!agree(panels.getDepth(), op.getDepth()) ||
      !agree(panels.getColumns(), op.getColumns()))
    return op.emitOpError("expects panels of depth ")
           << op.getDepth() << " and " << op.getColumns() << " columns, got "
           << panels;
  ShapedType type = shapeOf(op.getRhs()[0]);
  Type element = type.getElementType();
  SmallVector<int64_t> shape = panels.getPackedShape(groups, element);
  if (panels.getBlocks() && !element.isInteger(8))
    return op.emitOpError("expects packed bytes (i8), got ") << element;
  if (!panels.getBlocks() && !element.isF32() && !element.isBF16() &&
      !element.isF16())
    return op.emitOpError("expects packed elements of f32, bf16 or f16, got ")
           << element;
  if (type.getRank() != 5 ||
      !llvm::all_of(llvm::zip(type.getShape(), shape), [](auto pair) {
        return agree(std::get<0>(pair), std::get<1>(pair));
      })) {
    InFlightDiagnostic diagnostic =
        op.emitOpError("expects a packed weight of shape ");
    llvm::interleave(
        shape,
        [&](int64_t size) {
          if (ShapedType::isDynamic(size))
            diagnostic << "?";
          else
            diagnostic << size;
        },
        [&] { diagnostic << "x"; });
    return diagnostic << ", got " << type;
  }
  return success();
}

LogicalResult MatmulOp::verify() {
  // (matmul_c1)
  if (getInits().size() != 1 || shapeOf(getInits()[0]).getRank() != 2)
    return emitOpError("expects one init of rank 2");
  ShapedType lhs = shapeOf(getLhs()), init = shapeOf(getInits()[0]);
  if (lhs.getRank() != 2)
    return emitOpError("expects an lhs of rank 2, got ") << lhs;
  if (!isGrouped() && !agree(lhs.getDimSize(0), init.getDimSize(0)))
    return emitOpError("expects ")
           << lhs.getDimSize(0) << " rows as in the lhs, got " << init;
  // (matmul_c6)
  if (failed(verifyTables(*this, getOffsets(), getTokens(), getSlots())))
    return failure();
  if ((getGather() || getReduce()) && !isGrouped())
    return emitOpError("expects tables with gather or reduce");
  // (matmul_c7)
  if (!lhs.getElementType().isF32() || !init.getElementType().isF32())
    return emitOpError("expects an f32 lhs and init, got ")
           << lhs << " and " << init;
  for (Value weight : getRhs())
    if (!isa<FloatType>(shapeOf(weight).getElementType()) &&
        !(getPanels() && getPanels()->getBlocks()))
      return emitOpError("expects weights of float elements, got ")
             << weight.getType();
  if (Attribute compute = (*this)->getAttr(kComputeAttr)) {
    auto name = dyn_cast<StringAttr>(compute);
    if (!name || name != "int8" && name != "bf16")
      return emitOpError("expects ")
             << kComputeAttr << " to be \"int8\" or \"bf16\", got " << compute;
    if (name == "bf16" && !fitsBf16(*this))
      return emitOpError("computes in bf16 and expects panels of bf16");
    if (name == "int8" && (!getPanels() || !fitsInt8(getPanels()->getBlocks())))
      return emitOpError(
          "computes in int8 and expects panels with int8 or int4 "
          "blocks of 32 without offsets");
  }
  // (matmul_c8)
  if (std::optional<int64_t> rows = getWaveRows())
    if (*rows < 1 || !getReduce() || getGather())
      return emitOpError("expects wave_rows of at least 1, with reduce and "
                         "without gather, got ")
             << *rows;
  int64_t groups = isGrouped() ? groupsOf(getOffsets()) : 1;
  // (matmul_c2), (matmul_c3)
  if (failed(getPanels() ? verifyPanels(*this, groups)
                         : verifyWeights(*this, groups)))
    return failure();
  // (matmul_c4)
  if (failed(verifyMaps(*this, getExtras(), getMaps(), groups, getColumns(),
                        "extra")))
    return failure();
  // (matmul_c5)
  return verifyBody(*this, getEpilogue().front(), getNumParts(), getExtras(),
                    getInits()[0], "epilogue");
}

LogicalResult CombineOp::verify() {
  // (combine_c1)
  return verifyRowsOf(*this, getRows(), getInits(), "rows");
}

LogicalResult SlotsOp::verify() {
  // (slots_c1)
  if (getInits().size() != 1)
    return emitOpError("expects one init, got ") << getInits().size();
  ShapedType rows = shapeOf(getRows()), init = shapeOf(getInits()[0]);
  bool same = rows.getRank() >= 1 && init.getRank() == rows.getRank() + 1 &&
              rows.getElementType() == init.getElementType();
  for (int64_t i = 1; same && i < rows.getRank(); ++i)
    same = agree(rows.getDimSize(i), init.getDimSize(i + 1));
  if (!same)
    return emitOpError("expects an init [T, K, ...] of the trailing dimensions "
                       "of the rows, got ")
           << init << " for " << rows;
  return success();
}

LogicalResult SelectOp::verify() {
  // (select_c1)
  auto policy = cast<moec::moe::SelectionPolicyInterface>(getPolicy());
  unsigned numInits = policy.yieldsScores() ? 2 : 1;
  if (getInits().size() != numInits)
    return emitOpError("expects ")
           << numInits << " inits for policy " << getPolicy() << ", got "
           << getInits().size();
  if (getScores().size() != policy.getNumScores() ||
      getParams().size() != policy.getNumParams())
    return emitOpError("expects ")
           << policy.getNumScores() << " scores and " << policy.getNumParams()
           << " params for policy " << getPolicy() << ", got "
           << getScores().size() << " and " << getParams().size();
  SmallVector<int64_t> widths;
  int64_t numRows = ShapedType::kDynamic;
  for (Value score : getScores()) {
    ShapedType type = shapeOf(score);
    if (type.getRank() != 2 || type.isDynamicDim(1))
      return emitOpError("expects scores of rank 2 and static width, got ")
             << type;
    widths.push_back(type.getDimSize(1));
    if (!type.isDynamicDim(0))
      numRows = type.getDimSize(0);
  }
  for (Value init : getInits()) {
    ShapedType type = shapeOf(init);
    if (type.getRank() != 2 || !agree(type.getDimSize(0), numRows) ||
        !agree(type.getDimSize(1), policy.getMaxSlots(widths)))
      return emitOpError("expects inits with one row per score row and ")
             << policy.getMaxSlots(widths) << " slots, got " << type;
  }
  return success();
}
