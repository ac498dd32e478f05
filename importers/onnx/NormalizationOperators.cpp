// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Try.h"
#include "importers/onnx/Operators.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace moec;
using namespace moec::onnx;
using llvm::Error;

static Error emitSoftmax(const Node &node) {
  GraphBuilder &graph = node.getGraph();
  Tensor x;
  int64_t axis;
  bool flattens = graph.getFile().getGraph().opsets.find("")->second < 13;
  MOEC_TRY(x, node.getInput(0));
  MOEC_TRY(axis,
           node.getAxis(node.getInteger("axis", flattens ? 1 : -1), x.rank()));
  if (!x.element().isF32())
    return node.fail("expected floating-point numbers");
  // Before opset 13 all dimensions from the axis on were one.
  if (flattens && axis != x.rank() - 1)
    return node.fail("a softmax over several dimensions is not supported");
  Tensor init = graph.empty(x.sizes, x.element());
  auto softmax = linalg::SoftmaxOp::create(graph.getBuilder(),
                                           TypeRange{init.value.getType()},
                                           x.value, init.value, axis);
  node.setOutput(0, {softmax->getResult(0), x.sizes});
  return Error::success();
}

/// The mean over the last dimension of what `body` makes of an element.
static llvm::Expected<Tensor> meanLast(GraphBuilder &graph, const Tensor &x,
                                       int64_t width, Scalars body) {
  Tensor sum = graph.reduceLast(x, body);
  return graph.elementwise(
      {sum}, sum.element(), [&](ImplicitLocOpBuilder &b, ValueRange v) {
        Value count =
            arith::ConstantOp::create(b, b.getF32FloatAttr(double(width)));
        return arith::DivFOp::create(b, v[0], count);
      });
}

/// (x - mean) / sqrt(variance + epsilon) * scale + bias; without mean and bias
/// for SimplifiedLayerNormalization.
static Error emitLayerNormalization(const Node &node) {
  GraphBuilder &graph = node.getGraph();
  bool centers = node.getType() == "LayerNormalization";
  Tensor x, scale, squares, result;
  int64_t axis;
  MOEC_TRY(x, node.getInput(0));
  MOEC_TRY(scale, node.getInput(1));
  MOEC_TRY(axis, node.getAxis(node.getInteger("axis", -1), x.rank()));
  std::optional<int64_t> width = getConstantIntValue(x.sizes.back());
  if (axis != x.rank() - 1 || !x.element().isF32() || !width)
    return node.fail("only a last dimension of fixed size is supported");
  double epsilon = node.getReal("epsilon", 1e-5);
  Type f32 = x.element();
  if (centers) {
    Tensor mean;
    MOEC_TRY(mean, meanLast(graph, x, *width,
                            [](ImplicitLocOpBuilder &, ValueRange v) {
                              return v[0];
                            }));
    MOEC_TRY(x, graph.elementwise({x, mean}, f32,
                                  [](ImplicitLocOpBuilder &b, ValueRange v) {
                                    return arith::SubFOp::create(b, v[0], v[1]);
                                  }));
  }
  MOEC_TRY(squares, meanLast(graph, x, *width,
                             [](ImplicitLocOpBuilder &b, ValueRange v) {
                               return arith::MulFOp::create(b, v[0], v[0]);
                             }));
  SmallVector<Tensor> inputs = {x, squares, scale};
  if (centers && node.hasInput(2)) {
    Tensor bias;
    MOEC_TRY(bias, node.getInput(2));
    inputs.push_back(bias);
  }
  MOEC_TRY(
      result,
      node.explain(graph.elementwise(
          inputs, f32, [&](ImplicitLocOpBuilder &b, ValueRange v) -> Value {
            Value eps =
                arith::ConstantOp::create(b, b.getF32FloatAttr(epsilon));
            Value root =
                math::SqrtOp::create(b, arith::AddFOp::create(b, v[1], eps));
            Value y = arith::MulFOp::create(
                b, arith::DivFOp::create(b, v[0], root), v[2]);
            if (v.size() == 4)
              y = arith::AddFOp::create(b, y, v[3]);
            return y;
          })));
  node.setOutput(0, result);
  return Error::success();
}

llvm::ArrayRef<Operator> moec::onnx::getNormalizationOperators() {
  static constexpr Operator operators[] = {
      {"", "Softmax", emitSoftmax},
      {"", "LayerNormalization", emitLayerNormalization},
      {"", "SimplifiedLayerNormalization", emitLayerNormalization},
      {"com.microsoft", "SimplifiedLayerNormalization", emitLayerNormalization},
  };
  return operators;
}
