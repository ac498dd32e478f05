// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_DIALECTS_GROUPED_GROUPEDOPS_TD
#define MOEC_DIALECTS_GROUPED_GROUPEDOPS_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "dialects/grouped/GroupedDialect.td"
include "dialects/grouped/GroupedAttributes.td"
include "dialects/moe/MoeInterfaces.td"

def Grouped_Shaped : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;
def Grouped_Table : AnyTypeOf<[1DTensorOf<[I32]>, MemRefRankOf<[I32], [1]>]>;
def Grouped_Ids : AnyTypeOf<[2DTensorOf<[I32]>, MemRefRankOf<[I32], [2]>]>;

/// An operation in destination style, on tensors (with results) or on memrefs
/// (without results, reading its inputs and updating its inits).
class Grouped_Op<string mnemonic, list<Trait> traits = []>
    : Op<Grouped_Dialect, mnemonic, !listconcat(traits, [
        DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>])> {
  code dpsDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }
  }];
  let extraClassDeclaration = dpsDeclaration;
}

def Grouped_SortOp : Grouped_Op<"sort", [AttrSizedOperandSegments]> {
  let summary = "order assignments by expert (histogram, scan, stable sort)";
  let description = [{
    From ids `[T, K]` (or, with `by_expert`, token ids `[E, C]`) makes the tables
    `offsets` (`E + 1`), `tokens` and `slots` (`T * K` or `E * C`), ordered by
    (expert, token, slot). Ids out of range are dropped. With `by_expert` an id
    is a token below `token_count`, its group is its row and its slot the group;
    the tables may be shorter where fewer ids can be in range.

    * (sort_c1) inits are offsets, tokens, slots; tokens and slots are equally
      long;
    * (sort_c2) `token_count` is there exactly with `by_expert`.

    ```mlir
    %o, %t, %s = grouped.sort ids(%ids : tensor<?x2xi32>)
      outs(%o0, %t0, %s0 : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
      -> tensor<9xi32>, tensor<?xi32>, tensor<?xi32>
    ```
  }];
  let arguments = (ins Grouped_Ids:$ids, Optional<Index>:$token_count,
                       Variadic<Grouped_Table>:$inits);
  let results = (outs Variadic<Grouped_Table>:$results);
  let assemblyFormat = [{
    `ids` `(` $ids `:` type($ids) `)` (`by_expert` `(` $token_count^ `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = dpsDeclaration;
  let hasVerifier = 1;
}

def Grouped_GatherOp : Grouped_Op<"gather"> {
  let summary = "rows of tokens in the order of the tables (permute)";
  let description = [{
    `rows[r, ...] = source[tokens[r], ...]` for `r < offsets[E]`.

    * (gather_c1) one init, which differs from the source in dimension 0 only.

    ```mlir
    %r = grouped.gather source(%x : tensor<?x16xf32>)
      groups(%o, %t : tensor<9xi32>, tensor<?xi32>)
      outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    ```
  }];
  let arguments = (ins Grouped_Shaped:$source, Grouped_Table:$offsets,
                       Grouped_Table:$tokens, Variadic<Grouped_Shaped>:$inits);
  let results = (outs Variadic<Grouped_Shaped>:$results);
  let assemblyFormat = [{
    `source` `(` $source `:` type($source) `)`
    `groups` `(` $offsets `,` $tokens `:` type($offsets) `,` type($tokens) `)`
    `outs` `(` $inits `:` type($inits) `)` attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = dpsDeclaration;
  let hasVerifier = 1;
}

def Grouped_MapOp : Grouped_Op<"map",
    [AttrSizedOperandSegments,
     SingleBlockImplicitTerminator<"::moec::grouped::YieldOp">]> {
  let summary = "element-wise computation on ragged rows";
  let description = [{
    `init[r, n] = body(inputs[map(e, r, t, s, n)]...)` for each row of each group
    (dense: for each row of the init).

    * (map_c1) one init of rank 2;
    * (map_c2) one map `(e, r, t, s, n) -> (...)` per input, of the input's rank,
      each result a dimension or 0; a dimension indexed by `n` has the init's
      columns, one indexed by `e` one entry per group;
    * (map_c3) the body takes one scalar per input and yields one of the init's
      element type;
    * (map_c4) offsets, tokens and slots are there together or not at all.

    ```mlir
    %y = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
      ins(%rows, %w : tensor<?x16xf32>, tensor<?x2xf32>)
      maps [affine_map<(e, r, t, s, n) -> (r, n)>, affine_map<(e, r, t, s, n) -> (t, s)>]
      outs(%z : tensor<?x16xf32>) {
    ^bb0(%a: f32, %b: f32):
      %m = arith.mulf %a, %b : f32
      grouped.yield %m : f32
    } -> tensor<?x16xf32>
    ```
  }];
  let arguments = (ins Optional<Grouped_Table>:$offsets, Optional<Grouped_Table>:$tokens,
    Optional<Grouped_Table>:$slots, Variadic<Grouped_Shaped>:$inputs,
    Variadic<Grouped_Shaped>:$inits, AffineMapArrayAttr:$maps);
  let results = (outs Variadic<Grouped_Shaped>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`groups` `(` $offsets^ `,` $tokens `,` $slots
      `:` type($offsets) `,` type($tokens) `,` type($slots) `)`)?
    (`ins` `(` $inputs^ `:` type($inputs) `)`)? `maps` $maps
    `outs` `(` $inits `:` type($inits) `)` attr-dict-with-keyword $body
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = dpsDeclaration;
  let hasVerifier = 1;
}

def Grouped_MatmulOp : Grouped_Op<"matmul",
    [AttrSizedOperandSegments,
     SingleBlockImplicitTerminator<"::moec::grouped::YieldOp">]> {
  let summary = "grouped (ragged) matrix multiplication with an epilogue (grouped GEMM)";
  let description = [{
    For each row `r` of each group `e` (dense: for each row, group 0) and each
    weight `p`: `acc_p[n] = sum over k of lhs[row, k] * rhs_p[e, n, k]` in f32,
    then `value[r, n] = epilogue(acc_0.., extras[map(e, r, t, s, n)]..)`.

    * `row` is `r`, or the token `t` of the row with `gather`;
    * the value goes to `init[r, n]`, or is added to `init[t, n]` with `reduce`
      (rows in order, so the sum is deterministic);
    * `layout` tells whether a weight is `[G, N, K]` (`nk`) or `[G, K, N]` (`kn`);
      a dense weight may lack the group dimension;
    * `panels`: the weights are one packed operand (see `#grouped.panels`);
    * `tile`: chosen by `moe-select-strategy`; code generation has a default;
    * `wave_rows`: chosen by `moe-select-strategy` for a matmul whose lhs one
      other grouped matmul of the same rows makes for it alone. The two then run
      in waves: so many rows of the lhs exist at a time.

    Labelled constraints:

    * (matmul_c1) one init of rank 2 and an lhs of rank 2; without tables they
      have equally many rows;
    * (matmul_c2) weights agree with the lhs in depth, with the init in columns
      and with each other in type; with offsets, they have one group per expert;
    * (matmul_c3) with panels, one weight of the packed shape;
    * (matmul_c4) extras have one map each, as in `grouped.map`;
    * (matmul_c5) the epilogue takes one f32 per weight (per part with panels)
      and one scalar per extra, and yields one scalar of the init's element type;
    * (matmul_c6) offsets, tokens and slots are there together or not at all;
      gather and reduce need them;
    * (matmul_c7) weights and lhs have float elements, and the lhs and init are
      f32;
    * (matmul_c8) `wave_rows` is at least 1 and stands with `reduce` and without
      `gather`.

    ```mlir
    %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%g, %u : tensor<8x32x16xbf16>, tensor<8x32x16xbf16>)
      groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
      outs(%z : tensor<?x32xf32>) attributes {gather, maps = []} {
    ^bb0(%a: f32, %b: f32):
      %m = arith.mulf %a, %b : f32
      grouped.yield %m : f32
    } -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins Grouped_Shaped:$lhs, Variadic<Grouped_Shaped>:$rhs,
    Optional<Grouped_Table>:$offsets, Optional<Grouped_Table>:$tokens,
    Optional<Grouped_Table>:$slots, Variadic<Grouped_Shaped>:$extras,
    Variadic<Grouped_Shaped>:$inits,
    DefaultValuedAttr<Grouped_RhsLayoutAttr, "::moec::grouped::RhsLayout::NK">:$layout,
    AffineMapArrayAttr:$maps, UnitAttr:$gather, UnitAttr:$reduce,
    OptionalAttr<Grouped_PanelsAttr>:$panels, OptionalAttr<Grouped_TileAttr>:$tile,
    OptionalAttr<I64Attr>:$wave_rows);
  let results = (outs Variadic<Grouped_Shaped>:$results);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `lhs` `(` $lhs `:` type($lhs) `)` `rhs` `(` $rhs `:` type($rhs) `)`
    (`groups` `(` $offsets^ `,` $tokens `,` $slots
      `:` type($offsets) `,` type($tokens) `,` type($slots) `)`)?
    (`extras` `(` $extras^ `:` type($extras) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict-with-keyword $epilogue
    (`->` type($results)^)?
  }];
  let extraClassDeclaration = dpsDeclaration # [{
    /// Number of accumulators that the epilogue receives.
    unsigned getNumParts() {
      return getPanels() ? getPanels()->getParts() : getRhs().size();
    }
    /// Whether rows are split into groups by tables.
    bool isGrouped() { return static_cast<bool>(getOffsets()); }
    /// Size of the contracted dimension.
    int64_t getDepth() {
      return ::llvm::cast<::mlir::ShapedType>(getLhs().getType()).getDimSize(1);
    }
    /// Number of result columns.
    int64_t getColumns() {
      return ::llvm::cast<::mlir::ShapedType>(getInits()[0].getType())
          .getDimSize(1);
    }
  }];
  let hasVerifier = 1;
}

def Grouped_CombineOp : Grouped_Op<"combine"> {
  let summary = "add rows to their tokens (unpermute)";
  let description = [{
    `init[tokens[r], n] += rows[r, n]` for `r < offsets[E]` in row order; with
    `replace` a token's first row replaces what init holds.

    * (combine_c1) one init, which differs from the rows in dimension 0 only.

    ```mlir
    %y = grouped.combine rows(%r : tensor<?x16xf32>)
      groups(%o, %t : tensor<9xi32>, tensor<?xi32>)
      outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
    ```
  }];
  let arguments = (ins Grouped_Shaped:$rows, Grouped_Table:$offsets,
    Grouped_Table:$tokens, Variadic<Grouped_Shaped>:$inits, UnitAttr:$replace);
  let results = (outs Variadic<Grouped_Shaped>:$results);
  let assemblyFormat = [{
    (`replace` $replace^)? `rows` `(` $rows `:` type($rows) `)`
    `groups` `(` $offsets `,` $tokens `:` type($offsets) `,` type($tokens) `)`
    `outs` `(` $inits `:` type($inits) `)` attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = dpsDeclaration;
  let hasVerifier = 1;
}

def Grouped_SlotsOp : Grouped_Op<"slots"> {
  let summary = "rows of each token by slot, not reduced";
  let description = [{
    `init[tokens[r], slots[r], ...] = rows[r, ...]` for `r < offsets[E]`.

    * (slots_c1) one init `[T, K, ...]` with the rows' trailing dimensions.

    ```mlir
    %y = grouped.slots rows(%r : tensor<?x16xf32>)
      groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
      outs(%z : tensor<?x2x16xf32>) -> tensor<?x2x16xf32>
    ```
  }];
  let arguments = (ins Grouped_Shaped:$rows, Grouped_Table:$offsets,
    Grouped_Table:$tokens, Grouped_Table:$slots, Variadic<Grouped_Shaped>:$inits);
  let results = (outs Variadic<Grouped_Shaped>:$results);
  let assemblyFormat = [{
    `rows` `(` $rows `:` type($rows) `)`
    `groups` `(` $offsets `,` $tokens `,` $slots
      `:` type($offsets) `,` type($tokens) `,` type($slots) `)`
    `outs` `(` $inits `:` type($inits) `)` attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = dpsDeclaration;
  let hasVerifier = 1;
}

def Grouped_SelectOp : Grouped_Op<"select", [AttrSizedOperandSegments]> {
  let summary = "select expert ids of each row by a policy";
  let description = [{
    As `moe.select`, in destination style: inits are the ids and, where the
    policy yields them, the selected scores.

    * (select_c1) scores, params and inits are as many and as wide as the policy
      says, with one row per score row.

    ```mlir
    %i = grouped.select #moe.top_k<2> scores(%p : tensor<?x8xf32>)
      outs(%e : tensor<?x2xi32>) -> tensor<?x2xi32>
    ```
  }];
  let arguments = (ins Variadic<Grouped_Shaped>:$scores, Optional<Grouped_Shaped>:$mask,
    Variadic<AnyType>:$params, Variadic<Grouped_Shaped>:$inits,
    Moe_SelectionPolicyInterface:$policy);
  let results = (outs Variadic<Grouped_Shaped>:$results);
  let assemblyFormat = [{
    $policy `scores` `(` $scores `:` type($scores) `)`
    (`mask` `(` $mask^ `:` type($mask) `)`)?
    (`params` `(` $params^ `:` type($params) `)`)?
    `outs` `(` $inits `:` type($inits) `)` attr-dict (`->` type($results)^)?
  }];
  let extraClassDeclaration = dpsDeclaration;
  let hasVerifier = 1;
}

def Grouped_YieldOp : Op<Grouped_Dialect, "yield",
    [Pure, Terminator, ReturnLike, ParentOneOf<["MapOp", "MatmulOp"]>]> {
  let summary = "end a body or an epilogue";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ (void)$_state; }]>];
}

#endif // MOEC_DIALECTS_GROUPED_GROUPEDOPS_TD
