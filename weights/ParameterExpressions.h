// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values made of other values, read block by block. Private to this folder.

#ifndef MOEC_WEIGHTS_PARAMETEREXPRESSIONS_H
#define MOEC_WEIGHTS_PARAMETEREXPRESSIONS_H

#include "weights/ParameterNodes.h"
#include "llvm/ADT/STLExtras.h"
#include <cstring>
#include <vector>

namespace moec {

/// Rows between two neighbours in dimension `dim` (not the last one).
inline int64_t innerRows(llvm::ArrayRef<int64_t> shape, int64_t dim) {
  return llvm::product_of(shape.drop_back().drop_front(dim + 1));
}

/// Concatenation along `dim`; a stack is one of operands with size 1.
class ConcatNode final : public ParameterReader::Node {
public:
  ConcatNode(Shape shape, int64_t elementSize, int64_t dim,
             std::vector<ParameterNodePtr> operands, Shape sizes)
      : Node(std::move(shape), elementSize), dim(dim),
        operands(std::move(operands)), sizes(std::move(sizes)) {}

  llvm::Error read(const RowBlock &block, char *out,
                   int64_t stride) const override {
    int64_t last = static_cast<int64_t>(shape.size()) - 1;
    return dim == last ? readColumns(block, out, stride)
                       : readRows(block, out, stride);
  }

private:
  llvm::Error readColumns(const RowBlock &block, char *out,
                          int64_t stride) const {
    int64_t begin = 0;
    for (auto [operand, size] : llvm::zip(operands, sizes)) {
      int64_t first = std::max(begin, block.column);
      int64_t end = std::min(begin + size, block.column + block.columns);
      if (first < end)
        if (llvm::Error error = operand->read(
                {block.row, block.rows, first - begin, end - first},
                out + (first - block.column) * elementSize, stride))
          return error;
      begin += size;
    }
    return llvm::Error::success();
  }

  llvm::Error readRows(const RowBlock &block, char *out, int64_t stride) const {
    int64_t inner = innerRows(shape, dim);
    int64_t end = block.row + block.rows;
    for (int64_t row = block.row; row < end;) {
      int64_t outer = row / (shape[dim] * inner);
      int64_t within = row % (shape[dim] * inner);
      size_t index = 0;
      while (within >= sizes[index] * inner)
        within -= sizes[index++] * inner;
      int64_t count = std::min(sizes[index] * inner - within, end - row);
      if (llvm::Error error =
              operands[index]->read({outer * sizes[index] * inner + within,
                                     count, block.column, block.columns},
                                    out + (row - block.row) * stride, stride))
        return error;
      row += count;
    }
    return llvm::Error::success();
  }

  int64_t dim;
  std::vector<ParameterNodePtr> operands;
  Shape sizes;
};

/// Elements offset + i * step of dimension `dim`.
class SliceNode final : public ParameterReader::Node {
public:
  SliceNode(Shape shape, int64_t elementSize, ParameterNodePtr operand,
            int64_t dim, int64_t offset, int64_t step)
      : Node(std::move(shape), elementSize), operand(std::move(operand)),
        dim(dim), offset(offset), step(step) {}

  llvm::Error read(const RowBlock &block, char *out,
                   int64_t stride) const override {
    if (dim == static_cast<int64_t>(shape.size()) - 1)
      return readColumns(block, out, stride);
    int64_t inner = innerRows(shape, dim);
    int64_t end = block.row + block.rows;
    for (int64_t row = block.row; row < end;) {
      int64_t outer = row / (shape[dim] * inner);
      int64_t within = row % (shape[dim] * inner);
      // With a step only rows of one index lie side by side.
      int64_t index = within / inner;
      int64_t run = step == 1 ? shape[dim] * inner : (index + 1) * inner;
      int64_t count = std::min(run - within, end - row);
      int64_t from =
          (outer * operand->shape[dim] + offset + index * step) * inner +
          within % inner;
      if (llvm::Error error =
              operand->read({from, count, block.column, block.columns},
                            out + (row - block.row) * stride, stride))
        return error;
      row += count;
    }
    return llvm::Error::success();
  }

private:
  llvm::Error readColumns(const RowBlock &block, char *out,
                          int64_t stride) const {
    int64_t first = offset + block.column * step;
    if (step == 1 || block.columns == 0)
      return operand->read({block.row, block.rows, first, block.columns}, out,
                           stride);
    int64_t span = (block.columns - 1) * step + 1;
    std::vector<char> line(span * elementSize);
    for (int64_t row = 0; row < block.rows; ++row) {
      if (llvm::Error error = operand->read({block.row + row, 1, first, span},
                                            line.data(), span * elementSize))
        return error;
      for (int64_t column = 0; column < block.columns; ++column)
        std::memcpy(out + row * stride + column * elementSize,
                    line.data() + column * step * elementSize, elementSize);
    }
    return llvm::Error::success();
  }

  ParameterNodePtr operand;
  int64_t dim;
  int64_t offset;
  int64_t step;
};

/// The same elements in the same row-major order.
class ReshapeNode final : public ParameterReader::Node {
public:
  ReshapeNode(Shape shape, int64_t elementSize, ParameterNodePtr operand)
      : Node(std::move(shape), elementSize), operand(std::move(operand)) {}

  llvm::Error read(const RowBlock &block, char *out,
                   int64_t stride) const override {
    int64_t columns = operand->getNumColumns();
    if (columns == getNumColumns())
      return operand->read(block, out, stride);
    for (int64_t row = 0; row < block.rows; ++row) {
      int64_t at = (block.row + row) * getNumColumns() + block.column;
      int64_t end = at + block.columns;
      for (char *to = out + row * stride; at < end;) {
        int64_t column = at % columns;
        int64_t count = std::min(columns - column, end - at);
        if (llvm::Error error = operand->read({at / columns, 1, column, count},
                                              to, count * elementSize))
          return error;
        at += count;
        to += count * elementSize;
      }
    }
    return llvm::Error::success();
  }

private:
  ParameterNodePtr operand;
};

/// Result dimension `i` is operand dimension `permutation[i]`.
class TransposeNode final : public ParameterReader::Node {
public:
  TransposeNode(Shape shape, int64_t elementSize, ParameterNodePtr source,
                llvm::ArrayRef<int64_t> permutation)
      : Node(std::move(shape), elementSize), operand(std::move(source)),
        permutation(permutation) {
    int64_t rank = this->shape.size();
    columnStep = permutation.back() == rank - 1
                     ? 0
                     : innerRows(operand->shape, permutation.back());
  }

  llvm::Error read(const RowBlock &block, char *out,
                   int64_t stride) const override {
    int64_t rank = shape.size();
    // Rows whose operand columns lie side by side are fetched together: those
    // that differ in the dimension that is the operand's last one.
    int64_t runDim = rank - 2;
    bool runs = rank >= 2 && permutation[runDim] == rank - 1;
    int64_t end = block.row + block.rows;
    for (int64_t row = block.row; row < end;) {
      int64_t first = runs ? row % shape[runDim] : 0;
      int64_t count = runs ? std::min(shape[runDim] - first, end - row) : 1;
      char *to = out + (row - block.row) * stride;
      if (llvm::Error error = columnStep
                                  ? readRun(row, count, block, to, stride)
                                  : readRow(row, block, to, stride))
        return error;
      row += count;
    }
    return llvm::Error::success();
  }

private:
  /// Operand row, and operand column, of element (row, column 0).
  std::pair<int64_t, int64_t> locate(int64_t row) const {
    int64_t rank = shape.size();
    Shape index(rank, 0);
    for (int64_t dim = rank - 2; dim >= 0; row /= shape[dim--])
      index[permutation[dim]] = row % shape[dim];
    int64_t from = 0;
    for (int64_t dim = 0; dim < rank - 1; ++dim)
      from = from * operand->shape[dim] + index[dim];
    return {from, index[rank - 1]};
  }

  /// The last dimension stays: a row is a row.
  llvm::Error readRow(int64_t row, const RowBlock &block, char *to,
                      int64_t stride) const {
    return operand->read({locate(row).first, 1, block.column, block.columns},
                         to, stride);
  }

  /// `count` rows that are neighbouring columns of the operand.
  llvm::Error readRun(int64_t row, int64_t count, const RowBlock &block,
                      char *to, int64_t stride) const {
    auto [from, column] = locate(row);
    from += block.column * columnStep;
    int64_t lineBytes = count * elementSize;
    std::vector<char> lines(block.columns * lineBytes);
    if (columnStep == 1) {
      if (llvm::Error error = operand->read(
              {from, block.columns, column, count}, lines.data(), lineBytes))
        return error;
    } else {
      for (int64_t i = 0; i < block.columns; ++i)
        if (llvm::Error error =
                operand->read({from + i * columnStep, 1, column, count},
                              lines.data() + i * lineBytes, lineBytes))
          return error;
    }
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = 0; j < block.columns; ++j)
        std::memcpy(to + i * stride + j * elementSize,
                    lines.data() + j * lineBytes + i * elementSize,
                    elementSize);
    return llvm::Error::success();
  }

  ParameterNodePtr operand;
  Shape permutation;
  /// Operand rows between two result columns; 0: the last dimension stays.
  int64_t columnStep;
};

} // namespace moec

#endif // MOEC_WEIGHTS_PARAMETEREXPRESSIONS_H
