// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One verifier per operation; the labels are those of the ODS descriptions.
// Sizes are compared only where both are static.

#include "dialects/transformer/Transformer.h"

using namespace mlir;
using namespace moec::transformer;

static ShapedType shapeOf(Value value) {
  return cast<ShapedType>(value.getType());
}

static bool agree(Value a, int64_t dimA, Value b, int64_t dimB) {
  int64_t sizeA = shapeOf(a).getDimSize(dimA);
  int64_t sizeB = shapeOf(b).getDimSize(dimB);
  return ShapedType::isDynamic(sizeA) || ShapedType::isDynamic(sizeB) ||
         sizeA == sizeB;
}

/// Checks that an operation on tensors has a result of the init's type and one
/// on memrefs has none.
static LogicalResult verifyDestination(Operation *op, Value init) {
  bool isTensor = isa<TensorType>(init.getType());
  if (op->getNumResults() != (isTensor ? 1u : 0u) ||
      (isTensor && op->getResult(0).getType() != init.getType()))
    return op->emitOpError("expects ")
           << (isTensor ? "a result of the init's type"
                        : "no result with a memref as init");
  return success();
}

/// Checks that `table` is `[batch, tokens]` of `rows`.
static LogicalResult verifyTable(Operation *op, Value table, Value rows,
                                 StringRef tableName, StringRef rowsName) {
  if (agree(table, 0, rows, 0) && agree(table, 1, rows, 1))
    return success();
  return op->emitOpError("expects ")
         << tableName << " [batch, tokens] of the " << rowsName << " "
         << rows.getType() << ", got " << table.getType();
}

LogicalResult AttentionOp::verify() {
  Value query = getQuery(), key = getKey(), value = getValue(),
        init = getInit();
  auto expect = [&](Value a, StringRef nameA, Value b, StringRef nameB,
                    ArrayRef<int64_t> dims) -> LogicalResult {
    for (int64_t dim : dims)
      if (!agree(a, dim, b, dim))
        return emitOpError("expects ")
               << nameA << " and " << nameB << " to agree in dimension " << dim
               << ", got " << a.getType() << " and " << b.getType();
    return success();
  };
  if (failed(expect(query, "query", key, "key", {0, 3})) ||
      failed(expect(key, "key", value, "value", {0, 1, 2})) ||
      failed(expect(query, "query", init, "init", {0, 1, 2})) ||
      failed(expect(value, "value", init, "init", {0, 3})))
    return failure();
  for (Value operand : {query, key, value, init})
    if (shapeOf(operand).isDynamicDim(2) || shapeOf(operand).isDynamicDim(3))
      return emitOpError("expects static heads and widths, got ")
             << operand.getType();
  int64_t heads = shapeOf(query).getDimSize(2);
  int64_t keyHeads = shapeOf(key).getDimSize(2);
  if (keyHeads < 1 || heads < 1 || heads % keyHeads != 0)
    return emitOpError("expects query heads that are a multiple of the ")
           << keyHeads << " key heads, got " << heads;
  if (failed(verifyTable(*this, getQueryPositions(), query, "query positions",
                         "query")) ||
      failed(
          verifyTable(*this, getKeyPositions(), key, "key positions", "key")))
    return failure();
  if (bool(getQuerySegments()) != bool(getKeySegments()))
    return emitOpError("expects segments of queries and of keys, or none");
  if (getQuerySegments() &&
      (failed(verifyTable(*this, getQuerySegments(), query, "query segments",
                          "query")) ||
       failed(
           verifyTable(*this, getKeySegments(), key, "key segments", "key"))))
    return failure();
  if (getSinks() && shapeOf(getSinks()).getDimSize(0) != heads)
    return emitOpError("expects one sink for each of the ")
           << heads << " query heads, got " << getSinks().getType();
  if (getWindow() && getWindowAttr().getInt() < 1)
    return emitOpError("expects a window of at least 1, got ")
           << getWindowAttr().getInt();
  if (getSoftcap() && !(getSoftcap()->convertToDouble() > 0))
    return emitOpError("expects a positive softcap, got ")
           << getSoftcap()->convertToDouble();
  return verifyDestination(*this, init);
}

LogicalResult KvAppendOp::verify() {
  ShapedType rows = shapeOf(getRows()), cache = shapeOf(getInit());
  bool fits = rows.getRank() == cache.getRank() && rows.getRank() >= 2 &&
              rows.getElementType() == cache.getElementType();
  for (int64_t dim = 0; fits && dim < rows.getRank(); ++dim)
    fits = dim == 1 || agree(getRows(), dim, getInit(), dim);
  if (!fits)
    return emitOpError("expects rows that differ from the cache in dimension "
                       "1 only, got ")
           << rows << " for " << cache;
  if (failed(
          verifyTable(*this, getPositions(), getRows(), "positions", "rows")))
    return failure();
  return verifyDestination(*this, getInit());
}

LogicalResult KvViewOp::verify() {
  if (getCaches().empty() || getCaches().size() != getViews().size())
    return emitOpError("expects one view for each cache, at least one, got ")
           << getViews().size() << " for " << getCaches().size();
  for (auto [cache, view] : llvm::zip_equal(getCaches(), getViews())) {
    auto from = cast<RankedTensorType>(cache.getType());
    auto to = cast<RankedTensorType>(view.getType());
    if (from.getRank() < 2 || !agree(cache, 0, getLengths(), 0) ||
        !agree(cache, 0, getCaches()[0], 0) ||
        !agree(cache, 1, getCaches()[0], 1))
      return emitOpError("expects caches [batch, slots, ..] that agree with "
                         "each other and with the lengths, got ")
             << from;
    SmallVector<int64_t> shape(from.getShape());
    shape[1] = ShapedType::kDynamic;
    if (to != RankedTensorType::get(shape, from.getElementType()))
      return emitOpError("expects a view of dynamic dimension 1 for ")
             << from << ", got " << to;
  }
  return success();
}

LogicalResult RotaryOp::verify() {
  auto type = cast<RankedTensorType>(getInput().getType());
  int64_t pairs = shapeOf(getFrequencies()).getDimSize(0);
  int64_t width = type.getDimSize(3), offset = getOffset();
  if (ShapedType::isDynamic(pairs) || ShapedType::isDynamic(width) ||
      offset < 0 || pairs < 1 || offset + 2 * pairs > width)
    return emitOpError("expects a static width of at least offset + 2 * "
                       "frequencies, got ")
           << type << " for offset " << offset << " and "
           << getFrequencies().getType();
  return verifyTable(*this, getPositions(), getInput(), "positions", "input");
}
