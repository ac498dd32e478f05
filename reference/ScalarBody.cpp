// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "reference/ScalarBody.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace moec::reference {

unsigned ScalarBody::number(Interpreter &interpreter, Value value,
                            Block &block) {
  auto [entry, isNew] = numbers.try_emplace(value, values.size());
  if (isNew) {
    bool captured = value.getParentBlock() != &block;
    values.push_back(captured ? interpreter.getScalar(value) : makeInteger(0));
  }
  return entry->second;
}

std::optional<ScalarBody> ScalarBody::compile(Interpreter &interpreter,
                                              Block &block) {
  ScalarBody body;
  for (BlockArgument argument : block.getArguments())
    body.number(interpreter, argument, block);
  for (Operation &op : block.without_terminator()) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      unsigned number = body.number(interpreter, constant, block);
      body.values[number] = fromAttribute(constant.getValue()).scalar;
      continue;
    }
    Step step;
    step.dimension = 0;
    if (auto index = dyn_cast<linalg::IndexOp>(op))
      step.dimension = index.getDim();
    else if (!(step.fn = getScalarFn(&op)))
      return std::nullopt;
    for (Value operand : op.getOperands()) {
      if (isa<ShapedType>(operand.getType()))
        return std::nullopt;
      step.operands.push_back(body.number(interpreter, operand, block));
    }
    step.result = body.number(interpreter, op.getResult(0), block);
    Type type = op.getResult(0).getType();
    step.integerType = isa<FloatType>(type) ? Type() : type;
    body.steps.push_back(std::move(step));
  }
  for (Value value : block.getTerminator()->getOperands())
    body.yields.push_back(body.number(interpreter, value, block));
  return body;
}

void ScalarBody::run(ArrayRef<Scalar> arguments, ArrayRef<int64_t> point,
                     MutableArrayRef<Scalar> yielded) {
  llvm::copy(arguments, values.begin());
  Scalar operands[4];
  for (const Step &step : steps) {
    if (!step.fn) {
      values[step.result] = makeInteger(point[step.dimension]);
      continue;
    }
    for (auto [index, operand] : llvm::enumerate(step.operands))
      operands[index] = values[operand];
    Scalar result = step.fn(operands);
    values[step.result] =
        step.integerType ? roundTo(step.integerType, result) : result;
  }
  for (auto [value, source] : llvm::zip_equal(yielded, yields))
    value = values[source];
}

} // namespace moec::reference
