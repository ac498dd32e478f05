// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The cpu dialect: calls of the host, which stand between outlining and LLVM.

#ifndef MOEC_CODEGEN_CPU_CPU_H
#define MOEC_CODEGEN_CPU_CPU_H

#include "dialects/moe/Moe.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "codegen/cpu/CpuDialect.h.inc"
#define GET_OP_CLASSES
#include "codegen/cpu/CpuOps.h.inc"

namespace moec::cpu {

/// Names of attributes on the arguments of public functions.
inline constexpr llvm::StringLiteral kParamAttr = "moe.param";
inline constexpr llvm::StringLiteral kStateAttr = "moe.state";
inline constexpr llvm::StringLiteral kResultAttr = "moe.result";
inline constexpr llvm::StringLiteral kWorkersAttr = "moe.workers";
inline constexpr llvm::StringLiteral kServicesAttr = "moe.services";
inline constexpr llvm::StringLiteral kWorkspaceAttr = "moe.workspace";
/// On a module: an extension that its code may use, in LLVM's spelling.
inline constexpr llvm::StringLiteral kFeatureAttr = "cpu.feature";
using moe::kDimsAttr;
using moe::kNameAttr;

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_CPU_H
