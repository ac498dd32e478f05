// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The transformer dialect: the only header of this folder that others include.

#ifndef MOEC_DIALECTS_TRANSFORMER_TRANSFORMER_H
#define MOEC_DIALECTS_TRANSFORMER_TRANSFORMER_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/transformer/TransformerDialect.h.inc"
#define GET_OP_CLASSES
#include "dialects/transformer/TransformerOps.h.inc"

namespace moec::transformer {

/// The same computation in linalg, tensor and scf, at the builder's position.
/// The operation is on tensors and stays.
mlir::Value decomposeAttention(mlir::OpBuilder &builder, AttentionOp op);
mlir::Value decomposeKvAppend(mlir::OpBuilder &builder, KvAppendOp op);
llvm::SmallVector<mlir::Value> decomposeKvView(mlir::OpBuilder &builder,
                                               KvViewOp op);
mlir::Value decomposeRotary(mlir::OpBuilder &builder, RotaryOp op);

/// Registers how attention and kv_append are bufferized: in place on their
/// init. kv_view and rotary are decomposed before.
void registerBufferizableOpInterfaceExternalModels(
    mlir::DialectRegistry &registry);

} // namespace moec::transformer

#endif // MOEC_DIALECTS_TRANSFORMER_TRANSFORMER_H
