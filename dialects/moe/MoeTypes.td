// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_DIALECTS_MOE_MOETYPES_TD
#define MOEC_DIALECTS_MOE_MOETYPES_TD

include "mlir/IR/AttrTypeBase.td"
include "dialects/moe/MoeDialect.td"

def Moe_PlanType : TypeDef<Moe_Dialect, "Plan"> {
  let mnemonic = "plan";
  let summary = "Assignments of tokens to experts, ordered by expert";
  let description = [{
    The rows of a plan are the assignments in the order (expert, token, slot).
    `experts` is the number of experts, `slots` the number of assignments that
    one token can have. A plan never crosses an exported function.

    ```mlir
    !moe.plan<experts = 8, slots = 2>
    ```
  }];
  let parameters = (ins "int64_t":$experts, "int64_t":$slots);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // MOEC_DIALECTS_MOE_MOETYPES_TD
