// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rows of a task as int8 codes with a scale for each block (see
// dialects/grouped/Compute.h).

#ifndef MOEC_CODEGEN_CPU_QUANTIZEROWS_H
#define MOEC_CODEGEN_CPU_QUANTIZEROWS_H

#include "codegen/cpu/PanelMatmul.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

struct QuantizedRows {
  /// `rows x words` of i32, of four codes each.
  mlir::Value codes;
  /// `rows x blocks` of f32.
  mlir::Value scales;
  /// Where weights are codes from 0 to 15 that stand for -8 to 7, what sums
  /// start with: `rows x blocks` of i32, whose halves are -8 times the sum of
  /// the codes 0 and 1, 2 and 3 of all words. Otherwise null.
  mlir::Value starts;
};

/// Allocates the buffers at the builder's position.
QuantizedRows allocateQuantizedRows(mlir::ImplicitLocOpBuilder &b,
                                    const PanelMatmul &matmul);

/// Quantises the lhs rows of the chunk.
void quantizeRows(mlir::ImplicitLocOpBuilder &b, const PanelMatmul &matmul,
                  const QuantizedRows &rows, const RowChunk &chunk);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_QUANTIZEROWS_H
