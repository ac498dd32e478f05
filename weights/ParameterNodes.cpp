// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/ParameterNodes.h"
#include "dialects/moe/Moe.h"
#include "weights/ParameterExpressions.h"
#include "weights/ParameterLeaves.h"
#include "weights/QuantizedNode.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

using namespace moec;
using llvm::createStringError;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;
using mlir::ShapedType;
using Node = ParameterReader::Node;
using NodePtr = ParameterNodePtr;

static std::string describeShape(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, size] : llvm::enumerate(shape))
    text += (i ? ", " : "") +
            (ShapedType::isDynamic(size) ? "?" : std::to_string(size));
  return text + "]";
}

/// -1 where there are more than memory can have.
static int64_t countElements(llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    if (llvm::MulOverflow(count, size, count))
      return -1;
  return count;
}

namespace {

struct Builder {
  mlir::Type element;
  int64_t elementSize;
  SourceFiles &files;
  Component component;

  Expected<NodePtr> build(mlir::Attribute value, const Shape &expected) {
    if (auto source = mlir::dyn_cast<moe::SourceAttr>(value))
      return buildSource(source, expected);
    if (auto quantized = mlir::dyn_cast<moe::QuantizedAttr>(value))
      return buildQuantized(quantized, expected);
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
      case moe::ExprKind::Reshape:
        return buildReshape(expr, expected);
      }
    }
    return createStringError("expected #moe.source, #moe.expr, "
                             "#moe.quantized, #moe.random or dense elements "
                             "as value");
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

  Expected<NodePtr> buildQuantized(moe::QuantizedAttr attr,
                                   const Shape &expected) {
    auto node = buildQuantizedNode(attr, component, element, files);
    if (node && !matches((*node)->shape, expected))
      return createStringError("#moe.quantized<" +
                               stringifyQuantizedFormat(attr.getFormat()) +
                               "> has shape " + describeShape((*node)->shape) +
                               ", expected " + describeShape(expected));
    return node;
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
    bool valid = attr.getOperands().size() == 1 &&
                 (dims.size() == 3 || (dims.size() == 4 && dims[3] > 0)) &&
                 dims[0] >= 0 &&
                 dims[0] < static_cast<int64_t>(expected.size());
    if (!valid)
      return createStringError("slice expects one operand and dims = "
                               "[dimension, offset, size] or [dimension, "
                               "offset, size, step]");
    int64_t dim = dims[0], offset = dims[1], size = dims[2];
    int64_t step = dims.size() == 4 ? dims[3] : 1;
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
    bool inside =
        offset >= 0 && size >= 0 && offset <= available &&
        (size == 0 ||
         (offset < available && (size - 1) <= (available - offset - 1) / step));
    if (!inside)
      return createStringError("slice of " + Twine(size) + " elements from " +
                               Twine(offset) + " in steps of " + Twine(step) +
                               " from a dimension of " + Twine(available));
    shape = (*operand)->shape;
    shape[dim] = size;
    return std::make_unique<SliceNode>(shape, elementSize, std::move(*operand),
                                       dim, offset, step);
  }

  Expected<NodePtr> buildReshape(moe::ExprAttr attr, const Shape &expected) {
    Shape shape(attr.getDims());
    if (!matches(shape, expected))
      return createStringError("reshape makes shape " + describeShape(shape) +
                               ", expected " + describeShape(expected));
    auto rank = getValueRank(attr.getOperands()[0], files);
    if (!rank)
      return rank.takeError();
    if (!*rank)
      return createStringError("#moe.random cannot be reshaped");
    auto operand =
        build(attr.getOperands()[0], Shape(**rank, ShapedType::kDynamic));
    if (!operand)
      return operand;
    if (countElements(shape) != countElements((*operand)->shape))
      return createStringError("reshape of " +
                               describeShape((*operand)->shape) + " to " +
                               describeShape(shape));
    return std::make_unique<ReshapeNode>(shape, elementSize,
                                         std::move(*operand));
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
                                           SourceFiles &files,
                                           Component component) {
  Builder builder{element, element.getIntOrFloatBitWidth() / 8, files,
                  component};
  return builder.build(value, expected);
}
