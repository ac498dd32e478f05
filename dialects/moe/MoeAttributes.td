// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_DIALECTS_MOE_MOEATTRIBUTES_TD
#define MOEC_DIALECTS_MOE_MOEATTRIBUTES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "dialects/moe/MoeDialect.td"
include "dialects/moe/MoeInterfaces.td"

//===----------------------------------------------------------------------===//
// Enumerations
//===----------------------------------------------------------------------===//

def Moe_WeightNorm : I32EnumAttr<"WeightNorm", "how routing weights are normalised", [
    I32EnumAttrCase<"None", 0, "none">,
    I32EnumAttrCase<"Sum", 1, "sum">,
    I32EnumAttrCase<"Softmax", 2, "softmax">,
    I32EnumAttrCase<"Lp", 3, "lp">,
    I32EnumAttrCase<"Constant", 4, "constant">,
    I32EnumAttrCase<"SparseMixer", 5, "sparse_mixer">]> {
  let cppNamespace = "::moec::moe";
}

def Moe_EpsMode : I32EnumAttr<"EpsMode", "how eps enters a normaliser", [
    I32EnumAttrCase<"Add", 0, "add">,
    I32EnumAttrCase<"Max", 1, "max">]> {
  let cppNamespace = "::moec::moe";
}

def Moe_GroupScore : I32EnumAttr<"GroupScore", "score of a group of experts", [
    I32EnumAttrCase<"Max", 0, "max">,
    I32EnumAttrCase<"Sum2", 1, "sum2">]> {
  let cppNamespace = "::moec::moe";
}

def Moe_Crossing : I32EnumAttr<"Crossing", "whether the expert that crosses p stays", [
    I32EnumAttrCase<"Inclusive", 0, "inclusive">,
    I32EnumAttrCase<"Exclusive", 1, "exclusive">]> {
  let cppNamespace = "::moec::moe";
}

def Moe_MaskedScore : I32EnumAttr<"MaskedScore", "score of an expert in a losing group", [
    I32EnumAttrCase<"NegInf", 0, "neg_inf">,
    I32EnumAttrCase<"Zero", 1, "zero">]> {
  let cppNamespace = "::moec::moe";
}

def Moe_LimitOrder : I32EnumAttr<"LimitOrder", "who keeps a place when an expert overflows", [
    I32EnumAttrCase<"Slot", 0, "slot">,
    I32EnumAttrCase<"Token", 1, "token">,
    I32EnumAttrCase<"Score", 2, "score">,
    I32EnumAttrCase<"Random", 3, "random">]> {
  let cppNamespace = "::moec::moe";
}

def Moe_TokenOrder : I32EnumAttr<"TokenOrder", "order of the tokens that an expert chose", [
    I32EnumAttrCase<"Position", 0, "position">,
    I32EnumAttrCase<"Score", 1, "score">]> {
  let cppNamespace = "::moec::moe";
}

def Moe_CombineInto : I32EnumAttr<"CombineInto", "what a combined row does to the initial value", [
    I32EnumAttrCase<"Add", 0, "add">,
    I32EnumAttrCase<"Replace", 1, "replace">]> {
  let cppNamespace = "::moec::moe";
}

def Moe_ExprKind : I32EnumAttr<"ExprKind", "how a parameter is made of others", [
    I32EnumAttrCase<"Stack", 0, "stack">,
    I32EnumAttrCase<"Concat", 1, "concat">,
    I32EnumAttrCase<"Slice", 2, "slice">,
    I32EnumAttrCase<"Transpose", 3, "transpose">,
    I32EnumAttrCase<"Reshape", 4, "reshape">]> {
  let cppNamespace = "::moec::moe";
}

def Moe_QuantizedFormat : I32EnumAttr<"QuantizedFormat", "how a checkpoint stores quantised weights", [
    I32EnumAttrCase<"Float", 0, "float">,
    I32EnumAttrCase<"Fp8E4M3", 1, "fp8_e4m3">,
    I32EnumAttrCase<"Mxfp4", 2, "mxfp4">,
    I32EnumAttrCase<"Gptq", 3, "gptq">,
    I32EnumAttrCase<"GptqV2", 4, "gptq_v2">,
    I32EnumAttrCase<"Awq", 5, "awq">,
    I32EnumAttrCase<"Int4Packed", 6, "int4_packed">,
    I32EnumAttrCase<"Q8_0", 7, "q8_0">,
    I32EnumAttrCase<"Q4_0", 8, "q4_0">,
    I32EnumAttrCase<"Q4K", 9, "q4_k">,
    I32EnumAttrCase<"Q5K", 10, "q5_k">,
    I32EnumAttrCase<"Q6K", 11, "q6_k">,
    I32EnumAttrCase<"GgmlMxfp4", 12, "ggml_mxfp4">,
    I32EnumAttrCase<"UintPacked", 13, "uint_packed">]> {
  let cppNamespace = "::moec::moe";
}

class Moe_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Moe_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

//===----------------------------------------------------------------------===//
// Selection policies (one C++ file each in policies/)
//===----------------------------------------------------------------------===//

class Moe_Policy<string name, string attrMnemonic, list<string> extra = []>
    : Moe_Attr<name, attrMnemonic,
        [DeclareAttrInterfaceMethods<Moe_SelectionPolicyInterface, extra>]>;

/// The width of ids that are as many as each row decides.
def Moe_Max : OptionalParameter<"std::optional<int64_t>">;

def Moe_TopKAttr : Moe_Policy<"TopK", "top_k",
    ["dependsOnOrderOnly", "getNumParams", "isCountParam"]> {
  let summary = "The k experts with the highest scores";
  let description = [{
    With `?`, k is an i32 operand; rows are `max` wide (by default, as many as
    there are experts), a larger k counts as that and a negative one as 0.

    ```mlir
    #moe.top_k<2>
    #moe.top_k<?, max = 8>
    ```
  }];
  let parameters = (ins "int64_t":$k, Moe_Max:$max);
  let builders = [AttrBuilder<(ins "int64_t":$k), [{
    return $_get($_ctxt, k, std::nullopt);
  }]>];
  let assemblyFormat = "`<` custom<DynamicCount>($k) (`,` struct($max)^)? `>`";
}

def Moe_TopPAttr : Moe_Policy<"TopP", "top_p", ["getNumParams"]> {
  let summary = "The best experts whose scores sum up to p (nucleus)";
  let description = [{
    In rank order, while the sum of the scores so far, in f32 (f64 for f64
    scores), is at most `p`. The expert with which the sum crosses `p` stays
    (`inclusive`) or goes (`exclusive`). At least `min` and at most `max` experts
    stay (by default none and all). Masked experts do not count.

    ```mlir
    #moe.top_p<4.000000e-01, inclusive>
    #moe.top_p<?, exclusive, min = 1, max = 8>
    ```
  }];
  let parameters = (ins OptionalParameter<"::mlir::FloatAttr">:$p,
    "::moec::moe::Crossing":$crossing,
    DefaultValuedParameter<"int64_t", "0">:$min, Moe_Max:$max);
  let assemblyFormat = [{
    `<` custom<DynamicNumber>($p) `,` $crossing (`,` struct($min, $max)^)? `>`
  }];
}

def Moe_ThresholdAttr : Moe_Policy<"Threshold", "threshold", ["getNumParams"]> {
  let summary = "The experts with scores of at least t";
  let description = [{
    In rank order, at most `max` (by default all). `t` is compared as f32 (f64
    for f64 scores). A threshold by token type is an operand of one number per
    row, gathered from a table at the types.

    ```mlir
    #moe.threshold<5.000000e-01>
    #moe.threshold<?, max = 2>
    ```
  }];
  let parameters = (ins OptionalParameter<"::mlir::FloatAttr">:$t, Moe_Max:$max);
  let assemblyFormat = "`<` custom<DynamicNumber>($t) (`,` struct($max)^)? `>`";
}

def Moe_RanksAttr : Moe_Policy<"Ranks", "ranks", ["dependsOnOrderOnly"]> {
  let summary = "The experts at given ranks, 0 being the best";
  let description = [{
    ```mlir
    #moe.ranks<[1, 3]>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$ranks);
  let assemblyFormat = "`<` `[` $ranks `]` `>`";
}

def Moe_ProductKeyAttr : Moe_Policy<"ProductKey", "product_key",
    ["getNumScores", "getNumExperts", "yieldsScores", "takesMask",
     "getScratchSize"]> {
  let summary = "The k best pairs of two rows of scores";
  let description = [{
    Both rows have `side` scores. Pair `(i, j)` is expert `i * side + j`, its
    score the sum, in f32 (f64 for f64 scores). The k best of the pairs of the k
    best of each row are selected; the second result has their sums, 0 where
    there is none.

    ```mlir
    #moe.product_key<4, side = 8>
    ```
  }];
  let parameters = (ins "int64_t":$k, "int64_t":$side);
  let assemblyFormat = "`<` $k `,` struct($side) `>`";
}

def Moe_GroupedTopKAttr : Moe_Policy<"GroupedTopK", "grouped_top_k",
    ["dependsOnOrderOnly"]> {
  let summary = "The k best experts of the best groups";
  let description = [{
    The `E` experts form `groups` groups of equal size. A group's score is the
    maximum (`max`) or the sum of the two highest (`sum2`, rounded to f32) scores
    in it. Of the
    groups, the `kept` best stay; scores in the others become -inf (`neg_inf`) or
    0 (`zero`), then the `k` highest scores win. A masked expert can be selected
    only with `zero`.

    ```mlir
    #moe.grouped_top_k<8, groups = 8, kept = 4, score = sum2, masked = neg_inf>
    ```
  }];
  let parameters = (ins "int64_t":$k, "int64_t":$groups, "int64_t":$kept,
    DefaultValuedParameter<"::moec::moe::GroupScore",
      "::moec::moe::GroupScore::Max">:$score,
    DefaultValuedParameter<"::moec::moe::MaskedScore",
      "::moec::moe::MaskedScore::NegInf">:$masked);
  let assemblyFormat = [{
    `<` $k `,` struct($groups, $kept, $score, $masked) `>`
  }];
}

//===----------------------------------------------------------------------===//
// Parameter values
//===----------------------------------------------------------------------===//

def Moe_SourceAttr : Moe_Attr<"Source", "source"> {
  let summary = "A tensor of a checkpoint file";
  let description = [{
    `file` is a path relative to the model's directory; the compiler's driver
    knows that directory (module attribute `moe.source_directory`). The tensor's
    shape and element type must be those of the global (or of the place in an
    expression) that uses it.

    ```mlir
    #moe.source<"model.safetensors", "model.layers.0.mlp.gate.weight">
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$file, "::mlir::StringAttr":$tensor);
  let assemblyFormat = "`<` $file `,` $tensor `>`";
}

def Moe_RandomAttr : Moe_Attr<"Random", "random"> {
  let summary = "Seeded random values";
  let description = [{
    Values of a normal distribution with mean 0 and standard deviation `std`,
    a function of the seed and of the element's flat index only, rounded to the
    element type.

    ```mlir
    #moe.random<seed = 1, std = 2.000000e-02 : f64>
    ```
  }];
  let parameters = (ins "int64_t":$seed, "::mlir::FloatAttr":$std);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Moe_QuantizedAttr : Moe_Attr<"Quantized", "quantized"> {
  let summary = "Weights that a checkpoint stores quantised";
  let description = [{
    The value is the matrix `[.., columns, depth]` that the operands stand for, in
    f32 rounded once to the element type of the place that uses it. Operands are
    tensors of the checkpoint, shaped as the format stores them:

    * `float`: one tensor of floats of any type (F8_E4M3, F8_E5M2, F16, BF16, F32);
    * `fp8_e4m3`: weight F8_E4M3 `[.., N, K]`, scales `[.., ceil(N / b0), ceil(K /
      b1)]` of any float type, with `block = [b0, b1]`; value times scale;
    * `mxfp4`: blocks U8 `[.., N, K / 32, 16]` (low half first) and scales U8 `[..,
      N, K / 32]` (powers of two);
    * `gptq`, `gptq_v2`: qweight I32 `[K / 8, N]`, qzeros I32 `[G, N / 8]` (less one
      in `gptq`), scales `[G, N]` and perhaps g_idx I32 `[K]`;
    * `awq`: qweight I32 `[K, N / 8]`, qzeros I32 `[G, N / 8]`, scales `[G, N]`;
    * `int4_packed`: I32 `[N, K / 8]` of codes from 0 to 15, scales `[N, G]` and
      perhaps zero points I32 `[N / 8, G]`, else 8;
    * `uint_packed`: U8 `[.., N, K * bits / 8]` of codes of 2, 3, 4 or 8 bits, the
      first one lowest, scales `[.., N, G]` with `G = ceil(K / b)` and perhaps zero
      points U8 `[.., N, ceil(G * bits / 8)]`, packed likewise (or `[.., ceil(N *
      bits / 8)]` where `G` is 1), else half of `2^bits`;
    * `q8_0`, `q4_0`, `q4_k`, `q5_k`, `q6_k`, `ggml_mxfp4`: one tensor of a GGUF file
      in that block format.

    `block` tells the size of `fp8_e4m3`'s blocks, and the depth of a group (`[b]`,
    `K / G`) of `gptq`, `awq` and `int4_packed`; of `uint_packed` the depth of a
    group and the bits of a code (`[b, bits]`).

    ```mlir
    #moe.quantized<mxfp4, [#moe.source<"m.safetensors", "down_proj_blocks">, #moe.source<"m.safetensors", "down_proj_scales">]>
    #moe.quantized<fp8_e4m3, [#moe.source<"m.safetensors", "w">, #moe.source<"m.safetensors", "w_scale_inv">], block = [128, 128]>
    #moe.quantized<q4_k, [#moe.source<"m.gguf", "blk.0.ffn_up_exps.weight">]>
    #moe.quantized<uint_packed, [#moe.source<"m.onnx", "fc1">, #moe.source<"m.onnx", "fc1_scales">], block = [32, 4]>
    ```
  }];
  let parameters = (ins "::moec::moe::QuantizedFormat":$format,
    ArrayRefParameter<"::mlir::Attribute">:$operands,
    OptionalArrayRefParameter<"int64_t">:$block);
  let assemblyFormat = [{
    `<` $format `,` `[` $operands `]` (`,` `block` `=` `[` $block^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
}

def Moe_ExprAttr : Moe_Attr<"Expr", "expr"> {
  let summary = "A parameter made of other parameter values";
  let description = [{
    * `stack`: operands of equal type become the slices of a new dimension 0;
    * `concat`: operands are joined along dimension `dims[0]`;
    * `slice`: one operand; `dims = [dimension, offset, size]`, or with a step as
      fourth entry: elements `offset + i * step`;
    * `transpose`: one operand; `dims` is the permutation;
    * `reshape`: one operand; `dims` is the result's shape, of as many elements in
      the same row-major order.

    ```mlir
    #moe.expr<stack, [#moe.source<"m.safetensors", "e.0">, #moe.source<"m.safetensors", "e.1">]>
    #moe.expr<slice, [#moe.source<"m.safetensors", "gate_up">], dims = [1, 0, 24]>
    #moe.expr<slice, [#moe.source<"m.safetensors", "interleaved">], dims = [1, 1, 24, 2]>
    #moe.expr<reshape, [#moe.source<"m.safetensors", "w1">], dims = [4, 24, 16]>
    ```
    The operand of `slice` and `transpose` has the type that the result implies,
    but for the sliced dimension, whose size the file tells.
  }];
  let parameters = (ins "::moec::moe::ExprKind":$kind,
    ArrayRefParameter<"::mlir::Attribute">:$operands,
    OptionalArrayRefParameter<"int64_t">:$dims);
  let assemblyFormat = [{
    `<` $kind `,` `[` $operands `]` (`,` `dims` `=` `[` $dims^ `]`)? `>`
  }];
  let genVerifyDecl = 1;
}

#endif // MOEC_DIALECTS_MOE_MOEATTRIBUTES_TD
