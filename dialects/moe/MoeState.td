// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_DIALECTS_MOE_MOESTATE_TD
#define MOEC_DIALECTS_MOE_MOESTATE_TD

include "dialects/moe/MoeAttributes.td"

def Moe_StateAttr : Moe_Attr<"State", "state"> {
  let summary = "State that each session owns";
  let description = [{
    The value of a mutable global that begins as zeros in each session and keeps
    what functions store (KV caches, recurrent state). `dims` names its dynamic
    dimensions in order: equal names, also those of `moe.dims`, are equal sizes.
    `sizes` are those of a session that asks for no others.

    A state of i32 with `counts = "C"` is the number of entries of dimension `C`
    in use, for each sequence. A function with the attribute `moe.appends = "S"`
    adds its dimension `S` to it; the runtime refuses calls for which there is no
    room, and lowers it where a session is truncated.

    ```mlir
    ml_program.global private mutable @cache.keys(#moe.state<per = session, dims = ["B", "C"], sizes = [1, 4096]>) : tensor<?x?x4x64xf32>
    ml_program.global private mutable @cache.length(#moe.state<per = session, dims = ["B"], sizes = [1], counts = "C">) : tensor<?xi32>
    ```
  }];
  let parameters = (ins OptionalArrayRefParameter<"::mlir::StringAttr">:$dims,
    OptionalArrayRefParameter<"int64_t">:$sizes,
    OptionalParameter<"::mlir::StringAttr">:$counts);
  let assemblyFormat = [{
    `<` `per` `=` `session` (`,` `dims` `=` `[` $dims^ `]`)?
    (`,` `sizes` `=` `[` $sizes^ `]`)? (`,` `counts` `=` $counts^)? `>`
  }];
  let genVerifyDecl = 1;
}

#endif // MOEC_DIALECTS_MOE_MOESTATE_TD
