// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Try.h"
#include "importers/onnx/Operators.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace moec;
using namespace moec::onnx;
using llvm::Error;
using llvm::Expected;

static Tensor transpose(GraphBuilder &graph, const Tensor &matrix) {
  Sizes sizes = {matrix.sizes[1], matrix.sizes[0]};
  Tensor init = graph.empty(sizes, matrix.element());
  return {linalg::TransposeOp::create(graph.getBuilder(), matrix.value,
                                      init.value, ArrayRef<int64_t>{1, 0})
              ->getResult(0),
          sizes};
}

/// Input `index`, a matrix [K, N] or (`transposed`) [N, K], as [N, K]. Weights
/// are turned when they are packed.
static Expected<Tensor> getColumnsFirst(const Node &node, size_t index,
                                        bool transposed) {
  GraphBuilder &graph = node.getGraph();
  if (!node.hasInput(index))
    return node.fail("input " + llvm::Twine(index) + " is missing");
  StringRef name = node.getInputName(index);
  std::optional<ParameterSpec> weight = graph.getParameter(name);
  const TensorEntry *entry = graph.getFile().getTensors().find(name);
  bool usable = weight && isa_and_nonnull<FloatType>(weight->element) &&
                entry->shape.size() == 2;
  if (!usable || transposed) {
    Tensor matrix;
    MOEC_TRY(matrix, node.getInput(index));
    if (matrix.rank() != 2)
      return node.fail("expected a matrix as input " + llvm::Twine(index));
    return transposed ? matrix : transpose(graph, matrix);
  }
  constexpr int64_t order[] = {1, 0};
  ParameterSpec turned = *weight;
  turned.value = moe::ExprAttr::get(graph.getBuilder().getContext(),
                                    moe::ExprKind::Transpose, {weight->value},
                                    llvm::ArrayRef(order));
  return graph.load((name + ".transposed").str(), turned,
                    {entry->shape[1], entry->shape[0]});
}

/// The rank of an input, 0 if nothing defines it.
static int64_t getRank(const Node &node, size_t index) {
  if (!node.hasInput(index))
    return 0;
  GraphBuilder &graph = node.getGraph();
  StringRef name = node.getInputName(index);
  if (const TensorEntry *entry = graph.getFile().getTensors().find(name))
    return static_cast<int64_t>(entry->shape.size());
  auto value = node.getInput(index);
  if (value)
    return value->rank();
  llvm::consumeError(value.takeError());
  return 0;
}

/// Batches of matrices, as many on both sides.
static Expected<Tensor> multiplyBatches(const Node &node, const Tensor &a,
                                        const Tensor &b) {
  GraphBuilder &graph = node.getGraph();
  if (a.rank() != 3 || b.rank() != 3 || a.sizes[0] != b.sizes[0] ||
      a.sizes[2] != b.sizes[1])
    return node.fail("expected a matrix on the right, or two tensors of rank 3 "
                     "whose sizes fit");
  Tensor init = graph.zeros({a.sizes[0], a.sizes[1], b.sizes[2]});
  return Tensor{linalg::BatchMatmulOp::create(
                    graph.getBuilder(), TypeRange{init.value.getType()},
                    ValueRange{a.value, b.value}, ValueRange{init.value})
                    .getResult(0),
                init.sizes};
}

static Error emitMatMul(const Node &node) {
  GraphBuilder &graph = node.getGraph();
  Tensor a, b, result;
  MOEC_TRY(a, node.getInput(0));
  if (!a.element().isF32() || a.rank() < 2)
    return node.fail("expected floating-point numbers of rank 2 or more");
  MOEC_TRY(b, getRank(node, 1) == 2
                  ? getColumnsFirst(node, 1, /*transposed=*/false)
                  : node.getInput(1));
  if (b.rank() == 2 && isa<FloatType>(b.element())) {
    if (a.sizes.back() != b.sizes[1])
      return node.fail("the inner sizes differ");
    result = graph.multiplyTransposed(graph.collapseRows(a), b);
    result = graph.expandRows(result, a);
  } else {
    MOEC_TRY(result, multiplyBatches(node, a, b));
  }
  node.setOutput(0, result);
  return Error::success();
}

/// alpha * A * B + beta * C
static Error emitGemm(const Node &node) {
  GraphBuilder &graph = node.getGraph();
  Tensor a, b, result;
  MOEC_TRY(a, node.getInput(0));
  MOEC_TRY(b, getColumnsFirst(node, 1, node.getInteger("transB", 0) != 0));
  if (a.rank() != 2 || !a.element().isF32() || isa<IntegerType>(b.element()))
    return node.fail("expected matrices of floating-point numbers");
  if (node.getInteger("transA", 0))
    a = transpose(graph, a);
  if (a.sizes[1] != b.sizes[1])
    return node.fail("the inner sizes differ");
  result = graph.multiplyTransposed(a, b);
  double alpha = node.getReal("alpha", 1), beta = node.getReal("beta", 1);
  SmallVector<Tensor> inputs = {result};
  if (node.hasInput(2)) {
    Tensor c;
    MOEC_TRY(c, node.getInput(2));
    inputs.push_back(c);
  }
  if (inputs.size() > 1 || alpha != 1) {
    MOEC_TRY(result,
             node.explain(graph.elementwise(
                 inputs, result.element(),
                 [&](ImplicitLocOpBuilder &builder, ValueRange x) -> Value {
                   auto scale = [&](Value value, double factor) -> Value {
                     if (factor == 1)
                       return value;
                     return arith::MulFOp::create(
                         builder, value,
                         arith::ConstantOp::create(
                             builder, builder.getF32FloatAttr(factor)));
                   };
                   Value product = scale(x[0], alpha);
                   if (x.size() == 1)
                     return product;
                   return arith::AddFOp::create(builder, product,
                                                scale(x[1], beta));
                 })));
  }
  node.setOutput(0, result);
  return Error::success();
}

llvm::ArrayRef<Operator> moec::onnx::getMatrixOperators() {
  static constexpr Operator operators[] = {
      {"", "MatMul", emitMatMul},
      {"", "Gemm", emitGemm},
  };
  return operators;
}
