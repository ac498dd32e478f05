// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What policies share whose parameters may be operands (`?`) or whose rows
// decide how many experts they select.

#ifndef MOEC_DIALECTS_MOE_POLICIES_DYNAMIC_H
#define MOEC_DIALECTS_MOE_POLICIES_DYNAMIC_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <optional>

namespace moec::moe {

/// `?` (ShapedType::kDynamic) or an integer.
mlir::ParseResult parseDynamicCount(mlir::AsmParser &parser, int64_t &count);
void printDynamicCount(mlir::AsmPrinter &printer, int64_t count);

/// `?` (null) or a number, kept as f64.
mlir::ParseResult parseDynamicNumber(mlir::AsmParser &parser,
                                     mlir::FloatAttr &number);
void printDynamicNumber(mlir::AsmPrinter &printer, mlir::FloatAttr number);

/// Width of ids that are at most `max`, or as many as there are experts.
int64_t getVariableSlots(std::optional<int64_t> max,
                         llvm::ArrayRef<int64_t> widths);

/// Checks `max` of the policy `name` against the number of experts.
llvm::LogicalResult
verifyVariableSlots(llvm::function_ref<mlir::InFlightDiagnostic()> emitError,
                    llvm::StringRef name, std::optional<int64_t> max,
                    llvm::ArrayRef<int64_t> widths);

} // namespace moec::moe

#endif // MOEC_DIALECTS_MOE_POLICIES_DYNAMIC_H
