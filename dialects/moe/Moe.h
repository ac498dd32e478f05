// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The moe dialect: the only header of this folder that others include.

#ifndef MOEC_DIALECTS_MOE_MOE_H
#define MOEC_DIALECTS_MOE_MOE_H

#include "dialects/moe/Policy.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/moe/MoeDialect.h.inc"
#include "dialects/moe/MoeEnums.h.inc"
#include "dialects/moe/MoeInterfaces.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/moe/MoeAttributes.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/moe/MoeTypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/moe/MoeOps.h.inc"

namespace moec::moe {

/// Attribute names of exported functions' arguments and results: the public
/// name (StringAttr), and the names of the dimensions (ArrayAttr of StringAttr,
/// a decimal number for a fixed size; equal names mean equal sizes).
inline constexpr llvm::StringLiteral kNameAttr = "moe.name";
inline constexpr llvm::StringLiteral kDimsAttr = "moe.dims";

/// Attribute of a function that appends to the states of its session: the name
/// of the dimension that it appends (see #moe.state).
inline constexpr llvm::StringLiteral kAppendsAttr = "moe.appends";

/// Module attribute: the directory that #moe.source files are relative to.
inline constexpr llvm::StringLiteral kSourceDirectoryAttr =
    "moe.source_directory";

} // namespace moec::moe

#endif // MOEC_DIALECTS_MOE_MOE_H
