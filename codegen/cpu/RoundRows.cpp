// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cpu/RoundRows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

/// `type` with another element type, as a vector or a scalar.
static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? VectorType::get(vector.getShape(), element) : element;
}

Value moec::cpu::roundToBf16(ImplicitLocOpBuilder &b, Value value,
                             Type element) {
  Type i32 = withElement(value.getType(), b.getI32Type());
  auto constant = [&](int64_t number) -> Value {
    APInt bits(32, static_cast<uint64_t>(number));
    TypedAttr attribute = b.getIntegerAttr(b.getI32Type(), bits);
    if (auto vector = dyn_cast<VectorType>(i32))
      attribute = DenseElementsAttr::get(vector, bits);
    return arith::ConstantOp::create(b, attribute);
  };
  auto compare = [&](arith::CmpIPredicate predicate, Value left,
                     int64_t right) -> Value {
    return arith::CmpIOp::create(b, predicate, left, constant(right));
  };
  Value bits = arith::BitcastOp::create(b, i32, value);
  Value odd = arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, bits, constant(16)).getResult(),
      constant(1));
  Value rounded = arith::AddIOp::create(
      b, bits, arith::AddIOp::create(b, odd, constant(0x7fff)).getResult());
  Value size = arith::AndIOp::create(b, bits, constant(0x7fffffff));
  Value isTiny = compare(arith::CmpIPredicate::slt, size, 0x00800000);
  Value isNan = compare(arith::CmpIPredicate::sgt, size, 0x7f800000);
  Value zero = arith::AndIOp::create(b, bits, constant(0x80000000));
  Value quiet = arith::OrIOp::create(b, bits, constant(0x00400000));
  rounded = arith::SelectOp::create(b, isTiny, zero, rounded);
  rounded = arith::SelectOp::create(b, isNan, quiet, rounded);
  if (element.isF32()) {
    rounded = arith::AndIOp::create(b, rounded, constant(0xffff0000));
    return arith::BitcastOp::create(b, value.getType(), rounded);
  }
  Value high = arith::ShRUIOp::create(b, rounded, constant(16));
  high = arith::TruncIOp::create(b, withElement(i32, b.getI16Type()), high);
  return arith::BitcastOp::create(b, withElement(i32, element), high);
}
