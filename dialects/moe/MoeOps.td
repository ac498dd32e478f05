// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_DIALECTS_MOE_MOEOPS_TD
#define MOEC_DIALECTS_MOE_MOEOPS_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "dialects/moe/MoeDialect.td"
include "dialects/moe/MoeTypes.td"
include "dialects/moe/MoeAttributes.td"

class Moe_Op<string mnemonic, list<Trait> traits = []>
    : Op<Moe_Dialect, mnemonic, traits>;

def Moe_Scores : RankedTensorOf<[AnyFloat]>;
def Moe_Ids : 2DTensorOf<[I32]>;
def Moe_Mask : RankedTensorOf<[I1]>;

//===----------------------------------------------------------------------===//
// Routing
//===----------------------------------------------------------------------===//

def Moe_SelectOp : Moe_Op<"select", [Pure, AttrSizedOperandSegments]> {
  let summary = "select expert ids of each row of scores by a policy (router, top-k)";
  let description = [{
    Each row of `ids` holds the selected experts in rank order, -1 where there
    are fewer than `K`. `mask` (false: never selected) stands for "and". A policy
    parameter that is written `?` is an operand of `params`: one value, or one
    per row, an i32 for a count and a float for another number.

    * (select_c1) `policy` implements the selection policy interface;
    * (select_c2) as many score tensors as the policy reads, `tensor<?xExT>`;
    * (select_c3) equal row counts in scores, mask, per-row params and results;
    * (select_c4) the mask has one entry per expert, and the policy has a meaning
      with a mask;
    * (select_c5) `ids` is as wide as the policy's `K`;
    * (select_c6) as many params as the policy has `?`, of the right type;
    * (select_c7) a second result, of `ids`' shape, exactly if the policy yields
      scores.

    ```mlir
    %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
    ```
  }];
  let arguments = (ins
    Variadic<Moe_Scores>:$scores, Optional<Moe_Mask>:$mask,
    Variadic<AnyType>:$params, Moe_SelectionPolicyInterface:$policy);
  let results = (outs Moe_Ids:$ids, Optional<Moe_Scores>:$selected_scores);
  let assemblyFormat = [{
    $policy `scores` `(` $scores `:` type($scores) `)`
    (`mask` `(` $mask^ `:` type($mask) `)`)?
    (`params` `(` $params^ `:` type($params) `)`)?
    attr-dict `->` type(results)
  }];
  let hasVerifier = 1;
}

def Moe_WeighOp : Moe_Op<"weigh", [Pure]> {
  let summary = "gather scores at the selected ids and normalise them (routing weights)";
  let description = [{
    `w[t,s] = scores[t, ids[t,s]]`, and `fill` where the id is -1 or out of range;
    then the row is normalised over its valid slots and multiplied by `scale`:

    * `none`: as gathered;
    * `sum`: divided by their sum, with `eps` added to it (`add`) or as its lower
      bound (`max`);
    * `softmax`: softmax of them;
    * `lp`: divided by their L-p norm (`p`), `eps` likewise;
    * `constant`: each is 1;
    * `sparse_mixer`: slot `s` has the softmax, at its id, over the experts not
      selected before with `(max - score) / max(|score|, max) <= 2 * jitter`.

    Invalid slots keep `fill`.

    * (weigh_c1) scores and ids have equal row counts;
    * (weigh_c2) the result has ids' shape and the scores' element type;
    * (weigh_c3) eps, p and jitter are not negative, p is above 0 for `lp`.

    ```mlir
    %w = moe.weigh sum %p, %ids {scale = 2.5 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
    %v = moe.weigh lp %p, %ids eps_mode = max {eps = 1.0e-12 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
    ```
  }];
  let arguments = (ins
    Moe_Scores:$scores, Moe_Ids:$ids, Moe_WeightNorm:$norm,
    DefaultValuedAttr<F64Attr, "0.0">:$eps,
    DefaultValuedAttr<Moe_EpsMode, "::moec::moe::EpsMode::Add">:$eps_mode,
    DefaultValuedAttr<F64Attr, "1.0">:$scale,
    DefaultValuedAttr<F64Attr, "0.0">:$fill,
    DefaultValuedAttr<F64Attr, "2.0">:$p,
    DefaultValuedAttr<F64Attr, "0.0">:$jitter);
  let results = (outs Moe_Scores:$weights);
  let assemblyFormat = [{
    $norm $scores `,` $ids (`eps_mode` `=` $eps_mode^)? attr-dict
    `:` type($scores) `,` type($ids) `->` type($weights)
  }];
  let hasVerifier = 1;
}

def Moe_LimitOp : Moe_Op<"limit", [Pure, AttrSizedOperandSegments]> {
  let summary = "drop assignments beyond each expert's capacity (token choice)";
  let description = [{
    Each expert keeps at most `capacity` assignments of each segment; the others
    become -1. Who keeps a place: `slot` (all first slots before the second ones,
    tokens ascending), `token` (tokens ascending, then slots), `score` (higher
    `priority` first, then lower token), `random` (a fixed permutation of `seed`).

    * (limit_c1) the result has ids' type;
    * (limit_c2) `priority` has ids' shape and is there exactly for `score`;
    * (limit_c3) `segments` has one i32 per row;
    * (limit_c4) there is at least one expert.

    ```mlir
    %kept = moe.limit token %ids capacity(%c) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
    ```
  }];
  let arguments = (ins
    Moe_Ids:$ids, I32:$capacity, Optional<Moe_Scores>:$priority,
    Optional<1DTensorOf<[I32]>>:$segments, Moe_LimitOrder:$order,
    I64Attr:$num_experts, DefaultValuedAttr<I64Attr, "0">:$seed);
  let results = (outs Moe_Ids:$kept);
  let assemblyFormat = [{
    $order $ids `capacity` `(` $capacity `)`
    (`priority` `(` $priority^ `:` type($priority) `)`)?
    (`segments` `(` $segments^ `:` type($segments) `)`)?
    `experts` `=` $num_experts attr-dict `:` type($ids) `->` type($kept)
  }];
  let hasVerifier = 1;
}

def Moe_SelectTokensOp : Moe_Op<"select_tokens", [Pure, AttrSizedOperandSegments]> {
  let summary = "let each expert take its best tokens (expert choice, capacity)";
  let description = [{
    For each expert (column of `scores`) and each segment the `capacity` tokens
    with the highest scores; one capacity for all, or one per expert. `ids` is
    `[E, C]`: token ids, -1 behind the last, in the order `rows`. A dynamic `C` is
    the number of tokens; of more than a static `C` the best stay. `chosen` is
    the same decision as a mask. With one expert this is mixture-of-depths.

    * (select_tokens_c1) mask and chosen have the scores' shape;
    * (select_tokens_c2) capacity is an i32 or one i32 per expert;
    * (select_tokens_c3) segments has one i32 per row;
    * (select_tokens_c4) ids has one row per expert.

    ```mlir
    %ids, %chosen = moe.select_tokens position %s capacity(%c : i32)
      : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
    ```
  }];
  let arguments = (ins
    Moe_Scores:$scores, AnyTypeOf<[I32, 1DTensorOf<[I32]>]>:$capacity,
    Optional<Moe_Mask>:$mask, Optional<1DTensorOf<[I32]>>:$segments,
    Moe_TokenOrder:$rows);
  let results = (outs Moe_Ids:$ids, Moe_Mask:$chosen);
  let assemblyFormat = [{
    $rows $scores `capacity` `(` $capacity `:` type($capacity) `)`
    (`mask` `(` $mask^ `:` type($mask) `)`)?
    (`segments` `(` $segments^ `:` type($segments) `)`)?
    attr-dict `:` type($scores) `->` type(results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Plan, dispatch, combine
//===----------------------------------------------------------------------===//

def Moe_PlanOp : Moe_Op<"plan", [Pure]> {
  let summary = "order assignments by expert (permutation)";
  let description = [{
    The plan has one row for each id in range, ordered by (expert, token, slot).
    Ids out of range are dropped, never followed. With `by_expert`, `ids` is
    `[E, C]` token ids (from `moe.select_tokens`), the expert is the row and the
    slot is the expert; `tokens` is then the number of tokens. Pure and without
    weights, so equal routings share one plan.

    * (plan_c1) by token: `slots` of the result is the width of ids;
    * (plan_c2) by expert: `experts` is the height of ids and `slots` equals it;
    * (plan_c3) `tokens` is there exactly with `by_expert`.

    ```mlir
    %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
    ```
  }];
  let arguments = (ins Moe_Ids:$ids, Optional<Index>:$tokens, UnitAttr:$by_expert);
  let results = (outs Moe_PlanType:$plan);
  let assemblyFormat = [{
    (`by_expert` $by_expert^)? $ids (`tokens` `(` $tokens^ `)`)? attr-dict
    `:` type($ids) `->` type($plan)
  }];
  let hasVerifier = 1;
}

def Moe_RowsOp : Moe_Op<"rows", [Pure]> {
  let summary = "number of rows of a plan";
  let description = [{
    ```mlir
    %n = moe.rows %plan : !moe.plan<experts = 8, slots = 2>
    ```
  }];
  let arguments = (ins Moe_PlanType:$plan);
  let results = (outs Index:$rows);
  let assemblyFormat = "$plan attr-dict `:` qualified(type($plan))";
}

def Moe_DispatchOp : Moe_Op<"dispatch", [Pure]> {
  let summary = "bring token rows into the plan's order (permute, scatter to experts)";
  let description = [{
    `rows[r, ...] = tokens[token(r), ...]`, multiplied by
    `weights[token(r), slot(r)]` when weights apply to the input.

    * (dispatch_c1) result and operand differ in dimension 0 only, which is
      dynamic in the result;
    * (dispatch_c2) weights are `[T, slots]` of the plan.

    ```mlir
    %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$tokens, Moe_PlanType:$plan,
                       Optional<Moe_Scores>:$weights);
  let results = (outs AnyRankedTensor:$rows);
  let assemblyFormat = [{
    $tokens `by` $plan (`weights` `(` $weights^ `:` type($weights) `)`)? attr-dict
    `:` type($tokens) `,` qualified(type($plan)) `->` type($rows)
  }];
  let hasVerifier = 1;
}

def Moe_ExpertsOp : Moe_Op<"experts",
    [AttrSizedOperandSegments, RecursiveMemoryEffects,
     SingleBlockImplicitTerminator<"::moec::moe::YieldOp">]> {
  let summary = "run each expert's region on its rows (grouped GEMM, expert bank)";
  let description = [{
    `members[e]` names the region of expert `e` (-1: null, its rows are zero at
    no cost), `slot[e]` its index in the stacks that this region reads. Both may
    be left out: every expert is then region 0 with slot `e`. Equal slots share
    weights.

    A region's arguments are the rows of the expert (one for each `rows` operand,
    dynamic in dimension 0), the slices `params[slot[e], ...]`, and the expert's
    id as `index`. Values from outside may be captured. It yields one tensor per
    result, with as many rows. A region runs once for an expert that has rows and
    not at all otherwise. Identity is a region that yields its argument.

    * (experts_c1) every region takes rows, slices and an index, of these types;
    * (experts_c2) every region yields the result types;
    * (experts_c3) members and slot have one entry per expert of the plan;
    * (experts_c4) members name regions or are -1;
    * (experts_c5) slots are within every stack that the region reads; without
      members and slots, stacks have one slice per expert;
    * (experts_c6) rows and results are dynamic in dimension 0.

    ```mlir
    %y = moe.experts %plan rows(%r : tensor<?x16xf32>) params(%w : tensor<8x16x16xf32>)
        : !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32> {
    ^bb0(%x: tensor<?x16xf32>, %slice: tensor<16x16xf32>, %expert: index):
      moe.yield %x : tensor<?x16xf32>
    }
    ```
  }];
  let arguments = (ins Moe_PlanType:$plan, Variadic<AnyRankedTensor>:$rows,
    Variadic<AnyRankedTensor>:$params,
    OptionalAttr<DenseI32ArrayAttr>:$members, OptionalAttr<DenseI32ArrayAttr>:$slot);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region VariadicRegion<SizedRegion<1>>:$bodies);
  let assemblyFormat = [{
    $plan `rows` `(` $rows `:` type($rows) `)`
    (`params` `(` $params^ `:` type($params) `)`)?
    (`members` `=` $members^)? (`slot` `=` $slot^)?
    attr-dict-with-keyword `:` qualified(type($plan)) `->` type($outputs) $bodies
  }];
  let extraClassDeclaration = [{
    /// Region of expert `expert`, or -1 for a null expert.
    int32_t getMember(int64_t expert) {
      return getMembers() ? (*getMembers())[expert] : 0;
    }
    /// Index of expert `expert` in the stacks of its region.
    int32_t getSlotOf(int64_t expert) {
      return getSlot() ? (*getSlot())[expert] : static_cast<int32_t>(expert);
    }
  }];
  let hasVerifier = 1;
}

def Moe_YieldOp : Moe_Op<"yield", [Pure, Terminator, ReturnLike,
    HasParent<"::moec::moe::ExpertsOp">]> {
  let summary = "end an expert's region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ (void)$_state; }]>];
}

def Moe_CombineOp : Moe_Op<"combine", [Pure,
    DeclareOpInterfaceMethods<DestinationStyleOpInterface>]> {
  let summary = "sum expert rows back into their tokens (unpermute, weighted sum)";
  let description = [{
    `result[t] = init[t] + sum over rows r of t of weights[t, slot(r)] * rows[r]`
    (`add`), or without `init[t]` for tokens that have a row (`replace`). A token
    without rows keeps `init[t]`. The sum runs in the plan's row order, in f32 or
    wider.

    * (combine_c1) rows and init differ in dimension 0 only;
    * (combine_c2) weights are `[T, slots]` of the plan;
    * (combine_c3) the result has init's type.

    ```mlir
    %y = moe.combine add %rows by %plan weights(%w : tensor<?x2xf32>) init(%z)
      : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$rows, Moe_PlanType:$plan,
    Optional<Moe_Scores>:$weights, AnyRankedTensor:$init, Moe_CombineInto:$into);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $into $rows `by` $plan (`weights` `(` $weights^ `:` type($weights) `)`)?
    `init` `(` $init `:` type($init) `)` attr-dict
    `:` type($rows) `,` qualified(type($plan)) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Moe_SlotsOp : Moe_Op<"slots", [Pure, DeclareOpInterfaceMethods<DestinationStyleOpInterface>]> {
  let summary = "the rows of each token, by slot and not reduced";
  let description = [{
    `result[t, s, ...] = rows[r, ...]` for the row `r` of token `t` and slot `s`;
    `init[t, s, ...]` where there is none. Mean, max, concatenation and picking
    are ordinary operations on it.

    * (slots_c1) init and the result are `[T, slots, ...]` with the rows' trailing
      dimensions.

    ```mlir
    %s = moe.slots %rows by %plan init(%z : tensor<?x2x16xf32>)
      : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x2x16xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$rows, Moe_PlanType:$plan, AnyRankedTensor:$init);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $rows `by` $plan `init` `(` $init `:` type($init) `)` attr-dict
    `:` type($rows) `,` qualified(type($plan)) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Moe_TapOp : Moe_Op<"tap"> {
  let summary = "name a value to record";
  let description = [{
    No effect on the computation. All taps but those that `--tap=` names are
    removed before the first fusion.

    * (tap_c1) the name is not empty.

    ```mlir
    moe.tap "layers.0.scores" %p : tensor<?x8xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name, AnyRankedTensor:$value);
  let assemblyFormat = "$name $value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

#endif // MOEC_DIALECTS_MOE_MOEOPS_TD
