// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "reference/Slices.h"

using namespace mlir;

namespace moec::reference {

/// Calls `visit` with the flat index of each element of the slice, in order.
static LogicalResult forEach(Operation *op, ArrayRef<int64_t> shape,
                             const Slice &slice,
                             function_ref<void(int64_t)> visit) {
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    int64_t offset = slice.offsets[dim], size = slice.sizes[dim];
    int64_t last = offset + (size - 1) * slice.strides[dim];
    if (size < 0 || (size > 0 && (std::min(offset, last) < 0 ||
                                  std::max(offset, last) >= shape[dim])))
      return op->emitOpError()
             << "expects a slice within [" << shape << "], got offsets ["
             << slice.offsets << "], sizes [" << slice.sizes << "], strides ["
             << slice.strides << "]";
  }
  SmallVector<int64_t> strides = stridesOf(shape);
  int64_t count = numElements(slice.sizes);
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, flat = 0;
    for (int64_t dim = static_cast<int64_t>(shape.size()) - 1; dim >= 0;
         --dim) {
      int64_t at = rest % slice.sizes[dim];
      rest /= slice.sizes[dim];
      flat += (slice.offsets[dim] + at * slice.strides[dim]) * strides[dim];
    }
    visit(flat);
  }
  return success();
}

LogicalResult extractSlice(Operation *op, const Tensor &source,
                           const Slice &slice, Tensor &result) {
  result.shape = slice.sizes;
  result.data.clear();
  return forEach(op, source.shape, slice, [&](int64_t flat) {
    result.data.push_back(source.data[flat]);
  });
}

LogicalResult insertSlice(Operation *op, const Tensor &source,
                          const Slice &slice, Tensor &target) {
  if (numElements(slice.sizes) != static_cast<int64_t>(source.data.size()))
    return op->emitOpError() << "expects a source of sizes [" << slice.sizes
                             << "], got [" << source.shape << "]";
  const Scalar *next = source.data.data();
  return forEach(op, target.shape, slice,
                 [&](int64_t flat) { target.data[flat] = *next++; });
}

} // namespace moec::reference
