// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The memref operations that selection policies emit (buildRow).

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "reference/Interpreter.h"

using namespace mlir;

namespace moec::reference {

/// The element that an access names, or null behind an error.
static Scalar *locate(Interpreter &interpreter, Operation *op, Value memref,
                      ValueRange indices) {
  Tensor &memory = *interpreter.get(memref).tensor;
  int64_t flat = 0;
  for (auto [index, size] : llvm::zip_equal(indices, memory.shape)) {
    int64_t at = interpreter.getInteger(index);
    if (at < 0 || at >= size) {
      op->emitOpError() << "expects an index below " << size << ", got " << at;
      return nullptr;
    }
    flat = flat * size + at;
  }
  return &memory.data[flat];
}

static LogicalResult runLoad(Interpreter &interpreter, memref::LoadOp op) {
  Scalar *element = locate(interpreter, op, op.getMemRef(), op.getIndices());
  if (!element)
    return failure();
  interpreter.setScalar(op.getResult(), *element);
  return success();
}

static LogicalResult runStore(Interpreter &interpreter, memref::StoreOp op) {
  Scalar *element = locate(interpreter, op, op.getMemRef(), op.getIndices());
  if (!element)
    return failure();
  *element = interpreter.getScalar(op.getValueToStore());
  return success();
}

static LogicalResult runAlloca(Interpreter &interpreter, memref::AllocaOp op) {
  interpreter.setTensor(
      op.getResult(), makeUndefined(op.getType().getElementType(),
                                    interpreter.getSizes(op.getMixedSizes())));
  return success();
}

static LogicalResult runDim(Interpreter &interpreter, memref::DimOp op) {
  const Tensor &memory = interpreter.getTensor(op.getSource());
  int64_t dim = interpreter.getInteger(op.getIndex());
  if (dim < 0 || dim >= memory.rank())
    return op.emitOpError()
           << "expects a dimension below " << memory.rank() << ", got " << dim;
  interpreter.setScalar(op.getResult(), makeInteger(memory.shape[dim]));
  return success();
}

void addMemoryOps(Handlers &handlers) {
  handlers.add<memref::LoadOp>(runLoad);
  handlers.add<memref::StoreOp>(runStore);
  handlers.add<memref::AllocaOp>(runAlloca);
  handlers.add<memref::DimOp>(runDim);
}

} // namespace moec::reference
