// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function per transformer operation on memrefs. Each emits the operation's
// code at the builder's position, in tasks unless the operation is part of a
// task; the caller erases the operation.

#ifndef MOEC_CODEGEN_CPU_LOWERTRANSFORMER_H
#define MOEC_CODEGEN_CPU_LOWERTRANSFORMER_H

#include "dialects/transformer/Transformer.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// `lanes`: f32 elements of a vector register, 8 or 16.
void lowerAttention(mlir::ImplicitLocOpBuilder &b, transformer::AttentionOp op,
                    unsigned lanes);
void lowerKvAppend(mlir::ImplicitLocOpBuilder &b, transformer::KvAppendOp op);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_LOWERTRANSFORMER_H
