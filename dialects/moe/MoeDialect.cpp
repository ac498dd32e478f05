// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"
#include "dialects/moe/policies/Dynamic.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace moec::moe;

#include "dialects/moe/MoeDialect.cpp.inc"
#include "dialects/moe/MoeEnums.cpp.inc"
#include "dialects/moe/MoeInterfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/moe/MoeAttributes.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/moe/MoeTypes.cpp.inc"

void MoeDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/moe/MoeAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/moe/MoeTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/moe/MoeOps.cpp.inc"
      >();
}

LogicalResult PlanType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t experts, int64_t slots) {
  if (experts < 1)
    return emitError() << "plan expects at least one expert, got " << experts;
  if (slots < 1)
    return emitError() << "plan expects at least one slot, got " << slots;
  return success();
}

LogicalResult
QuantizedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      QuantizedFormat format, ArrayRef<Attribute> operands,
                      ArrayRef<int64_t> block) {
  size_t least = 1, most = 1, sizes = 0;
  switch (format) {
  case QuantizedFormat::Fp8E4M3:
    least = most = sizes = 2;
    break;
  case QuantizedFormat::Mxfp4:
    least = most = 2;
    break;
  case QuantizedFormat::Gptq:
  case QuantizedFormat::GptqV2:
    least = 3, most = 4, sizes = 1;
    break;
  case QuantizedFormat::Awq:
    least = most = 3, sizes = 1;
    break;
  case QuantizedFormat::Int4Packed:
    least = 2, most = 3, sizes = 1;
    break;
  case QuantizedFormat::UintPacked:
    least = 2, most = 3, sizes = 2;
    break;
  default:
    break;
  }
  StringRef name = stringifyQuantizedFormat(format);
  if (operands.size() < least || operands.size() > most)
    return emitError() << name << " expects " << least << " to " << most
                       << " operands, got " << operands.size();
  for (Attribute operand : operands)
    if (!isa<SourceAttr, ExprAttr>(operand))
      return emitError() << name << " expects tensors as operands, got "
                         << operand;
  if (block.size() != sizes)
    return emitError() << name << " expects " << sizes
                       << " sizes of blocks, got " << block.size();
  for (int64_t size : block)
    if (size < 1)
      return emitError() << name << " expects blocks of at least 1, got "
                         << size;
  if (format == QuantizedFormat::UintPacked && block[1] != 2 && block[1] != 3 &&
      block[1] != 4 && block[1] != 8)
    return emitError() << name << " expects 2, 3, 4 or 8 bits, got "
                       << block[1];
  return success();
}

LogicalResult ExprAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               ExprKind kind, ArrayRef<Attribute> operands,
                               ArrayRef<int64_t> dims) {
  for (Attribute operand : operands)
    if (!isa<SourceAttr, ExprAttr, RandomAttr, QuantizedAttr>(operand))
      return emitError() << "expr expects parameter values as operands, got "
                         << operand;
  bool several = kind == ExprKind::Stack || kind == ExprKind::Concat;
  if (operands.empty() || (!several && operands.size() != 1))
    return emitError() << stringifyExprKind(kind) << " expects "
                       << (several ? "at least one operand" : "one operand")
                       << ", got " << operands.size();
  size_t wanted = kind == ExprKind::Stack    ? 0
                  : kind == ExprKind::Concat ? 1
                  : kind == ExprKind::Slice  ? 3
                                             : dims.size();
  bool stepped = kind == ExprKind::Slice && dims.size() == 4;
  if (dims.size() != wanted && !stepped)
    return emitError() << stringifyExprKind(kind) << " expects " << wanted
                       << " entries in dims, got " << dims.size();
  for (int64_t dim : dims)
    if (dim < 0)
      return emitError() << "expr expects non-negative dims, got " << dim;
  if (stepped && dims[3] == 0)
    return emitError() << "slice expects a step above 0";
  return success();
}
