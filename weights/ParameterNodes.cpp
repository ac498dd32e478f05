// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/ParameterNodes.h"
#include "dialects/moe/Moe.h"
#include "weights/Random.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include <cstring>

using namespace moec;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;
using mlir::ShapedType;
using Node = ParameterReader::Node;
using NodePtr = std::unique_ptr<Node>;

static std::string describeShape(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, size] : llvm::enumerate(shape))
    text += (i ? ", " : "") +
            (ShapedType::isDynamic(size) ? "?" : std::to_string(size));
  return text + "]";
}

static int64_t product(llvm::ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (int64_t size : sizes)
    result *= size;
  return result;
}

/// Rows between two neighbours in dimension `dim` (not the last one).
static int64_t innerRows(llvm::ArrayRef<int64_t> shape, int64_t dim) {
  return product(shape.drop_back().drop_front(dim + 1));
}

namespace {

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

class SourceNode final : public Node {
public:
  SourceNode(SourceTensor source, int64_t elementSize)
      : Node(Shape(source.entry->shape), elementSize), source(source) {}

  Error read(const RowBlock &block, char *out, int64_t stride) const override {
    int64_t rowBytes = getNumColumns() * elementSize;
    int64_t begin = block.row * rowBytes + block.column * elementSize;
    int64_t bytes = block.columns * elementSize;
    bool whole = bytes == rowBytes && stride == rowBytes;
    if (whole)
      return readBytes(begin, out, bytes * block.rows);
    for (int64_t row = 0; row < block.rows; ++row)
      if (Error error =
              readBytes(begin + row * rowBytes, out + row * stride, bytes))
        return error;
    return Error::success();
  }

private:
  Error readBytes(int64_t begin, char *out, int64_t bytes) const {
    return source.file->read(*source.entry, begin,
                             llvm::MutableArrayRef<char>(out, bytes));
  }

  SourceTensor source;
};

class RandomNode final : public Node {
public:
  RandomNode(Shape shape, int64_t elementSize, int64_t seed, double std,
             RandomElement element)
      : Node(std::move(shape), elementSize), seed(seed), std(std),
        element(element) {}

  Error read(const RowBlock &block, char *out, int64_t stride) const override {
    for (int64_t row = 0; row < block.rows; ++row)
      fillRandom(seed, std, element,
                 (block.row + row) * getNumColumns() + block.column,
                 block.columns, out + row * stride);
    return Error::success();
  }

private:
  int64_t seed;
  double std;
  RandomElement element;
};

class DenseNode final : public Node {
public:
  DenseNode(Shape shape, int64_t elementSize, mlir::DenseElementsAttr values)
      : Node(std::move(shape), elementSize), bytes(values.getRawData()),
        splat(values.isSplat()) {}

  Error read(const RowBlock &block, char *out, int64_t stride) const override {
    for (int64_t row = 0; row < block.rows; ++row) {
      int64_t first = (block.row + row) * getNumColumns() + block.column;
      for (int64_t column = 0; column < block.columns; ++column)
        std::memcpy(out + row * stride + column * elementSize,
                    bytes.data() + (splat ? 0 : first + column) * elementSize,
                    elementSize);
    }
    return Error::success();
  }

private:
  llvm::ArrayRef<char> bytes;
  bool splat;
};

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

/// Concatenation along `dim`; a stack is one of operands with size 1.
class ConcatNode final : public Node {
public:
  ConcatNode(Shape shape, int64_t elementSize, int64_t dim,
             std::vector<NodePtr> operands, Shape sizes)
      : Node(std::move(shape), elementSize), dim(dim),
        operands(std::move(operands)), sizes(std::move(sizes)) {}

  Error read(const RowBlock &block, char *out, int64_t stride) const override {
    int64_t last = static_cast<int64_t>(shape.size()) - 1;
    return dim == last ? readColumns(block, out, stride)
                       : readRows(block, out, stride);
  }

private:
  Error readColumns(const RowBlock &block, char *out, int64_t stride) const {
    int64_t begin = 0;
    for (auto [operand, size] : llvm::zip(operands, sizes)) {
      int64_t first = std::max(begin, block.column);
      int64_t end = std::min(begin + size, block.column + block.columns);
      if (first < end)
        if (Error error = operand->read(
                {block.row, block.rows, first - begin, end - first},
                out + (first - block.column) * elementSize, stride))
          return error;
      begin += size;
    }
    return Error::success();
  }

  Error readRows(const RowBlock &block, char *out, int64_t stride) const {
    int64_t inner = innerRows(shape, dim);
    int64_t end = block.row + block.rows;
    for (int64_t row = block.row; row < end;) {
      int64_t outer = row / (shape[dim] * inner);
      int64_t within = row % (shape[dim] * inner);
      size_t index = 0;
      while (within >= sizes[index] * inner)
        within -= sizes[index++] * inner;
      int64_t count = std::min(sizes[index] * inner - within, end - row);
      if (Error error =
              operands[index]->read({outer * sizes[index] * inner + within,
                                     count, block.column, block.columns},
                                    out + (row - block.row) * stride, stride))
        return error;
      row += count;
    }
    return Error::success();
  }

  int64_t dim;
  std::vector<NodePtr> operands;
  Shape sizes;
};

class SliceNode final : public Node {
public:
  SliceNode(Shape shape, int64_t elementSize, NodePtr operand, int64_t dim,
            int64_t offset)
      : Node(std::move(shape), elementSize), operand(std::move(operand)),
        dim(dim), offset(offset) {}

  Error read(const RowBlock &block, char *out, int64_t stride) const override {
    if (dim == static_cast<int64_t>(shape.size()) - 1)
      return operand->read(
          {block.row, block.rows, block.column + offset, block.columns}, out,
          stride);
    int64_t inner = innerRows(shape, dim);
    int64_t end = block.row + block.rows;
    for (int64_t row = block.row; row < end;) {
      int64_t outer = row / (shape[dim] * inner);
      int64_t within = row % (shape[dim] * inner);
      int64_t count = std::min(shape[dim] * inner - within, end - row);
      int64_t from = (outer * operand->shape[dim] + offset) * inner + within;
      if (Error error =
              operand->read({from, count, block.column, block.columns},
                            out + (row - block.row) * stride, stride))
        return error;
      row += count;
    }
    return Error::success();
  }

private:
  NodePtr operand;
  int64_t dim;
  int64_t offset;
};

/// Result dimension `i` is operand dimension `permutation[i]`.
class TransposeNode final : public Node {
public:
  TransposeNode(Shape shape, int64_t elementSize, NodePtr source,
                llvm::ArrayRef<int64_t> permutation)
      : Node(std::move(shape), elementSize), operand(std::move(source)),
        permutation(permutation) {
    int64_t rank = this->shape.size();
    columnStep = permutation.back() == rank - 1
                     ? 0
                     : innerRows(operand->shape, permutation.back());
  }

  Error read(const RowBlock &block, char *out, int64_t stride) const override {
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
      if (Error error = columnStep ? readRun(row, count, block, to, stride)
                                   : readRow(row, block, to, stride))
        return error;
      row += count;
    }
    return Error::success();
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
  Error readRow(int64_t row, const RowBlock &block, char *to,
                int64_t stride) const {
    return operand->read({locate(row).first, 1, block.column, block.columns},
                         to, stride);
  }

  /// `count` rows that are neighbouring columns of the operand.
  Error readRun(int64_t row, int64_t count, const RowBlock &block, char *to,
                int64_t stride) const {
    auto [from, column] = locate(row);
    from += block.column * columnStep;
    int64_t lineBytes = count * elementSize;
    std::vector<char> lines(block.columns * lineBytes);
    if (columnStep == 1) {
      if (Error error = operand->read({from, block.columns, column, count},
                                      lines.data(), lineBytes))
        return error;
    } else {
      for (int64_t i = 0; i < block.columns; ++i)
        if (Error error =
                operand->read({from + i * columnStep, 1, column, count},
                              lines.data() + i * lineBytes, lineBytes))
          return error;
    }
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = 0; j < block.columns; ++j)
        std::memcpy(to + i * stride + j * elementSize,
                    lines.data() + j * lineBytes + i * elementSize,
                    elementSize);
    return Error::success();
  }

  NodePtr operand;
  Shape permutation;
  /// Operand rows between two result columns; 0: the last dimension stays.
  int64_t columnStep;
};

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

struct Builder {
  mlir::Type element;
  int64_t elementSize;
  SourceFiles &files;

  Expected<NodePtr> build(mlir::Attribute value, const Shape &expected) {
    if (auto source = mlir::dyn_cast<moe::SourceAttr>(value))
      return buildSource(source, expected);
    if (auto random = mlir::dyn_cast<moe::RandomAttr>(value))
      return buildRandom(random, expected);
    if (auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(value))
      return buildDense(dense, expected);
    if (auto expr = mlir::dyn_cast<moe::ExprAttr>(value)) {
      switch (expr.getKind()) {
      case moe::ExprKind::Stack:
        return buildStack(expr, expected);
      case moe::ExprKind::Concat:
        return buildConcat(expr, expected);
      case moe::ExprKind::Slice:
        return buildSlice(expr, expected);
      case moe::ExprKind::Transpose:
        return buildTranspose(expr, expected);
      }
    }
    return createStringError("expected #moe.source, #moe.expr, #moe.random or "
                             "dense elements as value");
  }

private:
  static bool matches(llvm::ArrayRef<int64_t> shape,
                      llvm::ArrayRef<int64_t> expected) {
    return shape.size() == expected.size() &&
           llvm::all_of(llvm::zip(shape, expected), [](auto pair) {
             return ShapedType::isDynamic(std::get<1>(pair)) ||
                    std::get<0>(pair) == std::get<1>(pair);
           });
  }

  Expected<NodePtr> buildSource(moe::SourceAttr attr, const Shape &expected) {
    auto source = files.find(attr.getFile(), attr.getTensor());
    if (!source)
      return source.takeError();
    std::string where = (source->file->getPath() + ": tensor '" +
                         attr.getTensor().getValue() + "'")
                            .str();
    if (getElementType(source->entry->dtype, element.getContext()) != element)
      return createStringError(Twine(where) + ": expected dtype " +
                               getSafetensorsDtype(element) + ", found " +
                               source->entry->dtype);
    if (!matches(source->entry->shape, expected))
      return createStringError(Twine(where) + ": expected shape " +
                               describeShape(expected) + ", found " +
                               describeShape(source->entry->shape));
    return std::make_unique<SourceNode>(*source, elementSize);
  }

  Expected<NodePtr> buildRandom(moe::RandomAttr attr, const Shape &expected) {
    if (llvm::any_of(expected, ShapedType::isDynamic))
      return createStringError("#moe.random cannot be sliced");
    RandomElement kind;
    if (element.isF32())
      kind = RandomElement::F32;
    else if (element.isF16())
      kind = RandomElement::F16;
    else if (element.isBF16())
      kind = RandomElement::BF16;
    else
      return createStringError(
          "#moe.random expects element type f32, f16 or bf16");
    return std::make_unique<RandomNode>(expected, elementSize, attr.getSeed(),
                                        attr.getStd().getValueAsDouble(), kind);
  }

  Expected<NodePtr> buildDense(mlir::DenseElementsAttr attr,
                               const Shape &expected) {
    if (attr.getElementType() != element || element.isInteger(1) ||
        !matches(attr.getType().getShape(), expected))
      return createStringError("dense elements of another type than the "
                               "parameter's");
    return std::make_unique<DenseNode>(Shape(attr.getType().getShape()),
                                       elementSize, attr);
  }

  Expected<NodePtr> buildStack(moe::ExprAttr attr, const Shape &expected) {
    int64_t count = attr.getOperands().size();
    if (expected.empty() ||
        (!ShapedType::isDynamic(expected[0]) && expected[0] != count))
      return createStringError("stack of " + Twine(count) +
                               " operands does not make shape " +
                               describeShape(expected));
    Shape slice(llvm::drop_begin(expected));
    return join(attr, /*dim=*/0, slice, [](const Node &) { return 1; });
  }

  Expected<NodePtr> buildConcat(moe::ExprAttr attr, const Shape &expected) {
    int64_t dim = attr.getDims().empty() ? -1 : attr.getDims()[0];
    if (dim < 0 || dim >= static_cast<int64_t>(expected.size()))
      return createStringError("concat along a dimension that shape " +
                               describeShape(expected) + " does not have");
    Shape operand = expected;
    operand[dim] = ShapedType::kDynamic;
    auto node =
        join(attr, dim, operand, [&](const Node &n) { return n.shape[dim]; });
    if (node && !matches((*node)->shape, expected))
      return createStringError("concat makes shape " +
                               describeShape((*node)->shape) + ", expected " +
                               describeShape(expected));
    return node;
  }

  /// Builds the operands and joins them; `expected` is one operand's shape.
  Expected<NodePtr> join(moe::ExprAttr attr, int64_t dim, Shape expected,
                         llvm::function_ref<int64_t(const Node &)> sizeOf) {
    if (attr.getOperands().empty())
      return createStringError("an expression needs operands");
    bool stack = attr.getKind() == moe::ExprKind::Stack;
    std::vector<NodePtr> operands;
    Shape sizes;
    int64_t total = 0;
    for (mlir::Attribute value : attr.getOperands()) {
      auto operand = build(value, expected);
      if (!operand)
        return operand.takeError();
      // The first operand tells what was unknown.
      for (auto [i, size] : llvm::enumerate((*operand)->shape))
        if (stack || static_cast<int64_t>(i) != dim)
          expected[i] = size;
      sizes.push_back(sizeOf(**operand));
      total += sizes.back();
      operands.push_back(std::move(*operand));
    }
    Shape shape = expected;
    if (stack)
      shape.insert(shape.begin(), total);
    else
      shape[dim] = total;
    return std::make_unique<ConcatNode>(shape, elementSize, dim,
                                        std::move(operands), sizes);
  }

  Expected<NodePtr> buildSlice(moe::ExprAttr attr, const Shape &expected) {
    llvm::ArrayRef<int64_t> dims = attr.getDims();
    if (attr.getOperands().size() != 1 || dims.size() != 3 || dims[0] < 0 ||
        dims[0] >= static_cast<int64_t>(expected.size()))
      return createStringError(
          "slice expects one operand and dims = [dimension, offset, size]");
    int64_t dim = dims[0], offset = dims[1], size = dims[2];
    Shape shape = expected;
    shape[dim] = size;
    if (!matches(shape, expected))
      return createStringError("slice of size " + Twine(size) +
                               " does not make shape " +
                               describeShape(expected));
    Shape wanted = expected;
    wanted[dim] = ShapedType::kDynamic;
    auto operand = build(attr.getOperands()[0], wanted);
    if (!operand)
      return operand;
    int64_t available = (*operand)->shape[dim];
    if (offset < 0 || size < 0 || offset > available ||
        size > available - offset)
      return createStringError("slice of [" + Twine(offset) + ", " +
                               Twine(offset + size) + ") from a dimension of " +
                               Twine(available));
    shape = (*operand)->shape;
    shape[dim] = size;
    return std::make_unique<SliceNode>(shape, elementSize, std::move(*operand),
                                       dim, offset);
  }

  Expected<NodePtr> buildTranspose(moe::ExprAttr attr, const Shape &expected) {
    llvm::ArrayRef<int64_t> permutation = attr.getDims();
    size_t rank = expected.size();
    llvm::SmallVector<bool> seen(rank);
    bool valid =
        attr.getOperands().size() == 1 && rank && permutation.size() == rank;
    for (int64_t dim : permutation) {
      valid =
          valid && dim >= 0 && dim < static_cast<int64_t>(rank) && !seen[dim];
      if (valid)
        seen[dim] = true;
    }
    if (!valid)
      return createStringError("transpose expects one operand and a "
                               "permutation of " +
                               Twine(rank) + " dimensions");
    Shape wanted(rank);
    for (size_t i = 0; i < rank; ++i)
      wanted[permutation[i]] = expected[i];
    auto operand = build(attr.getOperands()[0], wanted);
    if (!operand)
      return operand;
    Shape shape(rank);
    for (size_t i = 0; i < rank; ++i)
      shape[i] = (*operand)->shape[permutation[i]];
    return std::make_unique<TransposeNode>(shape, elementSize,
                                           std::move(*operand), permutation);
  }
};

} // namespace

Expected<NodePtr> moec::buildParameterNode(mlir::Attribute value,
                                           Shape expected, mlir::Type element,
                                           SourceFiles &files) {
  Builder builder{element, element.getIntOrFloatBitWidth() / 8, files};
  return builder.build(value, expected);
}
