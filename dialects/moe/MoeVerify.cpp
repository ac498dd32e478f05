// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One verifier per operation; the labels are those of the ODS descriptions.

#include "dialects/moe/Moe.h"

using namespace mlir;
using namespace moec::moe;

/// Whether two sizes can be equal at run time.
static bool matches(int64_t a, int64_t b) {
  return a == b || ShapedType::isDynamic(a) || ShapedType::isDynamic(b);
}

static bool shapesMatch(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  return a.size() == b.size() &&
         llvm::all_of_zip(a, b,
                          [](int64_t x, int64_t y) { return matches(x, y); });
}

/// Whether the types are equal but for dimension 0.
static bool rowsMatch(RankedTensorType a, RankedTensorType b) {
  return a.getRank() > 0 && b.getRank() > 0 &&
         a.getElementType() == b.getElementType() &&
         shapesMatch(a.getShape().drop_front(), b.getShape().drop_front());
}

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static LogicalResult verifySegments(Operation *op, Value segments,
                                    int64_t rows) {
  if (segments && !matches(typeOf(segments).getDimSize(0), rows))
    return op->emitOpError()
           << "expects one segment per row, got " << segments.getType();
  return success();
}

/// Weights of a plan's slots, one row per token.
static LogicalResult verifyWeights(Operation *op, Value weights, PlanType plan,
                                   int64_t tokens) {
  if (weights &&
      !shapesMatch(typeOf(weights).getShape(), {tokens, plan.getSlots()}))
    return op->emitOpError()
           << "expects weights of one row per token and " << plan.getSlots()
           << " slots, got " << weights.getType();
  return success();
}

LogicalResult SelectOp::verify() {
  // (select_c1) is the ODS constraint of `policy`.
  SelectionPolicyInterface policy = getPolicy();
  // (select_c2)
  if (getScores().size() != policy.getNumScores())
    return emitOpError() << "expects " << policy.getNumScores()
                         << " score tensors for " << policy << ", got "
                         << getScores().size();
  SmallVector<int64_t> widths;
  for (Value scores : getScores()) {
    if (typeOf(scores).getRank() != 2)
      return emitOpError() << "expects scores of rank 2, got "
                           << scores.getType();
    widths.push_back(typeOf(scores).getDimSize(1));
  }
  if (failed(policy.verifyPolicy([&] { return emitOpError(); }, widths)))
    return failure();

  // (select_c3)
  SmallVector<Value> perRow = llvm::to_vector_of<Value>(getScores());
  perRow.push_back(getIds());
  if (getMask())
    perRow.push_back(getMask());
  for (Value param : getParams())
    if (isa<RankedTensorType>(param.getType()))
      perRow.push_back(param);
  int64_t rows = typeOf(getScores()[0]).getDimSize(0);
  for (Value value : perRow)
    if (typeOf(value).getRank() < 1 ||
        !matches(typeOf(value).getDimSize(0), rows))
      return emitOpError() << "expects equal row counts, got "
                           << getScores()[0].getType() << " and "
                           << value.getType();
  // (select_c4)
  if (getMask() && !policy.takesMask())
    return emitOpError() << "expects no mask for " << policy;
  int64_t experts = policy.getNumExperts(widths);
  if (getMask() && !shapesMatch(typeOf(getMask()).getShape(), {rows, experts}))
    return emitOpError() << "expects a mask as wide as the scores, got "
                         << getMask().getType();
  // (select_c5)
  int64_t slots = policy.getMaxSlots(widths);
  if (typeOf(getIds()).getDimSize(1) != slots)
    return emitOpError() << "expects ids of width " << slots << ", got "
                         << getIds().getType();
  // (select_c6)
  if (getParams().size() != policy.getNumParams())
    return emitOpError() << "expects " << policy.getNumParams()
                         << " params for " << policy << ", got "
                         << getParams().size();
  for (auto [index, param] : llvm::enumerate(getParams())) {
    auto tensor = dyn_cast<RankedTensorType>(param.getType());
    Type element = tensor ? tensor.getElementType() : param.getType();
    bool isCount = policy.isCountParam(index);
    bool fits = isCount ? element.isInteger(32) : isa<FloatType>(element);
    if (!fits || (tensor && tensor.getRank() != 1))
      return emitOpError() << "expects one " << (isCount ? "i32" : "float")
                           << " or one per row as param for " << policy
                           << ", got " << param.getType();
  }
  // (select_c7)
  if (policy.yieldsScores() != static_cast<bool>(getSelectedScores()))
    return emitOpError() << "expects " << (policy.yieldsScores() ? 2 : 1)
                         << " results for " << policy << ", got "
                         << getNumResults();
  if (Value selected = getSelectedScores())
    if (typeOf(selected).getShape() != typeOf(getIds()).getShape())
      return emitOpError()
             << "expects selected scores of the shape of ids, got "
             << selected.getType();
  return success();
}

LogicalResult WeighOp::verify() {
  RankedTensorType scores = typeOf(getScores()), ids = typeOf(getIds()),
                   weights = typeOf(getWeights());
  // (weigh_c1)
  if (scores.getRank() != 2 ||
      !matches(scores.getDimSize(0), ids.getDimSize(0)))
    return emitOpError() << "expects one row of scores per row of ids, got "
                         << scores << " and " << ids;
  // (weigh_c2)
  if (weights.getShape() != ids.getShape() ||
      weights.getElementType() != scores.getElementType())
    return emitOpError() << "expects weights of the shape of ids and the type "
                            "of scores, got "
                         << weights;
  // (weigh_c3)
  if (getEps().isNegative() || getEps().isNaN())
    return emitOpError() << "expects eps >= 0, got "
                         << getEpsAttr().getValueAsDouble();
  if (getJitter().isNegative() || getJitter().isNaN())
    return emitOpError() << "expects jitter >= 0, got "
                         << getJitterAttr().getValueAsDouble();
  if (getNorm() == WeightNorm::Lp && !(getPAttr().getValueAsDouble() > 0.0))
    return emitOpError() << "expects p > 0, got "
                         << getPAttr().getValueAsDouble();
  return success();
}

LogicalResult LimitOp::verify() {
  RankedTensorType ids = typeOf(getIds());
  // (limit_c1)
  if (getKept().getType() != ids)
    return emitOpError() << "expects a result of type " << ids << ", got "
                         << getKept().getType();
  // (limit_c2)
  bool byScore = getOrder() == LimitOrder::Score;
  if (byScore != static_cast<bool>(getPriority()))
    return emitOpError() << "expects " << (byScore ? "a" : "no")
                         << " priority for order "
                         << stringifyLimitOrder(getOrder());
  if (getPriority() &&
      !shapesMatch(typeOf(getPriority()).getShape(), ids.getShape()))
    return emitOpError() << "expects a priority of the shape of ids, got "
                         << getPriority().getType();
  // (limit_c3)
  if (failed(verifySegments(*this, getSegments(), ids.getDimSize(0))))
    return failure();
  // (limit_c4)
  if (static_cast<int64_t>(getNumExperts()) < 1)
    return emitOpError() << "expects at least one expert, got "
                         << static_cast<int64_t>(getNumExperts());
  return success();
}

LogicalResult SelectTokensOp::verify() {
  RankedTensorType scores = typeOf(getScores());
  // (select_tokens_c1)
  if (scores.getRank() != 2)
    return emitOpError() << "expects scores of rank 2, got " << scores;
  if (getMask() &&
      !shapesMatch(typeOf(getMask()).getShape(), scores.getShape()))
    return emitOpError() << "expects a mask of the shape of scores, got "
                         << getMask().getType();
  if (!shapesMatch(typeOf(getChosen()).getShape(), scores.getShape()))
    return emitOpError() << "expects chosen of the shape of scores, got "
                         << getChosen().getType();
  // (select_tokens_c2)
  auto capacity = dyn_cast<RankedTensorType>(getCapacity().getType());
  if (capacity && capacity.getDimSize(0) != scores.getDimSize(1))
    return emitOpError() << "expects one capacity per expert, got " << capacity;
  // (select_tokens_c3)
  if (failed(verifySegments(*this, getSegments(), scores.getDimSize(0))))
    return failure();
  // (select_tokens_c4)
  if (!matches(typeOf(getIds()).getDimSize(0), scores.getDimSize(1)))
    return emitOpError() << "expects one row of ids per expert, got "
                         << getIds().getType();
  return success();
}

LogicalResult PlanOp::verify() {
  RankedTensorType ids = typeOf(getIds());
  PlanType plan = getPlan().getType();
  // (plan_c1)
  if (!getByExpert() && ids.getDimSize(1) != plan.getSlots())
    return emitOpError() << "expects ids of width " << plan.getSlots()
                         << ", got " << ids;
  // (plan_c2)
  if (getByExpert() && (ids.getDimSize(0) != plan.getExperts() ||
                        plan.getSlots() != plan.getExperts()))
    return emitOpError()
           << "expects one row of ids and one slot per expert, got " << ids
           << " and " << plan;
  // (plan_c3)
  if (getByExpert() != static_cast<bool>(getTokens()))
    return emitOpError() << "expects " << (getByExpert() ? "a" : "no")
                         << " number of tokens for a plan by "
                         << (getByExpert() ? "expert" : "token");
  return success();
}

LogicalResult DispatchOp::verify() {
  RankedTensorType tokens = typeOf(getTokens()), rows = typeOf(getRows());
  // (dispatch_c1)
  if (!rowsMatch(tokens, rows))
    return emitOpError() << "expects rows like " << tokens
                         << " but for dimension 0, got " << rows;
  if (!rows.isDynamicDim(0))
    return emitOpError() << "expects rows dynamic in dimension 0, got " << rows;
  // (dispatch_c2)
  if (getWeights() && !isa<FloatType>(tokens.getElementType()))
    return emitOpError() << "expects floats to multiply by weights, got "
                         << tokens;
  return verifyWeights(*this, getWeights(), getPlan().getType(),
                       tokens.getDimSize(0));
}

/// The region of an experts op against the op's operands and results.
static LogicalResult verifyBody(ExpertsOp op, Region &body) {
  // (experts_c1)
  SmallVector<Type> expected;
  for (Value rows : op.getRows())
    expected.push_back(rows.getType());
  for (Value stack : op.getParams()) {
    RankedTensorType type = typeOf(stack);
    expected.push_back(type.clone(type.getShape().drop_front()));
  }
  expected.push_back(IndexType::get(op.getContext()));
  if (TypeRange(body.getArgumentTypes()) != TypeRange(expected))
    return op.emitOpError()
           << "expects region " << body.getRegionNumber() << " to take ("
           << expected << "), got (" << body.getArgumentTypes() << ")";
  // (experts_c2)
  Operation *yield = body.front().getTerminator();
  if (yield->getOperandTypes() != op.getResultTypes())
    return op.emitOpError() << "expects region " << body.getRegionNumber()
                            << " to yield (" << op.getResultTypes()
                            << "), got (" << yield->getOperandTypes() << ")";
  return success();
}

/// Members and slots of an experts op whose regions are well formed.
static LogicalResult verifyBank(ExpertsOp op) {
  int64_t experts = op.getPlan().getType().getExperts();
  int64_t regions = op.getBodies().size();
  auto entries = [&](std::optional<ArrayRef<int32_t>> array) {
    return array ? static_cast<int64_t>(array->size()) : experts;
  };
  // (experts_c3)
  if (entries(op.getMembers()) != experts)
    return op.emitOpError() << "expects " << experts << " members, got "
                            << entries(op.getMembers());
  if (entries(op.getSlot()) != experts)
    return op.emitOpError()
           << "expects " << experts << " slots, got " << entries(op.getSlot());
  int64_t firstParam = op.getRows().size();
  for (int64_t expert = 0; expert < experts; ++expert) {
    // (experts_c4)
    int32_t member = op.getMember(expert);
    if (member < -1 || member >= regions)
      return op.emitOpError() << "expects members from -1 to " << regions - 1
                              << ", got " << member;
    if (member < 0)
      continue;
    // (experts_c5)
    int32_t slot = op.getSlotOf(expert);
    for (auto [index, stack] : llvm::enumerate(op.getParams())) {
      Value slice = op.getBodies()[member].getArgument(firstParam + index);
      int64_t size = typeOf(stack).getDimSize(0);
      bool within = slot >= 0 && (ShapedType::isDynamic(size) || slot < size);
      if (!slice.use_empty() && !within)
        return op.emitOpError() << "expects slots within " << stack.getType()
                                << ", got " << slot << " for expert " << expert;
    }
  }
  if (!op.getMembers() && !op.getSlot())
    for (Value stack : op.getParams())
      if (!matches(typeOf(stack).getDimSize(0), experts))
        return op.emitOpError() << "expects stacks of " << experts
                                << " slices, got " << stack.getType();
  return success();
}

LogicalResult ExpertsOp::verify() {
  // (experts_c6)
  SmallVector<Value> ragged = llvm::to_vector_of<Value>(getRows());
  llvm::append_range(ragged, getOutputs());
  for (Value value : ragged)
    if (typeOf(value).getRank() < 1 || !typeOf(value).isDynamicDim(0))
      return emitOpError()
             << "expects rows and results dynamic in dimension 0, got "
             << value.getType();
  for (Value stack : getParams())
    if (typeOf(stack).getRank() < 1)
      return emitOpError() << "expects stacks of rank 1 or more, got "
                           << stack.getType();
  for (Region &body : getBodies())
    if (failed(verifyBody(*this, body)))
      return failure();
  return verifyBank(*this);
}

LogicalResult CombineOp::verify() {
  RankedTensorType rows = typeOf(getRows()), init = typeOf(getInit());
  // (combine_c1)
  if (!isa<FloatType>(rows.getElementType()))
    return emitOpError() << "expects rows of floats to sum, got " << rows;
  if (!rowsMatch(rows, init))
    return emitOpError() << "expects init like " << rows
                         << " but for dimension 0, got " << init;
  // (combine_c2)
  if (failed(verifyWeights(*this, getWeights(), getPlan().getType(),
                           init.getDimSize(0))))
    return failure();
  // (combine_c3)
  if (getResult().getType() != init)
    return emitOpError() << "expects a result of type " << init << ", got "
                         << getResult().getType();
  return success();
}

LogicalResult SlotsOp::verify() {
  RankedTensorType rows = typeOf(getRows()), init = typeOf(getInit());
  // (slots_c1)
  bool fits =
      rows.getRank() > 0 && init.getRank() == rows.getRank() + 1 &&
      init.getElementType() == rows.getElementType() &&
      matches(init.getDimSize(1), getPlan().getType().getSlots()) &&
      shapesMatch(init.getShape().drop_front(2), rows.getShape().drop_front());
  if (!fits)
    return emitOpError() << "expects init of one row per token and "
                         << getPlan().getType().getSlots()
                         << " slots of rows like " << rows << ", got " << init;
  if (getResult().getType() != init)
    return emitOpError() << "expects a result of type " << init << ", got "
                         << getResult().getType();
  return success();
}

LogicalResult TapOp::verify() {
  // (tap_c1)
  if (getName().empty())
    return emitOpError() << "expects a name";
  return success();
}
