// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scalar f32 arithmetic that reads like the formula.

#ifndef MOEC_IMPORTERS_SCALAR_H
#define MOEC_IMPORTERS_SCALAR_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

namespace moec {

struct Scalar {
  mlir::OpBuilder &builder;
  mlir::Location loc;

  using Value = mlir::Value;

  Value constant(double value) const {
    return mlir::arith::ConstantOp::create(builder, loc,
                                           builder.getF32FloatAttr(value));
  }
  Value add(Value a, Value b) const {
    return mlir::arith::AddFOp::create(builder, loc, a, b);
  }
  Value sub(Value a, Value b) const {
    return mlir::arith::SubFOp::create(builder, loc, a, b);
  }
  Value mul(Value a, Value b) const {
    return mlir::arith::MulFOp::create(builder, loc, a, b);
  }
  Value mul(Value a, double b) const { return mul(a, constant(b)); }
  Value div(Value a, Value b) const {
    return mlir::arith::DivFOp::create(builder, loc, a, b);
  }
  Value max(Value a, Value b) const {
    return mlir::arith::MaximumFOp::create(builder, loc, a, b);
  }
  Value min(Value a, Value b) const {
    return mlir::arith::MinimumFOp::create(builder, loc, a, b);
  }
  Value neg(Value a) const {
    return mlir::arith::NegFOp::create(builder, loc, a);
  }
  Value exp(Value a) const {
    return mlir::math::ExpOp::create(builder, loc, a);
  }
  Value tanh(Value a) const {
    return mlir::math::TanhOp::create(builder, loc, a);
  }
  Value sqrt(Value a) const {
    return mlir::math::SqrtOp::create(builder, loc, a);
  }
  Value rsqrt(Value a) const {
    return mlir::math::RsqrtOp::create(builder, loc, a);
  }
  Value sigmoid(Value a) const {
    Value one = constant(1.0);
    return div(one, add(one, exp(neg(a))));
  }
  /// log(1 + exp(a)), without overflow: max(a, 0) + log1p(exp(-|a|))
  Value softplus(Value a) const {
    Value size = mlir::math::AbsFOp::create(builder, loc, a);
    Value rest = mlir::math::Log1pOp::create(builder, loc, exp(neg(size)));
    return add(max(a, constant(0.0)), rest);
  }
  /// cap * tanh(a / cap)
  Value softcap(Value a, double cap) const {
    return mul(tanh(div(a, constant(cap))), cap);
  }
};

} // namespace moec

#endif // MOEC_IMPORTERS_SCALAR_H
