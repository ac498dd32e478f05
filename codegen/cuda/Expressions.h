// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations on scalars as CUDA C++ expressions.

#ifndef MOEC_CODEGEN_CUDA_EXPRESSIONS_H
#define MOEC_CODEGEN_CUDA_EXPRESSIONS_H

#include "mlir/IR/Operation.h"
#include <optional>
#include <string>

namespace moec::cuda {

/// The C++ type of a scalar: "Index" for index, "float", "Bf16", ..; nothing
/// for a type that has none.
std::optional<std::string> cppType(mlir::Type type);

/// A literal; nothing for what is not a number.
std::optional<std::string> cppConstant(mlir::Attribute value);

/// The expression of an operation of arith or math with one result, given those
/// of its operands, each of which is a name, a literal or in parentheses. It is
/// not in parentheses itself. Nothing for an operation that has none.
std::optional<std::string> cppExpression(mlir::Operation *op,
                                         llvm::ArrayRef<std::string> operands);

} // namespace moec::cuda

#endif // MOEC_CODEGEN_CUDA_EXPRESSIONS_H
