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
  /// Where tiles take weights as numbers from 0 on that stand for such from -8
  /// or -128 on, what sums start with: `rows x blocks` of i32, -8 or -128 times
  /// the sum of the codes; without VNNI as two halves, of the codes 0 and 1, 2
  /// and 3 of all words. Otherwise null.
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
