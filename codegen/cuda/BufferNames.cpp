// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cuda/BufferNames.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

using namespace moec::cuda;

std::string moec::cuda::product(llvm::StringRef a, llvm::StringRef b) {
  int64_t x, y;
  bool isX = !a.getAsInteger(10, x), isY = !b.getAsInteger(10, y);
  if ((isX && x == 0) || (isY && y == 0))
    return "0";
  if (isX && isY)
    return std::to_string(x * y);
  if (isX && x == 1)
    return b.str();
  if (isY && y == 1)
    return a.str();
  return (a + " * " + b).str();
}

std::vector<std::string>
moec::cuda::denseStrides(llvm::ArrayRef<std::string> sizes) {
  std::vector<std::string> strides(sizes.size());
  std::string stride = "1";
  for (size_t dim = sizes.size(); dim-- > 0;) {
    strides[dim] = stride;
    stride = product(stride, sizes[dim]);
    if (stride.find(' ') != std::string::npos)
      stride = "(" + stride + ")";
  }
  return strides;
}

std::string BufferName::offset(llvm::ArrayRef<std::string> position) const {
  std::string text;
  for (auto [index, stride] : llvm::zip_equal(position, strides)) {
    std::string term = product(index, stride);
    if (term == "0")
      continue;
    text += (text.empty() ? "" : " + ") + term;
  }
  return text.empty() ? "0" : text;
}

std::string BufferName::at(llvm::ArrayRef<std::string> position) const {
  return base + "[" + offset(position) + "]";
}
