// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// scf by recursion, calls and globals.

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "reference/Interpreter.h"
#include "reference/Slices.h"

using namespace mlir;

namespace moec::reference {

static void setResults(Interpreter &interpreter, Operation *op,
                       ArrayRef<RuntimeValue> values) {
  for (auto [result, value] : llvm::zip_equal(op->getResults(), values))
    interpreter.set(result, value);
}

static LogicalResult runFor(Interpreter &interpreter, scf::ForOp op) {
  int64_t upper = interpreter.getInteger(op.getUpperBound());
  int64_t step = interpreter.getInteger(op.getStep());
  if (step <= 0)
    return op.emitOpError() << "expects a positive step, got " << step;
  SmallVector<RuntimeValue> carried = interpreter.getAll(op.getInitArgs());
  for (int64_t i = interpreter.getInteger(op.getLowerBound()); i < upper;
       i += step) {
    SmallVector<RuntimeValue> arguments = {{makeInteger(i), nullptr, nullptr}};
    llvm::append_range(arguments, carried);
    if (failed(interpreter.runBlock(*op.getBody(), arguments, carried)))
      return failure();
  }
  setResults(interpreter, op, carried);
  return success();
}

static LogicalResult runIf(Interpreter &interpreter, scf::IfOp op) {
  Region &region = interpreter.getInteger(op.getCondition())
                       ? op.getThenRegion()
                       : op.getElseRegion();
  SmallVector<RuntimeValue> results;
  if (!region.empty() &&
      failed(interpreter.runBlock(region.front(), {}, results)))
    return failure();
  setResults(interpreter, op, results);
  return success();
}

static LogicalResult runWhile(Interpreter &interpreter, scf::WhileOp op) {
  SmallVector<RuntimeValue> carried = interpreter.getAll(op.getInits());
  while (true) {
    SmallVector<RuntimeValue> condition;
    if (failed(interpreter.runBlock(*op.getBeforeBody(), carried, condition)))
      return failure();
    ArrayRef<RuntimeValue> passed = ArrayRef(condition).drop_front();
    if (!condition.front().scalar.integer) {
      setResults(interpreter, op, passed);
      return success();
    }
    if (failed(interpreter.runBlock(*op.getAfterBody(), passed, carried)))
      return failure();
  }
}

static LogicalResult runIndexSwitch(Interpreter &interpreter,
                                    scf::IndexSwitchOp op) {
  int64_t value = interpreter.getInteger(op.getArg());
  Region *chosen = &op.getDefaultRegion();
  for (auto [label, region] :
       llvm::zip_equal(op.getCases(), op.getCaseRegions()))
    if (label == value)
      chosen = &region;
  SmallVector<RuntimeValue> results;
  if (failed(interpreter.runBlock(chosen->front(), {}, results)))
    return failure();
  setResults(interpreter, op, results);
  return success();
}

/// Every iteration reads the initial outputs; what it inserts shows in the
/// results only.
static LogicalResult runForall(Interpreter &interpreter, scf::ForallOp op) {
  SmallVector<int64_t> lower = interpreter.getSizes(op.getMixedLowerBound());
  SmallVector<int64_t> upper = interpreter.getSizes(op.getMixedUpperBound());
  SmallVector<int64_t> step = interpreter.getSizes(op.getMixedStep());
  SmallVector<RuntimeValue> outputs = interpreter.getAll(op.getOutputs());
  std::vector<Tensor> results;
  for (const RuntimeValue &output : outputs)
    results.push_back(*output.tensor);

  int64_t iterations = 1;
  for (size_t dim = 0; dim < step.size(); ++dim) {
    if (step[dim] <= 0)
      return op.emitOpError() << "expects positive steps, got " << step[dim];
    iterations *= std::max<int64_t>(
        0, llvm::divideCeilSigned(upper[dim] - lower[dim], step[dim]));
  }
  SmallVector<int64_t> point = lower;
  for (int64_t i = 0; i < iterations; ++i) {
    SmallVector<RuntimeValue> arguments;
    for (int64_t at : point)
      arguments.push_back({makeInteger(at), nullptr, nullptr});
    llvm::append_range(arguments, outputs);
    if (failed(interpreter.runBody(*op.getBody(), arguments)))
      return failure();
    for (Operation &inner : op.getTerminator().getYieldingOps()) {
      auto insert = dyn_cast<tensor::ParallelInsertSliceOp>(inner);
      if (!insert)
        return inner.emitOpError("is not known to the reference interpreter");
      auto output = cast<BlockArgument>(insert.getDest());
      Tensor &result = results[output.getArgNumber() - op.getRank()];
      if (failed(insertSlice(insert, interpreter.getTensor(insert.getSource()),
                             getSlice(interpreter, insert), result)))
        return failure();
    }
    for (int64_t dim = static_cast<int64_t>(point.size()) - 1; dim >= 0;
         --dim) {
      if ((point[dim] += step[dim]) < upper[dim])
        break;
      point[dim] = lower[dim];
    }
  }
  for (auto [result, tensor] : llvm::zip_equal(op.getResults(), results))
    interpreter.setTensor(result, std::move(tensor));
  return success();
}

static LogicalResult runCall(Interpreter &interpreter, func::CallOp op) {
  func::FuncOp callee = interpreter.lookupFunction(op.getCallee());
  if (!callee)
    return op.emitOpError()
           << "calls unknown function '" << op.getCallee() << "'";
  SmallVector<RuntimeValue> results;
  if (failed(interpreter.call(callee, interpreter.getAll(op.getOperands()),
                              results)))
    return failure();
  setResults(interpreter, op, results);
  return success();
}

template <typename LoadOp>
static LogicalResult runLoad(Interpreter &interpreter, LoadOp op) {
  RuntimeValue value;
  if (failed(interpreter.loadGlobal(op, op.getGlobal(), value)))
    return failure();
  interpreter.set(op.getResult(), std::move(value));
  return success();
}

static LogicalResult runStore(Interpreter &interpreter,
                              ml_program::GlobalStoreOp op) {
  return interpreter.storeGlobal(op, op.getGlobal(),
                                 interpreter.get(op.getValue()));
}

void addControlFlow(Handlers &handlers) {
  handlers.add<scf::ForOp>(runFor);
  handlers.add<scf::IfOp>(runIf);
  handlers.add<scf::WhileOp>(runWhile);
  handlers.add<scf::IndexSwitchOp>(runIndexSwitch);
  handlers.add<scf::ForallOp>(runForall);
  handlers.add<func::CallOp>(runCall);
  handlers.add<ml_program::GlobalLoadConstOp>(runLoad);
  handlers.add<ml_program::GlobalLoadOp>(runLoad);
  handlers.add<ml_program::GlobalStoreOp>(runStore);
}

} // namespace moec::reference
