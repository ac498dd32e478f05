// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_DIALECTS_MOE_MOEDIALECT_TD
#define MOEC_DIALECTS_MOE_MOEDIALECT_TD

include "mlir/IR/OpBase.td"

def Moe_Dialect : Dialect {
  let name = "moe";
  let cppNamespace = "::moec::moe";
  let summary = "What a Mixture-of-Experts model means";
  let description = [{
    Routers, dispatch, experts and combine on tensors. Routing decisions are SSA
    values, computation is a region, ordinary mathematics stays in upstream
    dialects, and no operation is named after a paper.

    Scores are ordinary tensor computation that ends in `tensor<?xExT>`.
    `moe.select` turns scores into expert ids, `moe.weigh` into routing weights,
    `moe.plan` orders the assignments by expert, `moe.dispatch` brings token rows
    into that order, `moe.experts` runs one region per expert, `moe.combine` sums
    the rows back into tokens.

    **Order.** The higher score comes first; of equal scores the lower expert id
    (for `moe.select_tokens` the lower token id); NaN is never selected.

    **Parameters** are `ml_program.global` operations whose value is
    `#moe.source`, `#moe.expr` or `#moe.random`. Weight bytes never enter the IR.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = [];
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerTypes();
  }];
}

#endif // MOEC_DIALECTS_MOE_MOEDIALECT_TD
