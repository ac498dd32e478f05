// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "reference/Slices.h"

using namespace mlir;

namespace moec::reference {

static Type elementType(Value value) {
  return cast<ShapedType>(value.getType()).getElementType();
}

static LogicalResult runEmpty(Interpreter &interpreter, tensor::EmptyOp op) {
  SmallVector<int64_t> sizes = interpreter.getSizes(op.getMixedSizes());
  for (int64_t size : sizes)
    if (size < 0)
      return op.emitOpError() << "expects sizes of 0 or more, got " << size;
  interpreter.setTensor(op, makeUndefined(elementType(op), sizes));
  return success();
}

static LogicalResult runDim(Interpreter &interpreter, tensor::DimOp op) {
  const Tensor &tensor = interpreter.getTensor(op.getSource());
  int64_t dim = interpreter.getInteger(op.getIndex());
  if (dim < 0 || dim >= tensor.rank())
    return op.emitOpError()
           << "expects a dimension below " << tensor.rank() << ", got " << dim;
  interpreter.setScalar(op, makeInteger(tensor.shape[dim]));
  return success();
}

/// The flat index of an element, checked.
static FailureOr<int64_t> locate(Interpreter &interpreter, Operation *op,
                                 const Tensor &tensor, ValueRange indices) {
  int64_t flat = 0;
  for (auto [index, size] : llvm::zip_equal(indices, tensor.shape)) {
    int64_t at = interpreter.getInteger(index);
    if (at < 0 || at >= size)
      return op->emitOpError()
             << "expects an index below " << size << ", got " << at;
    flat = flat * size + at;
  }
  return flat;
}

static LogicalResult runExtract(Interpreter &interpreter,
                                tensor::ExtractOp op) {
  const Tensor &tensor = interpreter.getTensor(op.getTensor());
  FailureOr<int64_t> at = locate(interpreter, op, tensor, op.getIndices());
  if (failed(at))
    return failure();
  interpreter.setScalar(op, tensor.data[*at]);
  return success();
}

static LogicalResult runInsert(Interpreter &interpreter, tensor::InsertOp op) {
  Tensor tensor = interpreter.getTensor(op.getDest());
  FailureOr<int64_t> at = locate(interpreter, op, tensor, op.getIndices());
  if (failed(at))
    return failure();
  tensor.data[*at] = interpreter.getScalar(op.getScalar());
  interpreter.setTensor(op, std::move(tensor));
  return success();
}

static LogicalResult runExtractSlice(Interpreter &interpreter,
                                     tensor::ExtractSliceOp op) {
  Tensor result;
  if (failed(extractSlice(op, interpreter.getTensor(op.getSource()),
                          getSlice(interpreter, op), result)))
    return failure();
  llvm::SmallBitVector dropped = op.getDroppedDims();
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(result.shape))
    if (!dropped.test(dim))
      shape.push_back(size);
  result.shape = std::move(shape);
  interpreter.setTensor(op, std::move(result));
  return success();
}

static LogicalResult runInsertSlice(Interpreter &interpreter,
                                    tensor::InsertSliceOp op) {
  Tensor result = interpreter.getTensor(op.getDest());
  if (failed(insertSlice(op, interpreter.getTensor(op.getSource()),
                         getSlice(interpreter, op), result)))
    return failure();
  interpreter.setTensor(op, std::move(result));
  return success();
}

static LogicalResult runConcat(Interpreter &interpreter, tensor::ConcatOp op) {
  int64_t dim = op.getDim();
  SmallVector<const Tensor *> parts;
  for (Value input : op.getInputs())
    parts.push_back(&interpreter.getTensor(input));
  SmallVector<int64_t> shape = parts[0]->shape;
  shape[dim] = 0;
  for (const Tensor *part : parts)
    shape[dim] += part->shape[dim];
  Tensor result = makeUndefined(elementType(op), shape);
  Slice slice;
  slice.offsets.assign(shape.size(), 0);
  slice.strides.assign(shape.size(), 1);
  for (const Tensor *part : parts) {
    slice.sizes = part->shape;
    if (failed(insertSlice(op, *part, slice, result)))
      return failure();
    slice.offsets[dim] += part->shape[dim];
  }
  interpreter.setTensor(op, std::move(result));
  return success();
}

/// The same elements under another shape.
static LogicalResult reshape(Interpreter &interpreter, Operation *op,
                             Value source, ArrayRef<int64_t> shape) {
  Tensor result = interpreter.getTensor(source);
  if (numElements(shape) != static_cast<int64_t>(result.data.size()))
    return op->emitOpError() << "expects equal element counts, got ["
                             << result.shape << "] and [" << shape << "]";
  result.shape = SmallVector<int64_t>(shape);
  interpreter.setTensor(op->getResult(0), std::move(result));
  return success();
}

static LogicalResult runExpandShape(Interpreter &interpreter,
                                    tensor::ExpandShapeOp op) {
  return reshape(interpreter, op, op.getSrc(),
                 interpreter.getSizes(op.getMixedOutputShape()));
}

static LogicalResult runCollapseShape(Interpreter &interpreter,
                                      tensor::CollapseShapeOp op) {
  const Tensor &source = interpreter.getTensor(op.getSrc());
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    int64_t size = 1;
    for (int64_t dim : group)
      size *= source.shape[dim];
    shape.push_back(size);
  }
  return reshape(interpreter, op, op.getSrc(), shape);
}

static LogicalResult runReshape(Interpreter &interpreter,
                                tensor::ReshapeOp op) {
  SmallVector<int64_t> shape;
  for (Scalar size : interpreter.getTensor(op.getShape()).data)
    shape.push_back(size.integer);
  return reshape(interpreter, op, op.getSource(), shape);
}

static LogicalResult runCast(Interpreter &interpreter, tensor::CastOp op) {
  const Tensor &tensor = interpreter.getTensor(op.getSource());
  auto type = cast<ShapedType>(op.getType());
  if (type.hasRank())
    for (auto [dim, size] : llvm::enumerate(type.getShape()))
      if (!ShapedType::isDynamic(size) && size != tensor.shape[dim])
        return op.emitOpError() << "expects a tensor of type " << type
                                << ", got shape [" << tensor.shape << "]";
  interpreter.set(op, interpreter.get(op.getSource()));
  return success();
}

/// Fills a tensor by running a region for each point.
static LogicalResult fillByRegion(Interpreter &interpreter, Region &region,
                                  Tensor &tensor) {
  SmallVector<int64_t> strides = stridesOf(tensor.shape);
  for (int64_t i = 0, e = tensor.data.size(); i < e; ++i) {
    SmallVector<RuntimeValue> point, yielded;
    for (auto [stride, size] : llvm::zip_equal(strides, tensor.shape))
      point.push_back({makeInteger(i / stride % size), nullptr, nullptr});
    if (failed(interpreter.runBlock(region.front(), point, yielded)))
      return failure();
    tensor.data[i] = yielded[0].scalar;
  }
  return success();
}

static LogicalResult runGenerate(Interpreter &interpreter,
                                 tensor::GenerateOp op) {
  SmallVector<OpFoldResult> sizes;
  auto dynamic = op.getDynamicExtents().begin();
  auto type = cast<RankedTensorType>(op.getType());
  for (int64_t size : type.getShape())
    sizes.push_back(ShapedType::isDynamic(size)
                        ? OpFoldResult(*dynamic++)
                        : Builder(op.getContext()).getIndexAttr(size));
  Tensor tensor = makeUndefined(elementType(op), interpreter.getSizes(sizes));
  if (failed(fillByRegion(interpreter, op.getBody(), tensor)))
    return failure();
  interpreter.setTensor(op, std::move(tensor));
  return success();
}

static LogicalResult runPad(Interpreter &interpreter, tensor::PadOp op) {
  const Tensor &source = interpreter.getTensor(op.getSource());
  Slice inside;
  inside.offsets = interpreter.getSizes(op.getMixedLowPad());
  inside.sizes = source.shape;
  inside.strides.assign(source.rank(), 1);
  SmallVector<int64_t> shape = interpreter.getSizes(op.getMixedHighPad());
  for (auto [size, low, middle] :
       llvm::zip_equal(shape, inside.offsets, source.shape))
    size += low + middle;
  Tensor tensor = makeUndefined(elementType(op), shape);
  if (failed(fillByRegion(interpreter, op.getRegion(), tensor)) ||
      failed(insertSlice(op, source, inside, tensor)))
    return failure();
  interpreter.setTensor(op, std::move(tensor));
  return success();
}

static LogicalResult runFromElements(Interpreter &interpreter,
                                     tensor::FromElementsOp op) {
  Tensor tensor;
  tensor.shape = SmallVector<int64_t>(op.getType().getShape());
  for (Value element : op.getElements())
    tensor.data.push_back(interpreter.getScalar(element));
  interpreter.setTensor(op, std::move(tensor));
  return success();
}

static LogicalResult runSplat(Interpreter &interpreter, tensor::SplatOp op) {
  SmallVector<OpFoldResult> sizes;
  auto dynamic = op.getDynamicSizes().begin();
  for (int64_t size : op.getType().getShape())
    sizes.push_back(ShapedType::isDynamic(size)
                        ? OpFoldResult(*dynamic++)
                        : Builder(op.getContext()).getIndexAttr(size));
  Tensor tensor = makeUndefined(elementType(op), interpreter.getSizes(sizes));
  llvm::fill(tensor.data, interpreter.getScalar(op.getInput()));
  interpreter.setTensor(op, std::move(tensor));
  return success();
}

void addTensorOps(Handlers &handlers) {
  handlers.add<tensor::EmptyOp>(runEmpty);
  handlers.add<tensor::DimOp>(runDim);
  handlers.add<tensor::ExtractOp>(runExtract);
  handlers.add<tensor::InsertOp>(runInsert);
  handlers.add<tensor::ExtractSliceOp>(runExtractSlice);
  handlers.add<tensor::InsertSliceOp>(runInsertSlice);
  handlers.add<tensor::ConcatOp>(runConcat);
  handlers.add<tensor::ExpandShapeOp>(runExpandShape);
  handlers.add<tensor::CollapseShapeOp>(runCollapseShape);
  handlers.add<tensor::ReshapeOp>(runReshape);
  handlers.add<tensor::CastOp>(runCast);
  handlers.add<tensor::GenerateOp>(runGenerate);
  handlers.add<tensor::PadOp>(runPad);
  handlers.add<tensor::FromElementsOp>(runFromElements);
  handlers.add<tensor::SplatOp>(runSplat);
}

} // namespace moec::reference
