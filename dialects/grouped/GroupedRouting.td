// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decisions that need all tokens at once.

#ifndef MOEC_DIALECTS_GROUPED_GROUPEDROUTING_TD
#define MOEC_DIALECTS_GROUPED_GROUPEDROUTING_TD

include "dialects/grouped/GroupedOps.td"

def Grouped_LimitOp : Grouped_Op<"limit", [AttrSizedOperandSegments]> {
  let summary = "drop assignments beyond each expert's capacity";
  let description = [{
    As `moe.limit`, in destination style. Those keep a place that come first: by
    `priority` if there is one, in the fixed permutation of `random`, with
    `by_slot` all first slots before the second ones, else by token.

    * (limit_c1) one init of the shape of ids;
    * (limit_c2) at most one of priority, random and by_slot;
    * (limit_c3) a priority has the shape of ids, segments have one entry per
      row.

    ```mlir
    %k = grouped.limit ids(%ids : tensor<?x2xi32>) capacity(%c) experts = 8
      outs(%e : tensor<?x2xi32>) -> tensor<?x2xi32>
    ```
  }];
  let arguments = (ins Grouped_Ids:$ids, I32:$capacity,
    Optional<Grouped_Shaped>:$priority, Optional<Grouped_Table>:$segments,
    Variadic<Grouped_Ids>:$inits, I64Attr:$num_experts, UnitAttr:$by_slot,
    OptionalAttr<I64Attr>:$random);
  let results = (outs Variadic<Grouped_Ids>:$results);
  let assemblyFormat = [{
    `ids` `(` $ids `:` type($ids) `)` `capacity` `(` $capacity `)`
    (`priority` `(` $priority^ `:` type($priority) `)`)?
    (`segments` `(` $segments^ `:` type($segments) `)`)?
    (`by_slot` $by_slot^)? (`random` `=` $random^)? `experts` `=` $num_experts
    `outs` `(` $inits `:` type($inits) `)` attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = dpsDeclaration;
  let hasVerifier = 1;
}

def Grouped_SelectTokensOp : Grouped_Op<"select_tokens",
    [AttrSizedOperandSegments]> {
  let summary = "let each expert take its best tokens";
  let description = [{
    As `moe.select_tokens`, in destination style: inits are the ids `[E, C]` and
    the mask `[T, E]` of what is chosen. Ids are in ascending order, or, with
    `by_score`, the best first.

    * (select_tokens_c1) inits are ids, with one row per expert, and chosen, of
      the shape of the scores;
    * (select_tokens_c2) capacity is one i32, or one per expert;
    * (select_tokens_c3) a mask has the shape of the scores, segments have one
      entry per row.

    ```mlir
    %i, %m = grouped.select_tokens scores(%s : tensor<?x4xf32>) capacity(%c : i32)
      outs(%e, %n : tensor<4x?xi32>, tensor<?x4xi1>) -> tensor<4x?xi32>, tensor<?x4xi1>
    ```
  }];
  let arguments = (ins Grouped_Shaped:$scores,
    AnyTypeOf<[I32, Grouped_Table]>:$capacity, Optional<Grouped_Shaped>:$mask,
    Optional<Grouped_Table>:$segments, Variadic<Grouped_Shaped>:$inits,
    UnitAttr:$by_score);
  let results = (outs Variadic<Grouped_Shaped>:$results);
  let assemblyFormat = [{
    (`by_score` $by_score^)? `scores` `(` $scores `:` type($scores) `)`
    `capacity` `(` $capacity `:` type($capacity) `)`
    (`mask` `(` $mask^ `:` type($mask) `)`)?
    (`segments` `(` $segments^ `:` type($segments) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = dpsDeclaration;
  let hasVerifier = 1;
}

#endif // MOEC_DIALECTS_GROUPED_GROUPEDROUTING_TD
