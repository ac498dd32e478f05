// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "codegen/cuda/Expressions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace moec::cuda;

std::optional<std::string> moec::cuda::cppType(Type type) {
  if (type.isIndex())
    return "Index";
  if (type.isInteger(1))
    return "bool";
  if (type.isInteger(8))
    return "I8";
  if (type.isInteger(16))
    return "I16";
  if (type.isInteger(32))
    return "int";
  if (type.isInteger(64))
    return "Index";
  if (type.isF32())
    return "float";
  if (type.isF64())
    return "double";
  if (type.isBF16())
    return "Bf16";
  if (type.isF16())
    return "F16";
  return std::nullopt;
}

/// The unsigned type of an integer's width.
static std::string unsignedType(Type type) {
  if (type.isInteger(1))
    return "bool";
  if (type.isInteger(8))
    return "U8";
  if (type.isInteger(16))
    return "U16";
  return type.isInteger(32) ? "U32" : "U64";
}

static std::string format(const char *pattern, double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(pattern, number);
  if (text.find_first_of(".en") == std::string::npos)
    text += ".0";
  return text;
}

std::optional<std::string> moec::cuda::cppConstant(Attribute value) {
  if (auto integer = dyn_cast<IntegerAttr>(value)) {
    Type type = integer.getType();
    if (type.isInteger(1))
      return integer.getValue().isZero() ? "false" : "true";
    int64_t number = integer.getValue().getSExtValue();
    bool isWide = type.isIndex() || type.isInteger(64);
    if (number == INT64_MIN)
      return "(-9223372036854775807ll - 1)";
    std::string text = std::to_string(number);
    if (isWide && number != static_cast<int32_t>(number))
      text += "ll";
    return number < 0 ? "(" + text + ")" : text;
  }
  auto number = dyn_cast<FloatAttr>(value);
  if (!number)
    return std::nullopt;
  double exact = number.getValueAsDouble();
  std::optional<std::string> type = cppType(number.getType());
  if (!type)
    return std::nullopt;
  std::string text;
  if (std::isinf(exact))
    text = exact < 0 ? "(-kInfinity)" : "kInfinity";
  else if (std::isnan(exact))
    text = "kNan";
  else if (number.getType().isF64())
    text = format("%.17g", exact);
  else
    text = format("%.9g", exact) + "f";
  if (text.front() == '-')
    text = "(" + text + ")";
  if (type == "Bf16" || type == "F16")
    return *type + "(" + text + ")";
  return text;
}

static std::string binary(const std::string &lhs, StringRef op,
                          const std::string &rhs) {
  return lhs + " " + op.str() + " " + rhs;
}

/// `name(a, b, ..)`.
static std::string call(StringRef name, ArrayRef<std::string> arguments) {
  std::string text = name.str() + "(";
  for (auto [index, argument] : llvm::enumerate(arguments))
    text += (index ? ", " : "") + argument;
  return text + ")";
}

/// The result as `type`, where C++ would compute in another.
static std::string asType(Type type, const std::string &text) {
  if (type.isF32() || type.isF64() || type.isIndex() || type.isInteger(32) ||
      type.isInteger(64))
    return text;
  return *cppType(type) + "(" + text + ")";
}

static std::string compareIntegers(arith::CmpIOp op, ArrayRef<std::string> x) {
  using P = arith::CmpIPredicate;
  StringRef sign;
  switch (op.getPredicate()) {
  case P::eq:
    return binary(x[0], "==", x[1]);
  case P::ne:
    return binary(x[0], "!=", x[1]);
  case P::slt:
  case P::ult:
    sign = "<";
    break;
  case P::sle:
  case P::ule:
    sign = "<=";
    break;
  case P::sgt:
  case P::ugt:
    sign = ">";
    break;
  case P::sge:
  case P::uge:
    sign = ">=";
    break;
  }
  if (op.getPredicate() < P::ult)
    return binary(x[0], sign, x[1]);
  std::string type = unsignedType(op.getLhs().getType());
  return binary("(" + type + ")" + x[0], sign, "(" + type + ")" + x[1]);
}

static std::string compareFloats(arith::CmpFOp op, ArrayRef<std::string> x) {
  using P = arith::CmpFPredicate;
  auto negated = [&](StringRef sign) {
    return "!(" + binary(x[0], sign, x[1]) + ")";
  };
  switch (op.getPredicate()) {
  case P::AlwaysFalse:
    return "false";
  case P::AlwaysTrue:
    return "true";
  case P::OEQ:
    return binary(x[0], "==", x[1]);
  case P::OGT:
    return binary(x[0], ">", x[1]);
  case P::OGE:
    return binary(x[0], ">=", x[1]);
  case P::OLT:
    return binary(x[0], "<", x[1]);
  case P::OLE:
    return binary(x[0], "<=", x[1]);
  case P::UNE:
    return binary(x[0], "!=", x[1]);
  case P::UGT:
    return negated("<=");
  case P::UGE:
    return negated("<");
  case P::ULT:
    return negated(">=");
  case P::ULE:
    return negated(">");
  case P::ONE:
    return "(" + binary(x[0], "<", x[1]) + ") || (" + binary(x[0], ">", x[1]) +
           ")";
  case P::UEQ:
    return "!((" + binary(x[0], "<", x[1]) + ") || (" +
           binary(x[0], ">", x[1]) + "))";
  case P::ORD:
    return "(" + binary(x[0], "==", x[0]) + ") && (" +
           binary(x[1], "==", x[1]) + ")";
  case P::UNO:
    return "(" + binary(x[0], "!=", x[0]) + ") || (" +
           binary(x[1], "!=", x[1]) + ")";
  }
  return "false";
}

/// Sums and products of integers wrap, which only those of unsigned ones do in
/// C++. An index is a position, which never leaves its range.
static std::optional<std::string> integerExpression(Operation *op,
                                                    ArrayRef<std::string> x) {
  Type type = op->getResult(0).getType();
  if (!type.isIntOrIndex())
    return std::nullopt;
  StringRef name = op->getName().getStringRef();
  StringRef plain = llvm::StringSwitch<StringRef>(name)
                        .Case("arith.addi", "+")
                        .Case("arith.subi", "-")
                        .Case("arith.muli", "*")
                        .Default("");
  std::string cpp = *cppType(type), bare = unsignedType(type);
  if (!plain.empty()) {
    if (type.isIndex())
      return binary(x[0], plain, x[1]);
    if (type.isInteger(1))
      return name == "arith.muli" ? binary(x[0], "&", x[1])
                                  : binary(x[0], "!=", x[1]);
    return cpp + "(" +
           binary(bare + "(" + x[0] + ")", plain, bare + "(" + x[1] + ")") +
           ")";
  }
  StringRef bits = llvm::StringSwitch<StringRef>(name)
                       .Case("arith.andi", "&")
                       .Case("arith.ori", "|")
                       .Case("arith.xori", "^")
                       .Default("");
  if (!bits.empty()) {
    if (!type.isInteger(1))
      return asType(type, binary(x[0], bits, x[1]));
    return binary(x[0], bits == "&" ? "&&" : bits == "|" ? "||" : "!=", x[1]);
  }
  StringRef ofSigned = llvm::StringSwitch<StringRef>(name)
                           .Case("arith.divsi", "/")
                           .Case("arith.remsi", "%")
                           .Case("arith.shrsi", ">>")
                           .Default("");
  if (!ofSigned.empty())
    return asType(type, binary(x[0], ofSigned, x[1]));
  StringRef ofUnsigned = llvm::StringSwitch<StringRef>(name)
                             .Case("arith.divui", "/")
                             .Case("arith.remui", "%")
                             .Case("arith.shrui", ">>")
                             .Case("arith.shli", "<<")
                             .Default("");
  if (!ofUnsigned.empty())
    return cpp + "((" + bare + ")" + x[0] + " " + ofUnsigned.str() + " (" +
           bare + ")" + x[1] + ")";
  StringRef function = llvm::StringSwitch<StringRef>(name)
                           .Cases({"arith.minsi", "arith.minui"}, "min")
                           .Cases({"arith.maxsi", "arith.maxui"}, "max")
                           .Default("");
  if (!function.empty()) {
    bool isUnsigned = name.ends_with("ui");
    std::string as = isUnsigned ? bare : cpp;
    return cpp + "(" +
           call(function, {"(" + as + ")" + x[0], "(" + as + ")" + x[1]}) + ")";
  }
  if (name == "arith.ceildivsi" || name == "arith.ceildivui")
    return "ceilDiv(" + x[0] + ", " + x[1] + ")";
  if (name == "arith.floordivsi")
    return "floorDiv(" + x[0] + ", " + x[1] + ")";
  if (name == "math.absi")
    return cpp + "(" + x[0] + " < 0 ? -" + x[0] + " : " + x[0] + ")";
  return std::nullopt;
}

static std::optional<std::string> castExpression(Operation *op,
                                                 ArrayRef<std::string> x) {
  Type to = op->getResult(0).getType();
  Type from = op->getOperand(0).getType();
  std::optional<std::string> type = cppType(to);
  if (!type || !cppType(from))
    return std::nullopt;
  StringRef name = op->getName().getStringRef();
  auto plain = [&] { return *type + "(" + x[0] + ")"; };
  if (isa<arith::ExtUIOp, arith::IndexCastUIOp, arith::UIToFPOp>(op))
    return *type + "((" + unsignedType(from) + ")" + x[0] + ")";
  if (isa<arith::ExtSIOp, arith::IndexCastOp, arith::SIToFPOp>(op)) {
    if (from.isInteger(1)) // true is -1
      return *type + "(" + x[0] + " ? -1 : 0)";
    if (type == cppType(from))
      return x[0];
    return plain();
  }
  if (isa<arith::TruncIOp>(op))
    return to.isInteger(1) ? "(" + x[0] + " & 1) != 0" : plain();
  if (isa<arith::FPToUIOp>(op))
    return *type + "(" + unsignedType(to) + "(" + x[0] + "))";
  if (isa<arith::ExtFOp, arith::TruncFOp, arith::FPToSIOp>(op))
    return plain();
  if (!isa<arith::BitcastOp>(op))
    return std::nullopt;
  return "bitCast<" + *type + ">(" + x[0] + ")";
}

/// Operations on floats; half types are computed in float and rounded.
static std::optional<std::string> floatExpression(Operation *op,
                                                  ArrayRef<std::string> x) {
  Type type = op->getResult(0).getType();
  if (!isa<FloatType>(type) || !cppType(type))
    return std::nullopt;
  StringRef name = op->getName().getStringRef();
  StringRef sign = llvm::StringSwitch<StringRef>(name)
                       .Case("arith.addf", "+")
                       .Case("arith.subf", "-")
                       .Case("arith.mulf", "*")
                       .Case("arith.divf", "/")
                       .Default("");
  if (!sign.empty())
    return asType(type, binary(x[0], sign, x[1]));
  if (name == "arith.negf")
    return asType(type, "-" + x[0]);
  StringRef ours = llvm::StringSwitch<StringRef>(name)
                       .Case("arith.maximumf", "maximum")
                       .Case("arith.minimumf", "minimum")
                       .Case("math.rsqrt", "inverseSqrt")
                       .Default("");
  if (!ours.empty())
    return asType(type, call(ours, x));
  StringRef function = llvm::StringSwitch<StringRef>(name)
                           .Case("arith.maxnumf", "fmax")
                           .Case("arith.minnumf", "fmin")
                           .Case("arith.remf", "fmod")
                           .Case("math.absf", "fabs")
                           .Case("math.acos", "acos")
                           .Case("math.acosh", "acosh")
                           .Case("math.asin", "asin")
                           .Case("math.asinh", "asinh")
                           .Case("math.atan", "atan")
                           .Case("math.atan2", "atan2")
                           .Case("math.atanh", "atanh")
                           .Case("math.cbrt", "cbrt")
                           .Case("math.ceil", "ceil")
                           .Case("math.copysign", "copysign")
                           .Case("math.cos", "cos")
                           .Case("math.cosh", "cosh")
                           .Case("math.erf", "erf")
                           .Case("math.erfc", "erfc")
                           .Case("math.exp", "exp")
                           .Case("math.exp2", "exp2")
                           .Case("math.expm1", "expm1")
                           .Case("math.floor", "floor")
                           .Case("math.fma", "fma")
                           .Case("math.log", "log")
                           .Case("math.log10", "log10")
                           .Case("math.log1p", "log1p")
                           .Case("math.log2", "log2")
                           .Case("math.powf", "pow")
                           .Case("math.round", "round")
                           .Case("math.roundeven", "rint")
                           .Case("math.sin", "sin")
                           .Case("math.sinh", "sinh")
                           .Case("math.sqrt", "sqrt")
                           .Case("math.tan", "tan")
                           .Case("math.tanh", "tanh")
                           .Case("math.trunc", "trunc")
                           .Default("");
  if (function.empty())
    return std::nullopt;
  std::string full = function.str() + (type.isF64() ? "" : "f");
  return asType(type, call(full, x));
}

std::optional<std::string>
moec::cuda::cppExpression(Operation *op, ArrayRef<std::string> operands) {
  if (op->getNumResults() != 1 || op->getNumRegions() != 0)
    return std::nullopt;
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return cppConstant(constant.getValue());
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return compareIntegers(compare, operands);
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    return compareFloats(compare, operands);
  if (isa<arith::SelectOp>(op))
    return operands[0] + " ? " + operands[1] + " : " + operands[2];
  if (auto text = castExpression(op, operands))
    return text;
  if (auto text = integerExpression(op, operands))
    return text;
  return floatExpression(op, operands);
}
