// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_DIALECTS_GROUPED_GROUPEDDIALECT_TD
#define MOEC_DIALECTS_GROUPED_GROUPEDDIALECT_TD

include "mlir/IR/OpBase.td"

def Grouped_Dialect : Dialect {
  let name = "grouped";
  let cppNamespace = "::moec::grouped";
  let summary = "How a Mixture-of-Experts layer is computed";
  let description = [{
    Grouped (ragged) matrix multiplication and what stands around it, in
    destination style, on tensors and on memrefs.

    **Rows.** `grouped.sort` orders the assignments of tokens to experts by
    (expert, token, slot) and yields three tables: `offsets` (`E + 1` row
    numbers: group `e` owns the rows `offsets[e] .. offsets[e+1]`), `tokens` and
    `slots` (the token and the slot of each row). Row tensors have room for every
    assignment; rows from `offsets[E]` on are never read or written.

    **Iteration space.** Operands of `grouped.map` and of an epilogue are indexed
    by affine maps over `(e, r, t, s, n)`: group, row, token of the row, slot of
    the row, column. An operation without tables is dense: one group, and row and
    token are the same.
  }];
  let useDefaultAttributePrinterParser = 1;
}

#endif // MOEC_DIALECTS_GROUPED_GROUPEDDIALECT_TD
