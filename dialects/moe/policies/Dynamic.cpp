// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/policies/Dynamic.h"
#include "mlir/IR/BuiltinTypeInterfaces.h"

using namespace mlir;

namespace moec::moe {

ParseResult parseDynamicCount(AsmParser &parser, int64_t &count) {
  count = ShapedType::kDynamic;
  if (succeeded(parser.parseOptionalQuestion()))
    return success();
  return parser.parseInteger(count);
}

void printDynamicCount(AsmPrinter &printer, int64_t count) {
  if (ShapedType::isDynamic(count))
    printer << '?';
  else
    printer << count;
}

ParseResult parseDynamicNumber(AsmParser &parser, FloatAttr &number) {
  number = {};
  if (succeeded(parser.parseOptionalQuestion()))
    return success();
  double value = 0;
  if (parser.parseFloat(value))
    return failure();
  number = parser.getBuilder().getF64FloatAttr(value);
  return success();
}

void printDynamicNumber(AsmPrinter &printer, FloatAttr number) {
  if (number)
    printer.printFloat(number.getValue());
  else
    printer << '?';
}

int64_t getVariableSlots(std::optional<int64_t> max, ArrayRef<int64_t> widths) {
  return max.value_or(widths[0]);
}

LogicalResult verifyVariableSlots(function_ref<InFlightDiagnostic()> emitError,
                                  StringRef name, std::optional<int64_t> max,
                                  ArrayRef<int64_t> widths) {
  int64_t experts = widths[0];
  if (ShapedType::isDynamic(experts)) {
    if (!max)
      return emitError() << name
                         << " expects max for a dynamic number of experts";
  } else if (max && *max > experts) {
    return emitError() << name << " expects max <= " << experts
                       << ", the number of experts, got " << *max;
  }
  if (max && *max < 1)
    return emitError() << name << " expects max >= 1, got " << *max;
  return success();
}

} // namespace moec::moe
