// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decisions: moe.select, weigh, limit and select_tokens.

#include "dialects/moe/Moe.h"
#include "reference/Interpreter.h"
#include <cmath>
#include <limits>
#include <map>

using namespace mlir;

namespace moec::reference {

static constexpr double kInf = std::numeric_limits<double>::infinity();

static SmallVector<double> getRow(const Tensor &tensor, int64_t row) {
  int64_t size = tensor.rowSize();
  return llvm::map_to_vector(ArrayRef(tensor.data).slice(row * size, size),
                             [](Scalar value) { return value.real; });
}

/// Segment of each row; all 0 without segments.
static SmallVector<int64_t> getSegments(Interpreter &interpreter,
                                        Value segments, int64_t rows) {
  SmallVector<int64_t> ids(rows, 0);
  if (segments)
    for (auto [id, value] :
         llvm::zip_equal(ids, interpreter.getTensor(segments).data))
      id = value.integer;
  return ids;
}

static LogicalResult expectRows(Interpreter &interpreter, Operation *op,
                                Value value, int64_t rows) {
  if (value && isa<RankedTensorType>(value.getType()) &&
      interpreter.getTensor(value).shape[0] != rows)
    return op->emitOpError() << "expects " << rows << " rows, got "
                             << interpreter.getTensor(value).shape[0];
  return success();
}

/// Types with dynamic sizes do not tell that two operands are of one shape.
static LogicalResult expectShape(Interpreter &interpreter, Operation *op,
                                 Value value, ArrayRef<int64_t> shape) {
  if (value && ArrayRef(interpreter.getTensor(value).shape) != shape)
    return op->emitOpError() << "expects shape [" << shape << "], got ["
                             << interpreter.getTensor(value).shape << "]";
  return success();
}

static LogicalResult runSelect(Interpreter &interpreter, moe::SelectOp op) {
  int64_t rows = interpreter.getTensor(op.getScores()[0]).shape[0];
  for (Value operand : op->getOperands())
    if (failed(expectRows(interpreter, op, operand, rows)))
      return failure();
  SmallVector<int64_t> widths;
  for (Value scores : op.getScores())
    widths.push_back(interpreter.getTensor(scores).shape[1]);
  if (failed(op.getPolicy().verifyPolicy([&] { return op.emitOpError(); },
                                         widths)))
    return failure();
  int64_t experts = op.getPolicy().getNumExperts(widths);
  if (failed(expectShape(interpreter, op, op.getMask(), {rows, experts})))
    return failure();
  bool isF64 = llvm::any_of(op.getScores(), [](Value scores) {
    return getElementTypeOrSelf(scores.getType()).isF64();
  });

  int64_t slots = cast<RankedTensorType>(op.getIds().getType()).getDimSize(1);
  Tensor ids{{rows, slots}, {}}, selected{{rows, slots}, {}};
  for (int64_t row = 0; row < rows; ++row) {
    SmallVector<SmallVector<double>> scores;
    for (Value value : op.getScores())
      scores.push_back(getRow(interpreter.getTensor(value), row));
    SmallVector<ArrayRef<double>> scoreRows(scores.begin(), scores.end());
    SmallVector<bool> mask;
    if (op.getMask())
      for (int64_t i = 0; i < experts; ++i)
        mask.push_back(interpreter.getTensor(op.getMask())
                           .data[row * experts + i]
                           .integer);
    SmallVector<double> params;
    for (Value param : op.getParams()) {
      const RuntimeValue &value = interpreter.get(param);
      Scalar scalar = value.tensor ? value.tensor->data[row] : value.scalar;
      bool isFloat = isa<FloatType>(getElementTypeOrSelf(param.getType()));
      params.push_back(isFloat ? scalar.real
                               : static_cast<double>(scalar.integer));
    }
    SmallVector<int32_t> rowIds(slots, -1);
    SmallVector<double> rowScores(op.getSelectedScores() ? slots : 0, 0.0);
    moe::ReferenceRow request{scoreRows, mask,      params,
                              rowIds,    rowScores, isF64};
    op.getPolicy().selectRow(request);
    for (int32_t id : rowIds)
      ids.data.push_back(makeInteger(id));
    for (double score : rowScores)
      selected.data.push_back(makeReal(score));
  }
  interpreter.setTensor(op.getIds(), std::move(ids));
  if (op.getSelectedScores())
    interpreter.setTensor(op.getSelectedScores(), std::move(selected));
  return success();
}

/// Softmax, at `id`, over the experts that `taken` leaves and that lie within
/// the jitter of the best of them.
static double sparseMixer(ArrayRef<double> scores, ArrayRef<bool> taken,
                          int64_t id, double jitter) {
  double best = -kInf, sum = 0;
  for (auto [score, gone] : llvm::zip_equal(scores, taken))
    if (!gone)
      best = std::fmax(best, score);
  for (auto [score, gone] : llvm::zip_equal(scores, taken)) {
    double distance = (best - score) / std::fmax(std::fabs(score), best);
    if (!gone && !(distance > 2 * jitter))
      sum += std::exp(score - best);
  }
  return std::exp(scores[id] - best) / sum;
}

/// Normalises the valid entries of one row in place.
static void normalise(moe::WeighOp op, MutableArrayRef<double> values) {
  double eps = op.getEpsAttr().getValueAsDouble();
  double p = op.getPAttr().getValueAsDouble();
  auto bounded = [&](double norm) {
    return op.getEpsMode() == moe::EpsMode::Add ? norm + eps
                                                : std::fmax(norm, eps);
  };
  double total = 0;
  switch (op.getNorm()) {
  case moe::WeightNorm::None:
  case moe::WeightNorm::SparseMixer:
    return;
  case moe::WeightNorm::Constant:
    for (double &value : values)
      value = 1;
    return;
  case moe::WeightNorm::Sum:
    for (double value : values)
      total += value;
    break;
  case moe::WeightNorm::Lp:
    for (double value : values)
      total += std::pow(std::fabs(value), p);
    total = std::pow(total, 1 / p);
    break;
  case moe::WeightNorm::Softmax: {
    double highest = -kInf;
    for (double value : values)
      highest = std::fmax(highest, value);
    for (double &value : values)
      total += value = std::exp(value - highest);
    for (double &value : values)
      value /= total;
    return;
  }
  }
  for (double &value : values)
    value /= bounded(total);
}

static LogicalResult runWeigh(Interpreter &interpreter, moe::WeighOp op) {
  const Tensor &scores = interpreter.getTensor(op.getScores());
  const Tensor &ids = interpreter.getTensor(op.getIds());
  int64_t rows = ids.shape[0], slots = ids.shape[1], experts = scores.shape[1];
  if (failed(expectRows(interpreter, op, op.getScores(), rows)))
    return failure();
  double scale = op.getScaleAttr().getValueAsDouble();
  Tensor weights{ids.shape, {}};
  weights.data.assign(ids.data.size(),
                      makeReal(op.getFillAttr().getValueAsDouble()));
  for (int64_t row = 0; row < rows; ++row) {
    SmallVector<double> all = getRow(scores, row), values;
    SmallVector<bool> taken(experts, false);
    SmallVector<int64_t> valid; // flat indices of the slots with an expert
    for (int64_t slot = 0; slot < slots; ++slot) {
      int64_t id = ids.data[row * slots + slot].integer;
      if (id < 0 || id >= experts)
        continue;
      valid.push_back(row * slots + slot);
      values.push_back(op.getNorm() == moe::WeightNorm::SparseMixer
                           ? sparseMixer(all, taken, id,
                                         op.getJitterAttr().getValueAsDouble())
                           : all[id]);
      taken[id] = true;
    }
    normalise(op, values);
    for (auto [flat, value] : llvm::zip_equal(valid, values))
      weights.data[flat] = makeReal(value * scale);
  }
  interpreter.setTensor(op.getWeights(), std::move(weights));
  return success();
}

/// The finaliser of splitmix64: a fixed permutation of 64-bit numbers.
static uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

/// Flat indices of ids `[T, K]`, those that keep a place first.
static std::vector<int64_t> limitOrder(Interpreter &interpreter,
                                       moe::LimitOp op, int64_t rows,
                                       int64_t slots) {
  std::vector<int64_t> order(rows * slots);
  for (int64_t i = 0; i < rows * slots; ++i)
    order[i] = i;
  auto by = [&](auto key) {
    llvm::sort(order, [&](int64_t a, int64_t b) {
      return std::pair(key(a), a) < std::pair(key(b), b);
    });
  };
  switch (op.getOrder()) {
  case moe::LimitOrder::Token:
    break;
  case moe::LimitOrder::Slot:
    by([&](int64_t i) { return i % slots; });
    break;
  case moe::LimitOrder::Score: {
    const Tensor &priority = interpreter.getTensor(op.getPriority());
    by([&](int64_t i) {
      double value = priority.data[i].real;
      return std::isnan(value) ? kInf : -value;
    });
    break;
  }
  case moe::LimitOrder::Random: {
    uint64_t seed = mix(op.getSeed());
    by([&](int64_t i) { return mix(seed ^ static_cast<uint64_t>(i)); });
    break;
  }
  }
  return order;
}

static LogicalResult runLimit(Interpreter &interpreter, moe::LimitOp op) {
  Tensor ids = interpreter.getTensor(op.getIds());
  int64_t rows = ids.shape[0], slots = ids.shape[1];
  if (failed(expectShape(interpreter, op, op.getPriority(), ids.shape)) ||
      failed(expectRows(interpreter, op, op.getSegments(), rows)))
    return failure();
  int64_t capacity = interpreter.getInteger(op.getCapacity());
  SmallVector<int64_t> segments =
      getSegments(interpreter, op.getSegments(), rows);
  std::map<std::pair<int64_t, int64_t>, int64_t> kept; // by segment and expert
  for (int64_t flat : limitOrder(interpreter, op, rows, slots)) {
    int64_t &id = ids.data[flat].integer;
    bool inRange = id >= 0 && id < static_cast<int64_t>(op.getNumExperts());
    if (!inRange || kept[{segments[flat / slots], id}]++ >= capacity)
      id = -1;
  }
  interpreter.setTensor(op.getKept(), std::move(ids));
  return success();
}

static LogicalResult runSelectTokens(Interpreter &interpreter,
                                     moe::SelectTokensOp op) {
  const Tensor &scores = interpreter.getTensor(op.getScores());
  int64_t tokens = scores.shape[0], experts = scores.shape[1];
  if (failed(expectShape(interpreter, op, op.getMask(), scores.shape)) ||
      failed(expectRows(interpreter, op, op.getSegments(), tokens)) ||
      failed(expectRows(interpreter, op, op.getCapacity(), experts)))
    return failure();
  SmallVector<int64_t> segments =
      getSegments(interpreter, op.getSegments(), tokens);
  const RuntimeValue &capacities = interpreter.get(op.getCapacity());
  Tensor chosen{scores.shape, {}};
  chosen.data.assign(scores.data.size(), makeInteger(0));

  int64_t width = cast<RankedTensorType>(op.getIds().getType()).getDimSize(1);
  if (ShapedType::isDynamic(width))
    width = tokens;
  SmallVector<SmallVector<int64_t>> byExpert(experts);
  for (int64_t expert = 0; expert < experts; ++expert) {
    auto scoreOf = [&](int64_t token) {
      return scores.data[token * experts + expert].real;
    };
    SmallVector<int64_t> order;
    for (int64_t token = 0; token < tokens; ++token) {
      bool allowed = !op.getMask() || interpreter.getTensor(op.getMask())
                                          .data[token * experts + expert]
                                          .integer;
      if (allowed && !std::isnan(scoreOf(token)))
        order.push_back(token);
    }
    llvm::sort(order, [&](int64_t a, int64_t b) {
      return scoreOf(a) > scoreOf(b) || (scoreOf(a) == scoreOf(b) && a < b);
    });
    int64_t capacity = capacities.tensor
                           ? capacities.tensor->data[expert].integer
                           : capacities.scalar.integer;
    std::map<int64_t, int64_t> taken; // by segment
    for (int64_t token : order)
      if (static_cast<int64_t>(byExpert[expert].size()) < width &&
          taken[segments[token]]++ < capacity) {
        byExpert[expert].push_back(token);
        chosen.data[token * experts + expert] = makeInteger(1);
      }
    if (op.getRows() == moe::TokenOrder::Position)
      llvm::sort(byExpert[expert]);
  }

  Tensor ids{{experts, width}, {}};
  ids.data.assign(experts * width, makeInteger(-1));
  for (auto [expert, list] : llvm::enumerate(byExpert))
    for (auto [place, token] : llvm::enumerate(list))
      ids.data[expert * width + place] = makeInteger(token);
  interpreter.setTensor(op.getIds(), std::move(ids));
  interpreter.setTensor(op.getChosen(), std::move(chosen));
  return success();
}

void addRoutingOps(Handlers &handlers) {
  handlers.add<moe::SelectOp>(runSelect);
  handlers.add<moe::WeighOp>(runWeigh);
  handlers.add<moe::LimitOp>(runLimit);
  handlers.add<moe::SelectTokensOp>(runSelectTokens);
}

} // namespace moec::reference
