// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers of a kernel, views of buffers, and stores.

#include "codegen/cuda/Cuda.h"
#include "codegen/cuda/Expressions.h"
#include "codegen/cuda/Printer.h"

using namespace mlir;
using namespace moec::cuda;

LogicalResult Printer::printStore(memref::StoreOp op) {
  std::string text = buffers[op.getMemRef()].at(namesOf(op.getIndices())) +
                     " = " + bare(name(op.getValueToStore())) + ";\n";
  if (!isUniform()) {
    line() << text;
    return success();
  }
  // One thread stores what all computed, when all have read what was there.
  line() << "__syncthreads();\n";
  line() << "if (threadIdx.x == 0)\n";
  line() << "  " << text;
  line() << "__syncthreads();\n";
  return success();
}

LogicalResult Printer::printLocal(Value value) {
  auto type = cast<MemRefType>(value.getType());
  std::optional<std::string> element = cppType(type.getElementType());
  if (!element || !type.hasStaticShape() || !type.getLayout().isIdentity())
    return value.getDefiningOp()->emitOpError(
        "in a kernel has no CUDA code: its size is not fixed");
  BufferName &buffer = buffers[value];
  buffer.base = fresh("local");
  for (int64_t size : type.getShape())
    buffer.sizes.push_back(std::to_string(size));
  buffer.strides = denseStrides(buffer.sizes);
  line() << (isUniform() ? "__shared__ " : "") << *element << ' ' << buffer.base
         << '[' << std::max<int64_t>(type.getNumElements(), 1) << "];\n";
  return success();
}

LogicalResult Printer::printSubView(memref::SubViewOp op) {
  const BufferName source = buffers[op.getSource()];
  SmallVector<std::string> offsets;
  for (OpFoldResult offset : op.getMixedOffsets())
    offsets.push_back(mixed(offset));
  BufferName &view = buffers[op.getResult()];
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [dim, size, stride] :
       llvm::enumerate(op.getMixedSizes(), op.getMixedStrides())) {
    if (dropped.test(dim))
      continue;
    view.sizes.push_back(mixed(size));
    view.strides.push_back(product(source.strides[dim], mixed(stride)));
  }
  view.base = fresh("view");
  line() << *cppType(op.getType().getElementType()) << " *const " << view.base
         << " = " << source.base;
  if (std::string offset = source.offset(offsets); offset != "0")
    stream << " + " << offset;
  stream << ";\n";
  return success();
}

LogicalResult Printer::printView(memref::ViewOp op) {
  BufferName &view = buffers[op.getResult()];
  unsigned next = 0;
  for (int64_t size : op.getType().getShape())
    view.sizes.push_back(ShapedType::isDynamic(size)
                             ? name(op.getSizes()[next++])
                             : std::to_string(size));
  view.strides = denseStrides(view.sizes);
  view.base = fresh("view");
  std::string type = *cppType(op.getType().getElementType()) + " *";
  line() << type << "const " << view.base << " = (" << type << ")("
         << buffers[op.getSource()].base << " + " << name(op.getByteShift())
         << ");\n";
  return success();
}

LogicalResult Printer::printCollapse(memref::CollapseShapeOp op) {
  const BufferName source = buffers[op.getSrc()];
  BufferName &result = buffers[op.getResult()];
  result.base = source.base;
  for (ArrayRef<int64_t> group : op.getReassociationIndices()) {
    std::string size = "1";
    for (int64_t dim : group)
      size = product(size, source.sizes[dim]);
    bool isOne = size.find(' ') == std::string::npos;
    result.sizes.push_back(isOne ? size : "(" + size + ")");
    result.strides.push_back(source.strides[group.back()]);
  }
  return success();
}

LogicalResult Printer::printExpand(memref::ExpandShapeOp op) {
  const BufferName source = buffers[op.getSrc()];
  BufferName &result = buffers[op.getResult()];
  result.base = source.base;
  for (OpFoldResult size : op.getMixedOutputShape())
    result.sizes.push_back(mixed(size));
  result.strides.resize(result.sizes.size());
  for (auto [from, group] : llvm::enumerate(op.getReassociationIndices())) {
    std::string stride = source.strides[from];
    for (int64_t dim : llvm::reverse(group)) {
      result.strides[dim] = stride;
      stride = product(result.sizes[dim], stride);
      if (stride.find(' ') != std::string::npos)
        stride = "(" + stride + ")";
    }
  }
  return success();
}
