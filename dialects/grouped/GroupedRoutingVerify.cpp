// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of GroupedRouting.td. Sizes are compared only where both are
// static.

#include "dialects/grouped/Grouped.h"

using namespace mlir;
using namespace moec::grouped;

static ShapedType shapeOf(Value value) {
  return cast<ShapedType>(value.getType());
}

static bool shapesAgree(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  return succeeded(verifyCompatibleShape(a, b));
}

static LogicalResult verifySegments(Operation *op, Value segments,
                                    int64_t rows) {
  if (segments && !shapesAgree(shapeOf(segments).getShape(), rows))
    return op->emitOpError("expects one segment per row, got ")
           << segments.getType();
  return success();
}

LogicalResult LimitOp::verify() {
  ArrayRef<int64_t> ids = shapeOf(getIds()).getShape();
  // (limit_c1)
  if (getInits().size() != 1 ||
      !shapesAgree(shapeOf(getInits()[0]).getShape(), ids))
    return emitOpError("expects one init of the shape of ids");
  // (limit_c2)
  if (bool(getPriority()) + getRandom().has_value() + getBySlot() > 1)
    return emitOpError("expects at most one of priority, random and by_slot");
  // (limit_c3)
  if (getPriority() && !shapesAgree(shapeOf(getPriority()).getShape(), ids))
    return emitOpError("expects a priority of the shape of ids, got ")
           << getPriority().getType();
  return verifySegments(*this, getSegments(), ids[0]);
}

LogicalResult SelectTokensOp::verify() {
  ShapedType scores = shapeOf(getScores());
  // (select_tokens_c1)
  if (scores.getRank() != 2 || getInits().size() != 2)
    return emitOpError("expects scores of rank 2 and inits for ids and chosen");
  ShapedType ids = shapeOf(getInits()[0]), chosen = shapeOf(getInits()[1]);
  if (!ids.getElementType().isInteger(32) ||
      !shapesAgree(ids.getShape(),
                   {scores.getDimSize(1), ShapedType::kDynamic}))
    return emitOpError("expects one row of i32 ids per expert, got ") << ids;
  if (!chosen.getElementType().isInteger(1) ||
      !shapesAgree(chosen.getShape(), scores.getShape()))
    return emitOpError("expects chosen as i1 of the shape of scores, got ")
           << chosen;
  // (select_tokens_c2)
  auto capacity = dyn_cast<ShapedType>(getCapacity().getType());
  if (capacity && !shapesAgree(capacity.getShape(), scores.getDimSize(1)))
    return emitOpError("expects one capacity per expert, got ") << capacity;
  // (select_tokens_c3)
  if (getMask() &&
      !shapesAgree(shapeOf(getMask()).getShape(), scores.getShape()))
    return emitOpError("expects a mask of the shape of scores, got ")
           << getMask().getType();
  return verifySegments(*this, getSegments(), scores.getDimSize(0));
}
