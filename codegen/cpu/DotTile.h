// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The register tile for few rows and weights that nobody packed: dot products
// along the depth. A weight's columns are read one after the other, each once
// from the first to the last depth element, so a task draws one stream from
// memory. For 16 depth elements and each row: two loads and two FMAs with 8
// lanes, one of each with 16.
//
// A sum is 16 partial sums of depth elements k mod 16, added in halves (8 + 8,
// 4 + 4, 2 + 2, 1 + 1), then the products of the last depth % 16 elements: the
// same bits for any number of rows and any width of vectors.

#ifndef MOEC_CODEGEN_CPU_DOTTILE_H
#define MOEC_CODEGEN_CPU_DOTTILE_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// Emits a call that adds dot products of `rows` rows: `sums[i, lane + c] +=
/// sum over k < length of lhs[i, k] * weights[c, k]` for `c < count`. `lhs` is
/// `rows x ?`, `weights` `? x ?` with contiguous rows. `lanes`: f32 in a vector
/// register, 8 or 16; `streamDistance`: bytes ahead to prefetch.
void emitDotTile(mlir::ImplicitLocOpBuilder &b, unsigned lanes, int64_t rows,
                 mlir::Value lhs, mlir::Value weights, mlir::Value sums,
                 mlir::Value lane, mlir::Value count, mlir::Value length,
                 int64_t streamDistance);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_DOTTILE_H
