// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where values come from: files, random numbers, dense elements. Private to
// this folder.

#ifndef MOEC_WEIGHTS_PARAMETERLEAVES_H
#define MOEC_WEIGHTS_PARAMETERLEAVES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "weights/ParameterNodes.h"
#include "weights/Random.h"
#include <cstring>

namespace moec {

class SourceNode final : public ParameterReader::Node {
public:
  SourceNode(SourceTensor source, int64_t elementSize)
      : Node(Shape(source.entry->shape), elementSize), source(source) {}

  llvm::Error read(const RowBlock &block, char *out,
                   int64_t stride) const override {
    int64_t rowBytes = getNumColumns() * elementSize;
    int64_t begin = block.row * rowBytes + block.column * elementSize;
    int64_t bytes = block.columns * elementSize;
    bool whole = bytes == rowBytes && stride == rowBytes;
    if (whole)
      return readBytes(begin, out, bytes * block.rows);
    for (int64_t row = 0; row < block.rows; ++row)
      if (llvm::Error error =
              readBytes(begin + row * rowBytes, out + row * stride, bytes))
        return error;
    return llvm::Error::success();
  }

private:
  llvm::Error readBytes(int64_t begin, char *out, int64_t bytes) const {
    return source.file->read(*source.entry, begin,
                             llvm::MutableArrayRef<char>(out, bytes));
  }

  SourceTensor source;
};

class RandomNode final : public ParameterReader::Node {
public:
  RandomNode(Shape shape, int64_t elementSize, int64_t seed, double std,
             RandomElement element)
      : Node(std::move(shape), elementSize), seed(seed), std(std),
        element(element) {}

  llvm::Error read(const RowBlock &block, char *out,
                   int64_t stride) const override {
    for (int64_t row = 0; row < block.rows; ++row)
      fillRandom(seed, std, element,
                 (block.row + row) * getNumColumns() + block.column,
                 block.columns, out + row * stride);
    return llvm::Error::success();
  }

private:
  int64_t seed;
  double std;
  RandomElement element;
};

class DenseNode final : public ParameterReader::Node {
public:
  DenseNode(Shape shape, int64_t elementSize, mlir::DenseElementsAttr values)
      : Node(std::move(shape), elementSize), bytes(values.getRawData()),
        splat(values.isSplat()) {}

  llvm::Error read(const RowBlock &block, char *out,
                   int64_t stride) const override {
    for (int64_t row = 0; row < block.rows; ++row) {
      int64_t first = (block.row + row) * getNumColumns() + block.column;
      for (int64_t column = 0; column < block.columns; ++column)
        std::memcpy(out + row * stride + column * elementSize,
                    bytes.data() + (splat ? 0 : first + column) * elementSize,
                    elementSize);
    }
    return llvm::Error::success();
  }

private:
  llvm::ArrayRef<char> bytes;
  bool splat;
};

} // namespace moec

#endif // MOEC_WEIGHTS_PARAMETERLEAVES_H
