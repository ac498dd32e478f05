// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Try.h"
#include "importers/onnx/Operators.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace moec;
using namespace moec::onnx;
using llvm::Error;
using llvm::Twine;

/// A constant is a tensor of the file, which find() knows by its name.
static Error emitConstant(const Node &) { return Error::success(); }

/// The product of sizes: its constant part, and the others in order.
static std::pair<int64_t, Sizes> factor(ArrayRef<OpFoldResult> sizes) {
  int64_t constant = 1;
  Sizes symbols;
  for (OpFoldResult size : sizes)
    if (std::optional<int64_t> fixed = getConstantIntValue(size))
      constant *= *fixed;
    else
      symbols.push_back(size);
  return {constant, symbols};
}

static Error emitReshape(const Node &node) {
  GraphBuilder &graph = node.getGraph();
  Tensor x;
  std::vector<int64_t> target;
  MOEC_TRY(x, node.getInput(0));
  MOEC_TRY(target, node.getIntegers(1));
  Sizes sizes;
  std::optional<size_t> free;
  for (auto [i, size] : llvm::enumerate(target)) {
    if (size == 0 && static_cast<int64_t>(i) < x.rank() &&
        !node.getInteger("allowzero", 0)) {
      sizes.push_back(x.sizes[i]);
    } else if (size == -1 && !free) {
      free = i;
      sizes.push_back(graph.index(1));
    } else if (size >= 0) {
      sizes.push_back(graph.index(size));
    } else {
      return node.fail("the new shape has the size " + Twine(size));
    }
  }
  // What the free size must be: what is left of the old sizes.
  auto [oldConstant, oldSymbols] = factor(x.sizes);
  auto [newConstant, newSymbols] = factor(sizes);
  for (OpFoldResult symbol : newSymbols) {
    auto *found = llvm::find(oldSymbols, symbol);
    if (found == oldSymbols.end())
      return node.fail("the new shape has another number of elements");
    oldSymbols.erase(found);
  }
  if (newConstant == 0 ? oldConstant != 0 : oldConstant % newConstant != 0)
    return node.fail("the new shape has another number of elements");
  int64_t left = newConstant == 0 ? 1 : oldConstant / newConstant;
  if (!free && (left != 1 || !oldSymbols.empty()))
    return node.fail("the new shape has another number of elements");
  if (free) {
    OpFoldResult size = graph.index(left);
    for (OpFoldResult symbol : oldSymbols)
      size = graph.multiply(size, symbol);
    sizes[*free] = size;
  }
  node.setOutput(0, graph.reshape(x, sizes));
  return Error::success();
}

static Error emitTranspose(const Node &node) {
  GraphBuilder &graph = node.getGraph();
  Tensor x;
  MOEC_TRY(x, node.getInput(0));
  SmallVector<int64_t> order;
  for (int64_t i = x.rank(); i-- > 0;)
    order.push_back(i);
  if (auto given = node.getIntegerList("perm"))
    order = *given;
  SmallVector<int64_t> sorted = order;
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, x.rank())))
    return node.fail("'perm' is not an order of " + Twine(x.rank()) +
                     " dimensions");
  Sizes sizes;
  for (int64_t dim : order)
    sizes.push_back(x.sizes[dim]);
  Tensor init = graph.empty(sizes, x.element());
  auto transpose = linalg::TransposeOp::create(graph.getBuilder(), x.value,
                                               init.value, order);
  node.setOutput(0, {transpose->getResult(0), sizes});
  return Error::success();
}

static Error emitConcat(const Node &node) {
  GraphBuilder &graph = node.getGraph();
  SmallVector<Value> values;
  Tensor first;
  MOEC_TRY(first, node.getInput(0));
  int64_t axis;
  MOEC_TRY(axis, node.getAxis(node.getInteger("axis", 0), first.rank()));
  int64_t total = 0;
  for (size_t i = 0; node.hasInput(i); ++i) {
    Tensor part;
    MOEC_TRY(part, node.getInput(i));
    bool fits =
        part.rank() == first.rank() && part.element() == first.element();
    for (int64_t dim = 0; fits && dim < part.rank(); ++dim)
      fits = dim == axis || part.sizes[dim] == first.sizes[dim];
    if (!fits)
      return node.fail("input " + Twine(i) +
                       " differs from the first in more than the axis");
    std::optional<int64_t> size = getConstantIntValue(part.sizes[axis]);
    if (!size)
      return node.fail("a size that is not fixed cannot be joined");
    total += *size;
    values.push_back(part.value);
  }
  Sizes sizes = first.sizes;
  sizes[axis] = graph.index(total);
  node.setOutput(
      0, {tensor::ConcatOp::create(graph.getBuilder(), axis, values), sizes});
  return Error::success();
}

/// The range of one axis of Slice, for a fixed size.
static std::pair<int64_t, int64_t> clampRange(int64_t start, int64_t end,
                                              int64_t size) {
  auto clamp = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
  };
  return {clamp(start), std::max(clamp(start), clamp(end))};
}

static Error emitSlice(const Node &node) {
  GraphBuilder &graph = node.getGraph();
  Tensor x;
  std::vector<int64_t> starts, ends, axes, steps;
  MOEC_TRY(x, node.getInput(0));
  MOEC_TRY(starts, node.getIntegers(1));
  MOEC_TRY(ends, node.getIntegers(2));
  if (node.hasInput(3)) {
    MOEC_TRY(axes, node.getIntegers(3));
  } else {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  steps.assign(starts.size(), 1);
  if (node.hasInput(4)) {
    MOEC_TRY(steps, node.getIntegers(4));
  }
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size())
    return node.fail("starts, ends, axes and steps differ in length");
  SmallVector<OpFoldResult> offsets(x.rank(), graph.index(0));
  SmallVector<OpFoldResult> strides(x.rank(), graph.index(1));
  Sizes sizes = x.sizes;
  for (size_t i = 0; i < starts.size(); ++i) {
    int64_t axis;
    MOEC_TRY(axis, node.getAxis(axes[i], x.rank()));
    std::optional<int64_t> size = getConstantIntValue(x.sizes[axis]);
    if (steps[i] < 1)
      return node.fail("a step of " + Twine(steps[i]) + " is not supported");
    if (!size) {
      if (starts[i] == 0 && ends[i] >= kMaxSize && steps[i] == 1)
        continue;
      return node.fail("a dimension whose size is not fixed cannot be cut");
    }
    auto [begin, end] = clampRange(starts[i], ends[i], *size);
    offsets[axis] = graph.index(begin);
    strides[axis] = graph.index(steps[i]);
    sizes[axis] = graph.index((end - begin + steps[i] - 1) / steps[i]);
  }
  Value slice = tensor::ExtractSliceOp::create(graph.getBuilder(), x.value,
                                               offsets, sizes, strides);
  node.setOutput(0, {slice, sizes});
  return Error::success();
}

llvm::ArrayRef<Operator> moec::onnx::getShapeOperators() {
  static constexpr Operator operators[] = {
      {"", "Constant", emitConstant},   {"", "Reshape", emitReshape},
      {"", "Transpose", emitTranspose}, {"", "Concat", emitConcat},
      {"", "Slice", emitSlice},
  };
  return operators;
}
