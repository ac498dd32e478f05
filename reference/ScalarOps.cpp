// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "reference/ScalarOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace moec::reference {

namespace {
using Make = std::function<ScalarFn(Operation *)>;

unsigned widthOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
}

/// The operand's bits without a sign.
uint64_t zext(unsigned width, Scalar value) {
  uint64_t bits = static_cast<uint64_t>(value.integer);
  return width >= 64 ? bits : bits & ((uint64_t(1) << width) - 1);
}

/// The operand's bits as a signed number; differs from the stored number for
/// i1 only.
int64_t sext(unsigned width, Scalar value) {
  return width == 1 ? -value.integer : value.integer;
}

Make real1(double (*fn)(double)) {
  return [fn](Operation *) -> ScalarFn {
    return [fn](const Scalar *v) { return makeReal(fn(v[0].real)); };
  };
}

Make real2(double (*fn)(double, double)) {
  return [fn](Operation *) -> ScalarFn {
    return [fn](const Scalar *v) { return makeReal(fn(v[0].real, v[1].real)); };
  };
}

Make signed2(int64_t (*fn)(int64_t, int64_t)) {
  return [fn](Operation *op) -> ScalarFn {
    unsigned width = widthOf(op->getResult(0).getType());
    return [fn, width](const Scalar *v) {
      return makeInteger(fn(sext(width, v[0]), sext(width, v[1])));
    };
  };
}

Make unsigned2(uint64_t (*fn)(uint64_t, uint64_t)) {
  return [fn](Operation *op) -> ScalarFn {
    unsigned width = widthOf(op->getResult(0).getType());
    return [fn, width](const Scalar *v) {
      return makeInteger(
          static_cast<int64_t>(fn(zext(width, v[0]), zext(width, v[1]))));
    };
  };
}

double maximum(double a, double b) {
  return std::isnan(a) || std::isnan(b)
             ? std::numeric_limits<double>::quiet_NaN()
             : std::fmax(a, b);
}

double minimum(double a, double b) {
  return std::isnan(a) || std::isnan(b)
             ? std::numeric_limits<double>::quiet_NaN()
             : std::fmin(a, b);
}

/// Division by zero and overflow are undefined; 0 keeps the interpreter alive.
int64_t divide(int64_t a, int64_t b) {
  if (b == 0 || (b == -1 && a == std::numeric_limits<int64_t>::min()))
    return 0;
  return a / b;
}
int64_t remainder(int64_t a, int64_t b) {
  return b == 0 || b == -1 ? 0 : a % b;
}

int64_t floorDivide(int64_t a, int64_t b) {
  int64_t quotient = divide(a, b);
  return remainder(a, b) != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}
int64_t ceilDivide(int64_t a, int64_t b) {
  int64_t quotient = divide(a, b);
  return remainder(a, b) != 0 && (a < 0) == (b < 0) ? quotient + 1 : quotient;
}

bool compare(arith::CmpFPredicate predicate, double a, double b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return false;
  case P::OEQ:
    return a == b;
  case P::OGT:
    return a > b;
  case P::OGE:
    return a >= b;
  case P::OLT:
    return a < b;
  case P::OLE:
    return a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return unordered || a != b;
  case P::UNO:
    return unordered;
  case P::AlwaysTrue:
    return true;
  }
  return false;
}

bool compare(arith::CmpIPredicate predicate, unsigned width, Scalar x,
             Scalar y) {
  using P = arith::CmpIPredicate;
  int64_t a = sext(width, x), b = sext(width, y);
  uint64_t ua = zext(width, x), ub = zext(width, y);
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
    return a < b;
  case P::sle:
    return a <= b;
  case P::sgt:
    return a > b;
  case P::sge:
    return a >= b;
  case P::ult:
    return ua < ub;
  case P::ule:
    return ua <= ub;
  case P::ugt:
    return ua > ub;
  case P::uge:
    return ua >= ub;
  }
  return false;
}

ScalarFn makeCmpF(Operation *op) {
  auto predicate = cast<arith::CmpFOp>(op).getPredicate();
  return [predicate](const Scalar *v) {
    return makeInteger(compare(predicate, v[0].real, v[1].real));
  };
}

ScalarFn makeCmpI(Operation *op) {
  auto predicate = cast<arith::CmpIOp>(op).getPredicate();
  unsigned width = widthOf(op->getOperand(0).getType());
  return [predicate, width](const Scalar *v) {
    return makeInteger(compare(predicate, width, v[0], v[1]));
  };
}

ScalarFn makeShift(Operation *op) {
  unsigned width = widthOf(op->getResult(0).getType());
  bool left = isa<arith::ShLIOp>(op), arithmetic = isa<arith::ShRSIOp>(op);
  return [=](const Scalar *v) {
    uint64_t by = zext(width, v[1]);
    if (by >= width)
      return makeInteger(0);
    if (left)
      return makeInteger(static_cast<int64_t>(zext(width, v[0]) << by));
    if (arithmetic)
      return makeInteger(sext(width, v[0]) >> by);
    return makeInteger(static_cast<int64_t>(zext(width, v[0]) >> by));
  };
}

ScalarFn makeSame(Operation *) {
  return [](const Scalar *v) { return v[0]; };
}

ScalarFn makeTruncF(Operation *op) {
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  return [type](const Scalar *v) { return roundTo(type, v[0]); };
}

ScalarFn makeSignExtend(Operation *op) {
  unsigned width = widthOf(op->getOperand(0).getType());
  return [width](const Scalar *v) { return makeInteger(sext(width, v[0])); };
}

ScalarFn makeZeroExtend(Operation *op) {
  unsigned width = widthOf(op->getOperand(0).getType());
  return [width](const Scalar *v) {
    return makeInteger(static_cast<int64_t>(zext(width, v[0])));
  };
}

ScalarFn makeIntegerToReal(Operation *op) {
  unsigned width = widthOf(op->getOperand(0).getType());
  bool isSigned = isa<arith::SIToFPOp>(op);
  return [=](const Scalar *v) {
    return makeReal(isSigned ? static_cast<double>(sext(width, v[0]))
                             : static_cast<double>(zext(width, v[0])));
  };
}

/// Out of range is undefined; it saturates here.
ScalarFn makeRealToInteger(Operation *op) {
  bool isSigned = isa<arith::FPToSIOp>(op);
  return [=](const Scalar *v) {
    double value = std::trunc(v[0].real);
    if (std::isnan(value))
      return makeInteger(0);
    if (isSigned)
      return makeInteger(value >= 0x1p63    ? INT64_MAX
                         : value <= -0x1p63 ? INT64_MIN
                                            : static_cast<int64_t>(value));
    return makeInteger(
        static_cast<int64_t>(value >= 0x1p64 ? UINT64_MAX
                             : value <= 0    ? 0
                                             : static_cast<uint64_t>(value)));
  };
}

ScalarFn makeAbsolute(Operation *op) {
  unsigned width = widthOf(op->getResult(0).getType());
  return [width](const Scalar *v) {
    uint64_t bits = static_cast<uint64_t>(v[0].integer);
    return sext(width, v[0]) < 0 ? makeInteger(static_cast<int64_t>(-bits))
                                 : v[0];
  };
}

ScalarFn makeSelect(Operation *) {
  return [](const Scalar *v) { return v[0].integer ? v[1] : v[2]; };
}

ScalarFn makeFma(Operation *) {
  return [](const Scalar *v) {
    return makeReal(v[0].real * v[1].real + v[2].real);
  };
}

ScalarFn makeIntegerPower(Operation *) {
  return [](const Scalar *v) {
    return makeReal(std::pow(v[0].real, static_cast<double>(v[1].integer)));
  };
}

llvm::StringMap<Make> makeTable() {
  llvm::StringMap<Make> t;
  t["arith.addf"] = real2([](double a, double b) { return a + b; });
  t["arith.subf"] = real2([](double a, double b) { return a - b; });
  t["arith.mulf"] = real2([](double a, double b) { return a * b; });
  t["arith.divf"] = real2([](double a, double b) { return a / b; });
  t["arith.remf"] = real2([](double a, double b) { return std::fmod(a, b); });
  t["arith.negf"] = real1([](double a) { return -a; });
  t["arith.maximumf"] = real2(maximum);
  t["arith.minimumf"] = real2(minimum);
  t["arith.maxnumf"] =
      real2([](double a, double b) { return std::fmax(a, b); });
  t["arith.minnumf"] =
      real2([](double a, double b) { return std::fmin(a, b); });
  t["arith.cmpf"] = makeCmpF;
  t["arith.select"] = makeSelect;
  t["arith.extf"] = makeSame;
  t["arith.truncf"] = makeTruncF;
  t["arith.sitofp"] = makeIntegerToReal;
  t["arith.uitofp"] = makeIntegerToReal;
  t["arith.fptosi"] = makeRealToInteger;
  t["arith.fptoui"] = makeRealToInteger;

  t["arith.addi"] = unsigned2([](uint64_t a, uint64_t b) { return a + b; });
  t["arith.subi"] = unsigned2([](uint64_t a, uint64_t b) { return a - b; });
  t["arith.muli"] = unsigned2([](uint64_t a, uint64_t b) { return a * b; });
  t["arith.divsi"] = signed2(divide);
  t["arith.remsi"] = signed2(remainder);
  t["arith.floordivsi"] = signed2(floorDivide);
  t["arith.ceildivsi"] = signed2(ceilDivide);
  t["arith.divui"] =
      unsigned2([](uint64_t a, uint64_t b) { return b ? a / b : 0; });
  t["arith.remui"] =
      unsigned2([](uint64_t a, uint64_t b) { return b ? a % b : 0; });
  t["arith.ceildivui"] = unsigned2(
      [](uint64_t a, uint64_t b) { return b ? a / b + (a % b != 0) : 0; });
  t["arith.andi"] = unsigned2([](uint64_t a, uint64_t b) { return a & b; });
  t["arith.ori"] = unsigned2([](uint64_t a, uint64_t b) { return a | b; });
  t["arith.xori"] = unsigned2([](uint64_t a, uint64_t b) { return a ^ b; });
  t["arith.maxsi"] =
      signed2([](int64_t a, int64_t b) { return std::max(a, b); });
  t["arith.minsi"] =
      signed2([](int64_t a, int64_t b) { return std::min(a, b); });
  t["arith.maxui"] =
      unsigned2([](uint64_t a, uint64_t b) { return std::max(a, b); });
  t["arith.minui"] =
      unsigned2([](uint64_t a, uint64_t b) { return std::min(a, b); });
  t["arith.shli"] = makeShift;
  t["arith.shrsi"] = makeShift;
  t["arith.shrui"] = makeShift;
  t["arith.cmpi"] = makeCmpI;
  t["arith.extsi"] = makeSignExtend;
  t["arith.extui"] = makeZeroExtend;
  t["arith.trunci"] = makeSame;
  t["arith.index_cast"] = makeSignExtend;
  t["arith.index_castui"] = makeZeroExtend;

  t["math.absf"] = real1([](double a) { return std::fabs(a); });
  t["math.absi"] = makeAbsolute;
  t["math.atan2"] = real2([](double a, double b) { return std::atan2(a, b); });
  t["math.ceil"] = real1([](double a) { return std::ceil(a); });
  t["math.copysign"] =
      real2([](double a, double b) { return std::copysign(a, b); });
  t["math.cos"] = real1([](double a) { return std::cos(a); });
  t["math.erf"] = real1([](double a) { return std::erf(a); });
  t["math.exp"] = real1([](double a) { return std::exp(a); });
  t["math.exp2"] = real1([](double a) { return std::exp2(a); });
  t["math.expm1"] = real1([](double a) { return std::expm1(a); });
  t["math.floor"] = real1([](double a) { return std::floor(a); });
  t["math.fma"] = makeFma;
  t["math.fpowi"] = makeIntegerPower;
  t["math.log"] = real1([](double a) { return std::log(a); });
  t["math.log1p"] = real1([](double a) { return std::log1p(a); });
  t["math.log2"] = real1([](double a) { return std::log2(a); });
  t["math.powf"] = real2([](double a, double b) { return std::pow(a, b); });
  t["math.round"] = real1([](double a) { return std::round(a); });
  t["math.roundeven"] = real1([](double a) { return std::nearbyint(a); });
  t["math.rsqrt"] = real1([](double a) { return 1.0 / std::sqrt(a); });
  t["math.sin"] = real1([](double a) { return std::sin(a); });
  t["math.sqrt"] = real1([](double a) { return std::sqrt(a); });
  t["math.tanh"] = real1([](double a) { return std::tanh(a); });
  t["math.trunc"] = real1([](double a) { return std::trunc(a); });
  return t;
}

const llvm::StringMap<Make> &getTable() {
  static const llvm::StringMap<Make> table = makeTable();
  return table;
}
} // namespace

bool isScalarOp(StringRef name) {
  return name == arith::ConstantOp::getOperationName() ||
         getTable().contains(name);
}

ScalarFn getScalarFn(Operation *op) {
  auto found = getTable().find(op->getName().getStringRef());
  return found == getTable().end() ? ScalarFn() : found->second(op);
}

LogicalResult runScalarOp(Interpreter &interpreter, Operation *op) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    RuntimeValue value = fromAttribute(constant.getValue());
    if (isa<ShapedType>(constant.getType()) && !value.tensor)
      return op->emitOpError("expects a dense value to be interpreted");
    interpreter.set(constant, std::move(value));
    return success();
  }
  ScalarFn fn = getScalarFn(op);
  Value result = op->getResult(0);
  SmallVector<RuntimeValue> operands = interpreter.getAll(op->getOperands());
  SmallVector<Scalar> scalars =
      llvm::map_to_vector(operands, [](auto &v) { return v.scalar; });
  if (!isa<ShapedType>(result.getType())) {
    interpreter.setScalar(result, fn(scalars.data()));
    return success();
  }
  if (!isa<RankedTensorType>(result.getType()))
    return op->emitOpError("expects tensors to be interpreted");
  // A scalar operand (the condition of a select) is the same for all elements.
  Tensor all;
  for (const RuntimeValue &operand : operands) {
    if (!operand.tensor)
      continue;
    if (!all.shape.empty() && all.shape != operand.tensor->shape)
      return op->emitOpError()
             << "expects operands of one shape, got [" << all.shape << "] and ["
             << operand.tensor->shape << "]";
    all.shape = operand.tensor->shape;
  }
  all.data.resize(numElements(all.shape));
  for (size_t i = 0; i < all.data.size(); ++i) {
    for (auto [scalar, operand] : llvm::zip_equal(scalars, operands))
      if (operand.tensor)
        scalar = operand.tensor->data[i];
    all.data[i] = fn(scalars.data());
  }
  interpreter.setTensor(result, std::move(all));
  return success();
}

} // namespace moec::reference
