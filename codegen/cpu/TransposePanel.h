// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Panels out of weights that nobody packed: what a task does once for all rows
// of a chunk, so that register tiles read f32 panels as ever. 8 columns by 4
// depth elements take 16 loads, 16 shuffles and 4 stores, about 8 cycles for 32
// weights; a chunk of 66 rows multiplies them in 132.

#ifndef MOEC_CODEGEN_CPU_TRANSPOSEPANEL_H
#define MOEC_CODEGEN_CPU_TRANSPOSEPANEL_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// Emits a call that writes some columns of row-major weights into a panel:
/// `panel[k * 16 + lane + c] = weights[c, k]` as f32 for `k < length` and `c <
/// width` (8 or 16). `weights` is `width x ?`, or `? x width` if `depthFirst`
/// (`weights[k, c]`). Only its first `count` columns are read; lanes from there
/// on hold the last of them again. Without `count` all are there.
void emitTransposePanel(mlir::ImplicitLocOpBuilder &b, mlir::Value weights,
                        bool depthFirst, int64_t width, mlir::Value count,
                        mlir::Value panel, int64_t lane, mlir::Value length);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_TRANSPOSEPANEL_H
