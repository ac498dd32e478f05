// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/Activation.h"
#include "importers/Try.h"
#include "importers/onnx/Operators.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"

using namespace mlir;
using namespace moec;
using namespace moec::onnx;
using llvm::Error;

/// Two operands of one element type; `Float` or `Integer` computes.
template <typename Float, typename Integer>
static Error emitBinary(const Node &node) {
  Tensor a, b, result;
  MOEC_TRY(a, node.getInput(0));
  MOEC_TRY(b, node.getInput(1));
  if (a.element() != b.element())
    return node.fail("expected two inputs of one element type");
  MOEC_TRY(result,
           node.explain(node.getGraph().elementwise(
               {a, b}, a.element(),
               [&](ImplicitLocOpBuilder &builder, ValueRange x) -> Value {
                 if (isa<FloatType>(x[0].getType()))
                   return Float::create(builder, x[0], x[1]);
                 return Integer::create(builder, x[0], x[1]);
               })));
  node.setOutput(0, result);
  return Error::success();
}

/// A float function of one operand by the name that activations have.
static Error emitActivation(const Node &node) {
  llvm::StringRef name = llvm::StringSwitch<llvm::StringRef>(node.getType())
                             .Case("Sigmoid", "sigmoid")
                             .Case("Relu", "relu")
                             .Default("tanh");
  const Activation *activation = findActivation(name);
  Tensor x, result;
  MOEC_TRY(x, node.getInput(0));
  if (!x.element().isF32())
    return node.fail("expected an input of floating-point elements");
  MOEC_TRY(result, node.explain(node.getGraph().elementwise(
                       {x}, x.element(),
                       [&](ImplicitLocOpBuilder &builder, ValueRange values) {
                         return activation->build(builder, builder.getLoc(),
                                                  values[0]);
                       })));
  node.setOutput(0, result);
  return Error::success();
}

static Error emitIdentity(const Node &node) {
  Tensor x;
  MOEC_TRY(x, node.getInput(0));
  node.setOutput(0, x);
  return Error::success();
}

static Error emitCast(const Node &node) {
  Tensor x, result;
  MOEC_TRY(x, node.getInput(0));
  ImplicitLocOpBuilder &builder = node.getGraph().getBuilder();
  Type to;
  switch (int64_t type = node.getInteger("to", 0)) {
  case 1:  // float
  case 10: // float16
  case 11: // double
  case 16: // bfloat16: all computed as f32
    to = builder.getF32Type();
    break;
  case 6:
    to = builder.getI32Type();
    break;
  case 7:
    to = builder.getI64Type();
    break;
  default:
    return node.fail("a cast to element type " + llvm::Twine(type) +
                     " is not supported");
  }
  Type from = x.element();
  if (from != to) {
    MOEC_TRY(
        x, node.explain(node.getGraph().elementwise(
               {x}, to, [&](ImplicitLocOpBuilder &b, ValueRange v) -> Value {
                 if (isa<FloatType>(from))
                   return arith::FPToSIOp::create(b, to, v[0]);
                 if (isa<FloatType>(to))
                   return arith::SIToFPOp::create(b, to, v[0]);
                 if (from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth())
                   return arith::ExtSIOp::create(b, to, v[0]);
                 return arith::TruncIOp::create(b, to, v[0]);
               })));
  }
  node.setOutput(0, x);
  return Error::success();
}

llvm::ArrayRef<Operator> moec::onnx::getElementwiseOperators() {
  static constexpr Operator operators[] = {
      {"", "Add", emitBinary<arith::AddFOp, arith::AddIOp>},
      {"", "Sub", emitBinary<arith::SubFOp, arith::SubIOp>},
      {"", "Mul", emitBinary<arith::MulFOp, arith::MulIOp>},
      {"", "Div", emitBinary<arith::DivFOp, arith::DivSIOp>},
      {"", "Sigmoid", emitActivation},
      {"", "Relu", emitActivation},
      {"", "Tanh", emitActivation},
      {"", "Identity", emitIdentity},
      {"", "Cast", emitCast},
  };
  return operators;
}
