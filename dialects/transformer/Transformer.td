// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What whole models need around their MoE layers.

#ifndef MOEC_DIALECTS_TRANSFORMER_TRANSFORMER_TD
#define MOEC_DIALECTS_TRANSFORMER_TRANSFORMER_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"

def Transformer_Dialect : Dialect {
  let name = "transformer";
  let cppNamespace = "::moec::transformer";
  let summary = "Attention, its cache and rotary positions";
  let description = [{
    The operations that a decoder needs around its MoE layers and that ordinary
    tensor operations say badly. Normalisation, projections and everything else
    are linalg.

    Heads are dimension 2 of `[batch, tokens, heads, width]`, as projections
    write them: nothing is transposed in memory. A **position** is an i32; a
    token of a negative position does not exist (padding).

    **Caches** are globals of the value `#moe.state`: a session owns them. A
    cache `[batch, slots, ..]` keeps the token of position `p` in slot
    `p mod slots`, so that one with fewer slots than tokens is a ring.
  }];
}

def Transformer_Float : AnyTypeOf<[F32, F16, BF16]>;
class Transformer_Shaped<Type element, int rank>
    : AnyTypeOf<[TensorRankOf<[element], [rank]>,
                 StridedMemRefRankOf<[element], [rank]>]>;
def Transformer_Heads : Transformer_Shaped<Transformer_Float, 4>;
def Transformer_Table : Transformer_Shaped<I32, 2>;
def Transformer_Vector : Transformer_Shaped<Transformer_Float, 1>;
def Transformer_Cache
    : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;

/// An operation in destination style, on tensors (with a result) or on memrefs.
class Transformer_DestinationOp<string mnemonic, list<Trait> traits = []>
    : Op<Transformer_Dialect, mnemonic, !listconcat(traits, [
        DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>])> {
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
}

def Transformer_AttentionOp : Transformer_DestinationOp<"attention",
    [AttrSizedOperandSegments]> {
  let summary = "scaled dot-product attention (flash attention)";
  let description = [{
    For queries `[B, S, Hq, D]`, keys `[B, T, H, D]` and values `[B, T, H, V]`
    gives `[B, S, Hq, V]`; query head `h` reads key head `h / (Hq / H)` (grouped
    queries). With `s(t) = scale * <q, k_t>`, or `softcap * tanh(s(t) / softcap)`,

        o = sum_t w(t) v_t / (sum_t w(t) + exp(sink_h)),  w(t) = exp(s(t))

    over the keys that the query sees: those with a position that is not
    negative, of the query's segment, not after the query if `causal`, and fewer
    than `window` positions before it. The sum is computed relative to its
    largest exponent; a query that sees no key gives 0. Without `sinks` that term
    is missing.

    * (attention_c1) query, key, value and init agree in batch; query and init in
      tokens and heads, key and value in tokens and heads, query and key in width,
      value and init in width; heads and widths are static;
    * (attention_c2) the query's heads are a multiple of the key's;
    * (attention_c3) query positions and segments are `[B, S]`, those of keys
      `[B, T]`; segments are there for both or for none;
    * (attention_c4) sinks are one number a query head;
    * (attention_c5) `window` is at least 1, `softcap` positive.

    ```mlir
    %o = transformer.attention query(%q : tensor<?x?x8x64xf32>)
      key(%k : tensor<?x?x2x64xf32>) value(%v : tensor<?x?x2x64xf32>)
      positions(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>)
      outs(%init : tensor<?x?x8x64xf32>)
      {causal, scale = 1.250000e-01 : f32, window = 128 : i64} -> tensor<?x?x8x64xf32>
    ```
  }];
  let arguments = (ins Transformer_Heads:$query, Transformer_Heads:$key,
    Transformer_Heads:$value, Transformer_Table:$query_positions,
    Transformer_Table:$key_positions, Optional<Transformer_Table>:$query_segments,
    Optional<Transformer_Table>:$key_segments,
    Optional<Transformer_Vector>:$sinks, Transformer_Heads:$init,
    F32Attr:$scale, UnitAttr:$causal, OptionalAttr<I64Attr>:$window,
    OptionalAttr<F32Attr>:$softcap);
  let results = (outs Optional<Transformer_Heads>:$result);
  let assemblyFormat = [{
    `query` `(` $query `:` type($query) `)` `key` `(` $key `:` type($key) `)`
    `value` `(` $value `:` type($value) `)`
    `positions` `(` $query_positions `,` $key_positions `:`
      type($query_positions) `,` type($key_positions) `)`
    (`segments` `(` $query_segments^ `,` $key_segments `:`
      type($query_segments) `,` type($key_segments) `)`)?
    (`sinks` `(` $sinks^ `:` type($sinks) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
}

def Transformer_KvAppendOp : Transformer_DestinationOp<"kv_append"> {
  let summary = "write the rows of new tokens into a cache";
  let description = [{
    `cache[b, positions[b, s] mod slots, ..] = rows[b, s, ..]`, in order of `s`;
    a row of a negative position is left out.

    * (kv_append_c1) rows and cache agree in rank (at least 2), in batch, in what
      follows dimension 1, and in the element type; positions are `[B, S]`.

    ```mlir
    %next = transformer.kv_append %k at %p into %cache : tensor<?x?x2x64xf32>,
      tensor<?x?xi32>, tensor<?x?x2x64xf32> -> tensor<?x?x2x64xf32>
    ```
  }];
  let arguments = (ins Transformer_Cache:$rows, Transformer_Table:$positions,
                       Transformer_Cache:$init);
  let results = (outs Optional<Transformer_Cache>:$result);
  let assemblyFormat = [{
    $rows `at` $positions `into` $init attr-dict `:` type($rows) `,`
    type($positions) `,` type($init) (`->` type($result)^)?
  }];
}

def Transformer_KvViewOp : Op<Transformer_Dialect, "kv_view", [Pure]> {
  let summary = "what a cache holds, and of which positions";
  let description = [{
    `lengths[b]` tokens have been appended to sequence `b`. The view of a cache
    are its first `L = min(slots, max over b of lengths[b])` slots; `positions[b, j]`
    is the largest position below `lengths[b]` that is kept in slot `j`, or -1
    where nothing is.

    * (kv_view_c1) one view for each cache, of its type but for dimension 1;
    * (kv_view_c2) caches have rank 2 or more and agree in batch and slots.

    ```mlir
    %k, %v, %p = transformer.kv_view (%keys, %values : tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>)
      lengths(%n : tensor<?xi32>)
      -> (tensor<?x?x2x64xf32>, tensor<?x?x2x64xf32>), tensor<?x?xi32>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$caches,
                       TensorRankOf<[I32], [1]>:$lengths);
  let results = (outs Variadic<AnyRankedTensor>:$views,
                      TensorRankOf<[I32], [2]>:$positions);
  let assemblyFormat = [{
    `(` $caches `:` type($caches) `)` `lengths` `(` $lengths `:` type($lengths) `)`
    attr-dict `->` `(` type($views) `)` `,` type($positions)
  }];
  let hasVerifier = 1;
}

def Transformer_RotaryOp : Op<Transformer_Dialect, "rotary",
    [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "rotary position embedding (RoPE)";
  let description = [{
    Rotates `F` pairs of each head's entries from `offset` on by the angles
    `position * frequencies[i]`, multiplied by `magnitude` (which YaRN calls the
    attention factor); the other entries stay. With `a = offset`, pair `i` are the
    entries `a + i` and `a + F + i`, or `a + 2 i` and `a + 2 i + 1` if
    `interleaved`:

        y_first = magnitude * (x_first * cos - x_second * sin)
        y_second = magnitude * (x_second * cos + x_first * sin)

    * (rotary_c1) frequencies are static in number; `offset + 2 F` is at most the
      static width of a head;
    * (rotary_c2) positions are `[B, S]` for an input `[B, S, H, D]`.

    ```mlir
    %y = transformer.rotary %x at %p by %f : tensor<?x?x8x64xf32>,
      tensor<?x?xi32>, tensor<32xf32>
    ```
  }];
  let arguments = (ins TensorRankOf<[F32], [4]>:$input,
    TensorRankOf<[I32], [2]>:$positions, TensorRankOf<[F32], [1]>:$frequencies,
    DefaultValuedAttr<I64Attr, "0">:$offset, UnitAttr:$interleaved,
    DefaultValuedAttr<F32Attr, "1.0f">:$magnitude);
  let results = (outs TensorRankOf<[F32], [4]>:$result);
  let assemblyFormat = [{
    $input `at` $positions `by` $frequencies attr-dict `:` type($input) `,`
    type($positions) `,` type($frequencies)
  }];
  let hasVerifier = 1;
}

#endif // MOEC_DIALECTS_TRANSFORMER_TRANSFORMER_TD
