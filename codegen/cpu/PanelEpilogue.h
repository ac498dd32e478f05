// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What becomes of the sums of a task: the epilogue of grouped.matmul over them,
// stored or added to the output.

#ifndef MOEC_CODEGEN_CPU_PANELEPILOGUE_H
#define MOEC_CODEGEN_CPU_PANELEPILOGUE_H

#include "codegen/cpu/PanelMatmul.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// For the rows of the chunk and panels [firstPanel, lastPanel), whose sums
/// stand in `sums[row of the chunk, column]`.
void emitPanelEpilogue(mlir::ImplicitLocOpBuilder &b, const PanelMatmul &matmul,
                       mlir::Value sums, const RowChunk &chunk,
                       mlir::Value firstPanel, mlir::Value lastPanel);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_PANELEPILOGUE_H
