// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "reference/LinalgOps.h"
#include "mlir/IR/AffineExprVisitor.h"
#include "reference/ScalarBody.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace moec::reference {

namespace {
/// Where an operand is read at a point: `base + sum of steps[d] * point[d]`.
struct Access {
  const Tensor *tensor = nullptr; ///< null: a scalar operand
  int64_t base = 0;
  SmallVector<int64_t> steps;
};

/// Advances a point through its box in row-major order; false behind the last.
bool advance(MutableArrayRef<int64_t> point, ArrayRef<int64_t> sizes) {
  for (int64_t dim = static_cast<int64_t>(sizes.size()) - 1; dim >= 0; --dim) {
    if (++point[dim] < sizes[dim])
      return true;
    point[dim] = 0;
  }
  return false;
}

bool isLinear(AffineMap map) {
  bool linear = true;
  for (AffineExpr result : map.getResults())
    result.walk([&](AffineExpr expr) {
      AffineExprKind kind = expr.getKind();
      linear &= kind != AffineExprKind::Mod &&
                kind != AffineExprKind::FloorDiv &&
                kind != AffineExprKind::CeilDiv;
    });
  return linear && map.getNumSymbols() == 0;
}

/// Turns an indexing map into steps, and checks that every point of the box is
/// within the tensor.
LogicalResult makeAccess(linalg::LinalgOp op, AffineMap map,
                         ArrayRef<int64_t> sizes, const Tensor &tensor,
                         Access &access) {
  if (!isLinear(map))
    return op.emitOpError("expects linear indexing maps to be interpreted");
  access.tensor = &tensor;
  access.steps.assign(sizes.size(), 0);
  SmallVector<int64_t> point(sizes.size(), 0);
  SmallVector<int64_t> origin = map.compose(point);
  SmallVector<int64_t> low = origin, high = origin;
  SmallVector<int64_t> strides = stridesOf(tensor.shape);
  for (auto [value, stride] : llvm::zip_equal(origin, strides))
    access.base += value * stride;
  for (size_t dim = 0; dim < sizes.size(); ++dim) {
    point[dim] = 1;
    SmallVector<int64_t> moved = map.compose(point);
    point[dim] = 0;
    for (size_t i = 0; i < moved.size(); ++i) {
      int64_t step = moved[i] - origin[i];
      access.steps[dim] += step * strides[i];
      (step < 0 ? low : high)[i] += step * (sizes[dim] - 1);
    }
  }
  for (size_t i = 0; i < low.size(); ++i)
    if (low[i] < 0 || high[i] >= tensor.shape[i])
      return op.emitOpError()
             << "reads past an operand of shape [" << tensor.shape << "]";
  return success();
}

/// What a linalg operation computes at each point of its iteration space.
class Loops {
public:
  Loops(Interpreter &interpreter, linalg::LinalgOp op)
      : interpreter(interpreter), op(op) {}

  LogicalResult run() {
    for (OpOperand &operand : op->getOpOperands()) {
      const RuntimeValue &value = interpreter.get(operand.get());
      if (value.tensor)
        shapes.append(value.tensor->shape);
      arguments.push_back(value.scalar);
    }
    AffineMap toLoops = op.getShapesToLoopsMap();
    if (!toLoops)
      return op.emitOpError("expects loop sizes that its operands tell");
    sizes = toLoops.compose(shapes);
    for (Value init : op.getDpsInits())
      outputs.push_back(interpreter.getTensor(init));
    if (numElements(sizes) > 0 && (failed(access()) || failed(visit())))
      return failure();
    for (auto [result, output] : llvm::zip_equal(op->getResults(), outputs))
      interpreter.setTensor(result, std::move(output));
    return success();
  }

private:
  LogicalResult access() {
    unsigned numInputs = op.getNumDpsInputs();
    for (OpOperand &operand : op->getOpOperands()) {
      Access one;
      const RuntimeValue &value = interpreter.get(operand.get());
      unsigned index = operand.getOperandNumber();
      const Tensor *tensor =
          index < numInputs ? value.tensor.get() : &outputs[index - numInputs];
      if (tensor && failed(makeAccess(op, op.getMatchingIndexingMap(&operand),
                                      sizes, *tensor, one)))
        return failure();
      accesses.push_back(std::move(one));
    }
    return success();
  }

  LogicalResult visit() {
    Block &block = op->getRegion(0).front();
    Interpreter::Unrounded unrounded(interpreter);
    std::optional<ScalarBody> body = ScalarBody::compile(interpreter, block);
    SmallVector<int64_t> point(sizes.size(), 0);
    SmallVector<int64_t> offsets(accesses.size());
    SmallVector<Scalar> yielded(outputs.size());
    do {
      for (auto [index, one] : llvm::enumerate(accesses)) {
        if (!one.tensor)
          continue;
        int64_t offset = one.base;
        for (auto [step, at] : llvm::zip_equal(one.steps, point))
          offset += step * at;
        offsets[index] = offset;
        arguments[index] = one.tensor->data[offset];
      }
      if (body)
        body->run(arguments, point, yielded);
      else if (failed(visitSlowly(block, point, yielded)))
        return failure();
      ArrayRef<int64_t> outputOffsets =
          ArrayRef(offsets).take_back(outputs.size());
      for (auto [output, offset, value] :
           llvm::zip_equal(outputs, outputOffsets, yielded))
        output.data[offset] = value;
    } while (advance(point, sizes));
    return success();
  }

  /// A body with control flow or accesses to tensors.
  LogicalResult visitSlowly(Block &block, ArrayRef<int64_t> point,
                            MutableArrayRef<Scalar> yielded) {
    block.walk([&](linalg::IndexOp index) {
      interpreter.set(index,
                      {makeInteger(point[index.getDim()]), nullptr, nullptr});
    });
    SmallVector<RuntimeValue> values, results;
    for (Scalar argument : arguments)
      values.push_back({argument, nullptr, nullptr});
    if (failed(interpreter.runBlock(block, values, results)))
      return failure();
    for (auto [value, result] : llvm::zip_equal(yielded, results))
      value = result.scalar;
    return success();
  }

  Interpreter &interpreter;
  linalg::LinalgOp op;
  SmallVector<int64_t> shapes, sizes;
  SmallVector<Scalar> arguments;
  SmallVector<Access> accesses;
  std::vector<Tensor> outputs;
};

/// Set by visitSlowly before the body runs.
LogicalResult runIndex(Interpreter &, linalg::IndexOp) { return success(); }

LogicalResult runSoftmax(Interpreter &interpreter, linalg::SoftmaxOp op) {
  Tensor tensor = interpreter.getTensor(op.getInput());
  int64_t dim = op.getDimension();
  int64_t size = tensor.shape[dim], stride = stridesOf(tensor.shape)[dim];
  for (int64_t i = 0, e = tensor.data.size(); i < e; ++i) {
    if ((i / stride) % size != 0)
      continue;
    // `i` is the first element along the dimension.
    double highest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int64_t k = 0; k < size; ++k)
      highest = std::fmax(highest, tensor.data[i + k * stride].real);
    for (int64_t k = 0; k < size; ++k) {
      double &value = tensor.data[i + k * stride].real;
      value = std::exp(value - highest);
      sum += value;
    }
    for (int64_t k = 0; k < size; ++k)
      tensor.data[i + k * stride].real /= sum;
  }
  interpreter.setTensor(op->getResult(0), std::move(tensor));
  return success();
}
} // namespace

LogicalResult runLinalgOp(Interpreter &interpreter, linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics())
    return op.emitOpError("expects tensors to be interpreted");
  return Loops(interpreter, op).run();
}

void addLinalgOps(Handlers &handlers) {
  handlers.add<linalg::IndexOp>(runIndex);
  handlers.add<linalg::SoftmaxOp>(runSoftmax);
}

} // namespace moec::reference
