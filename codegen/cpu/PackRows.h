// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies the rows of a task, so that register tiles read them at a constant,
// small stride, and rounds them where the matmul takes bf16.

#ifndef MOEC_CODEGEN_CPU_PACKROWS_H
#define MOEC_CODEGEN_CPU_PACKROWS_H

#include "codegen/cpu/PanelMatmul.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// `packed[k / blockDepth, i, k % blockDepth] = lhs[row i of the chunk, k]`,
/// zero where the depth is padded.
void packRows(mlir::ImplicitLocOpBuilder &b, const PanelMatmul &matmul,
              mlir::Value packed, const RowChunk &chunk);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_PACKROWS_H
