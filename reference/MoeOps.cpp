// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What decisions do to rows: plan, rows, dispatch, experts, combine, slots,
// tap.

#include "dialects/moe/Moe.h"
#include "reference/Interpreter.h"

using namespace mlir;

namespace moec::reference {

static const Plan &getPlan(Interpreter &interpreter, Value plan) {
  return *interpreter.get(plan).plan;
}

static LogicalResult runPlan(Interpreter &interpreter, moe::PlanOp op) {
  const Tensor &ids = interpreter.getTensor(op.getIds());
  int64_t experts = op.getPlan().getType().getExperts();
  int64_t width = ids.shape[1];
  bool byExpert = op.getByExpert();
  int64_t tokens =
      byExpert ? interpreter.getInteger(op.getTokens()) : ids.shape[0];

  struct Assignment {
    int64_t expert, token, slot;
    bool operator<(const Assignment &other) const {
      return std::tie(expert, token, slot) <
             std::tie(other.expert, other.token, other.slot);
    }
  };
  std::vector<Assignment> rows;
  for (int64_t flat = 0, e = ids.data.size(); flat < e; ++flat) {
    int64_t id = ids.data[flat].integer, row = flat / width;
    if (id < 0 || id >= (byExpert ? tokens : experts))
      continue;
    if (byExpert)
      rows.push_back({row, id, row});
    else
      rows.push_back({id, row, flat % width});
  }
  llvm::sort(rows);

  auto plan = std::make_shared<Plan>();
  plan->offsets.assign(experts + 1, 0);
  for (const Assignment &row : rows) {
    ++plan->offsets[row.expert + 1];
    plan->tokens.push_back(row.token);
    plan->slots.push_back(row.slot);
  }
  for (int64_t expert = 0; expert < experts; ++expert)
    plan->offsets[expert + 1] += plan->offsets[expert];
  interpreter.set(op.getPlan(), {makeInteger(0), nullptr, std::move(plan)});
  return success();
}

static LogicalResult runRows(Interpreter &interpreter, moe::RowsOp op) {
  interpreter.setScalar(op.getRows(),
                        makeInteger(getPlan(interpreter, op.getPlan()).rows()));
  return success();
}

/// Checks that weights, where given, are `[tokens, slots]`, and that the plan
/// names no token beyond.
static LogicalResult verifyPlanned(Interpreter &interpreter, Operation *op,
                                   Value planValue, Value weights,
                                   int64_t tokens) {
  const Plan &plan = getPlan(interpreter, planValue);
  for (int64_t token : plan.tokens)
    if (token >= tokens)
      return op->emitOpError() << "expects the plan's tokens, got " << tokens;
  if (!weights)
    return success();
  int64_t slots = cast<moe::PlanType>(planValue.getType()).getSlots();
  ArrayRef<int64_t> shape = interpreter.getTensor(weights).shape;
  if (shape != ArrayRef<int64_t>{tokens, slots})
    return op->emitOpError() << "expects weights of shape [" << tokens << ", "
                             << slots << "], got [" << shape << "]";
  return success();
}

static double getWeight(Interpreter &interpreter, Value weights,
                        const Plan &plan, int64_t row) {
  if (!weights)
    return 1.0;
  const Tensor &tensor = interpreter.getTensor(weights);
  return tensor.data[plan.tokens[row] * tensor.shape[1] + plan.slots[row]].real;
}

static LogicalResult runDispatch(Interpreter &interpreter, moe::DispatchOp op) {
  const Tensor &tokens = interpreter.getTensor(op.getTokens());
  const Plan &plan = getPlan(interpreter, op.getPlan());
  if (failed(verifyPlanned(interpreter, op, op.getPlan(), op.getWeights(),
                           tokens.shape[0])))
    return failure();
  int64_t size = tokens.rowSize();
  Tensor rows{tokens.shape, {}};
  rows.shape[0] = plan.rows();
  for (int64_t row = 0; row < plan.rows(); ++row) {
    double weight = getWeight(interpreter, op.getWeights(), plan, row);
    for (Scalar value :
         ArrayRef(tokens.data).slice(plan.tokens[row] * size, size))
      rows.data.push_back(op.getWeights() ? makeReal(weight * value.real)
                                          : value);
  }
  interpreter.setTensor(op.getRows(), std::move(rows));
  return success();
}

/// Entries `begin` up to `end` of dimension 0.
static Tensor takeRows(const Tensor &tensor, int64_t begin, int64_t end) {
  int64_t size = tensor.rowSize();
  Tensor part{tensor.shape, {}};
  part.shape[0] = end - begin;
  part.data.assign(tensor.data.begin() + begin * size,
                   tensor.data.begin() + end * size);
  return part;
}

static RuntimeValue wrap(Tensor tensor) {
  return {makeInteger(0), std::make_shared<Tensor>(std::move(tensor)), nullptr};
}

/// One slice of a stack of weights.
static LogicalResult takeSlice(Interpreter &interpreter, moe::ExpertsOp op,
                               Value stack, int64_t slot, Tensor &slice) {
  const Parameter *parameter = interpreter.getParameter(stack);
  ArrayRef<int64_t> shape = parameter ? parameter->type.getShape()
                                      : interpreter.getTensor(stack).shape;
  if (slot >= shape[0])
    return op.emitOpError()
           << "expects slot " << slot << " within a stack of " << shape[0];
  if (parameter) {
    Type type = parameter->type.getElementType();
    int64_t bytes = numElements(shape.drop_front()) * elementBytes(type);
    slice = fromBytes(type, shape.drop_front(),
                      static_cast<const char *>(parameter->bytes.get()) +
                          slot * bytes);
    return success();
  }
  slice = takeRows(interpreter.getTensor(stack), slot, slot + 1);
  slice.shape.erase(slice.shape.begin());
  return success();
}

/// Runs the region of one expert on its rows.
static LogicalResult runExpert(Interpreter &interpreter, moe::ExpertsOp op,
                               int64_t expert,
                               SmallVectorImpl<RuntimeValue> &yielded) {
  const Plan &plan = getPlan(interpreter, op.getPlan());
  int64_t begin = plan.offsets[expert], end = plan.offsets[expert + 1];
  Block &body = op.getBodies()[op.getMember(expert)].front();
  SmallVector<RuntimeValue> arguments;
  for (Value rows : op.getRows())
    arguments.push_back(
        wrap(takeRows(interpreter.getTensor(rows), begin, end)));
  for (Value stack : op.getParams()) {
    Tensor slice;
    // A stack that the region does not read may have fewer slices.
    if (!body.getArgument(arguments.size()).use_empty() &&
        failed(takeSlice(interpreter, op, stack, op.getSlotOf(expert), slice)))
      return failure();
    arguments.push_back(wrap(std::move(slice)));
  }
  arguments.push_back({makeInteger(expert), nullptr, nullptr});
  if (failed(interpreter.runBlock(body, arguments, yielded)))
    return failure();
  for (const RuntimeValue &result : yielded)
    if (result.tensor->shape[0] != end - begin)
      return op.emitOpError() << "expects " << end - begin << " rows of expert "
                              << expert << ", got " << result.tensor->shape[0];
  return success();
}

static LogicalResult runExperts(Interpreter &interpreter, moe::ExpertsOp op) {
  const Plan &plan = getPlan(interpreter, op.getPlan());
  for (Value rows : op.getRows())
    if (interpreter.getTensor(rows).shape[0] != plan.rows())
      return op.emitOpError() << "expects " << plan.rows() << " rows, got "
                              << interpreter.getTensor(rows).shape[0];

  // Sizes that no type and no expert tells belong to tensors without rows.
  std::vector<Tensor> outputs;
  for (Value output : op.getOutputs()) {
    Tensor tensor;
    for (int64_t size : cast<RankedTensorType>(output.getType()).getShape())
      tensor.shape.push_back(ShapedType::isDynamic(size) ? 0 : size);
    tensor.shape[0] = plan.rows();
    outputs.push_back(std::move(tensor));
  }
  int64_t experts = op.getPlan().getType().getExperts();
  SmallVector<SmallVector<RuntimeValue>> yielded(experts);
  for (int64_t expert = 0; expert < experts; ++expert) {
    bool hasRows = plan.offsets[expert] < plan.offsets[expert + 1];
    if (!hasRows || op.getMember(expert) < 0)
      continue;
    if (failed(runExpert(interpreter, op, expert, yielded[expert])))
      return failure();
    for (auto [output, value] : llvm::zip_equal(outputs, yielded[expert])) {
      output.shape = value.tensor->shape;
      output.shape[0] = plan.rows();
    }
  }
  // Rows of null experts stay zero.
  for (auto [index, output] : llvm::enumerate(outputs)) {
    Type type = cast<RankedTensorType>(op.getOutputs()[index].getType())
                    .getElementType();
    int64_t size = output.rowSize();
    output.data.assign(plan.rows() * size,
                       isa<FloatType>(type) ? makeReal(0.0) : makeInteger(0));
    for (int64_t expert = 0; expert < experts; ++expert) {
      if (yielded[expert].empty())
        continue;
      const Tensor &part = *yielded[expert][index].tensor;
      if (part.rowSize() != size)
        return op.emitOpError("expects rows of one shape from all experts");
      llvm::copy(part.data, output.data.begin() + plan.offsets[expert] * size);
    }
  }
  for (auto [result, output] : llvm::zip_equal(op.getOutputs(), outputs))
    interpreter.setTensor(result, std::move(output));
  return success();
}

static LogicalResult runCombine(Interpreter &interpreter, moe::CombineOp op) {
  const Tensor &rows = interpreter.getTensor(op.getRows());
  Tensor result = interpreter.getTensor(op.getInit());
  const Plan &plan = getPlan(interpreter, op.getPlan());
  int64_t size = result.rowSize();
  if (rows.shape[0] != plan.rows() || rows.rowSize() != size)
    return op.emitOpError()
           << "expects " << plan.rows() << " rows like init, got shape ["
           << rows.shape << "]";
  if (failed(verifyPlanned(interpreter, op, op.getPlan(), op.getWeights(),
                           result.shape[0])))
    return failure();
  if (op.getInto() == moe::CombineInto::Replace)
    for (int64_t token : plan.tokens)
      std::fill_n(result.data.begin() + token * size, size, makeReal(0.0));
  for (int64_t row = 0; row < plan.rows(); ++row) {
    double weight = getWeight(interpreter, op.getWeights(), plan, row);
    for (int64_t i = 0; i < size; ++i)
      result.data[plan.tokens[row] * size + i].real +=
          weight * rows.data[row * size + i].real;
  }
  interpreter.setTensor(op.getResult(), std::move(result));
  return success();
}

static LogicalResult runSlots(Interpreter &interpreter, moe::SlotsOp op) {
  const Tensor &rows = interpreter.getTensor(op.getRows());
  Tensor result = interpreter.getTensor(op.getInit());
  const Plan &plan = getPlan(interpreter, op.getPlan());
  int64_t size = rows.rowSize(), slots = result.shape[1];
  if (rows.shape[0] != plan.rows() || result.rowSize() != slots * size ||
      slots != op.getPlan().getType().getSlots())
    return op.emitOpError()
           << "expects " << plan.rows()
           << " rows like init's slots, got shape [" << rows.shape << "]";
  if (failed(verifyPlanned(interpreter, op, op.getPlan(), Value(),
                           result.shape[0])))
    return failure();
  for (int64_t row = 0; row < plan.rows(); ++row)
    std::copy_n(rows.data.begin() + row * size, size,
                result.data.begin() +
                    (plan.tokens[row] * slots + plan.slots[row]) * size);
  interpreter.setTensor(op.getResult(), std::move(result));
  return success();
}

static LogicalResult runTap(Interpreter &interpreter, moe::TapOp op) {
  if (interpreter.getHost().tap)
    interpreter.getHost().tap(op.getName(),
                              cast<RankedTensorType>(op.getValue().getType()),
                              interpreter.getTensor(op.getValue()));
  return success();
}

void addMoeOps(Handlers &handlers) {
  handlers.add<moe::PlanOp>(runPlan);
  handlers.add<moe::RowsOp>(runRows);
  handlers.add<moe::DispatchOp>(runDispatch);
  handlers.add<moe::ExpertsOp>(runExperts);
  handlers.add<moe::CombineOp>(runCombine);
  handlers.add<moe::SlotsOp>(runSlots);
  handlers.add<moe::TapOp>(runTap);
}

} // namespace moec::reference
