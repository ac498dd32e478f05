// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// grouped.select for one row, by the code that the policy emits.

#ifndef MOEC_CODEGEN_CPU_SELECTROW_H
#define MOEC_CODEGEN_CPU_SELECTROW_H

#include "dialects/grouped/Grouped.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace moec::cpu {

/// Number of i32 that the policy needs as scratch for a row; 0: none.
int64_t getSelectScratchSize(grouped::SelectOp op);

/// Emits the selection of row `row`. `scratch` is a memref of
/// getSelectScratchSize elements, null where that is 0.
void emitSelectRow(mlir::ImplicitLocOpBuilder &b, grouped::SelectOp op,
                   mlir::Value row, mlir::Value scratch);

} // namespace moec::cpu

#endif // MOEC_CODEGEN_CPU_SELECTROW_H
