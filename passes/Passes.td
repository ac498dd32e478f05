// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All passes on the moe and grouped dialects, in the order in which the
// pipelines run them (Pipelines.cpp).

#ifndef MOEC_PASSES_PASSES_TD
#define MOEC_PASSES_PASSES_TD

include "mlir/Pass/PassBase.td"

def MoeVerifyInputPass : Pass<"moe-verify-input", "::mlir::ModuleOp"> {
  let summary = "Check a module against the input contract";
  let description = [{
    The input contract is the table of operations that a module may hold before
    it is lowered to the grouped dialect (dialects/moe/InputContract.h), which
    are those that the reference interpreter runs. Beyond the table: exported
    functions take and give ranked tensors only, and globals are tensors of
    static shape with a value of `#moe.source`, `#moe.expr`, `#moe.random` or
    dense numbers. Changes nothing.
  }];
}

def MoeStripTapsPass : Pass<"moe-strip-taps"> {
  let summary = "Remove taps that nobody asked for";
  let description = [{
    Removes every `moe.tap` whose name matches none of the `keep` patterns, so
    that taps never stand in the way of fusion. Bit-exact.
  }];
  let options = [
    ListOption<"keep", "keep", "std::string", "Glob patterns of taps to keep">
  ];
  let dependentDialects = ["::moec::moe::MoeDialect"];
}

def MoeDecomposeTransformerPass : Pass<"moe-decompose-transformer"> {
  let summary = "Replace transformer operations by what they stand for";
  let description = [{
    `transformer.rotary` and `transformer.kv_view` become linalg and tensor
    operations. `transformer.attention` and `transformer.kv_append`, for which
    targets have code of their own, do so only with `all`: attention then has all
    its scores in memory at once. Equal up to rounding.

    ```mlir
    %y = transformer.rotary %x at %p by %f : tensor<?x?x8x64xf32>, tensor<?x?xi32>, tensor<32xf32>
    ==>
    %angles = linalg.generic ... ins(%p, %f) outs(%e0)   // position * frequency
    %cos = linalg.generic ... ins(%angles) outs(%e1)
    %sin = linalg.generic ... ins(%angles) outs(%e1)
    %y = linalg.generic ... ins(%x) outs(%e2)            // x * cos -+ partner * sin
    ```
  }];
  let options = [
    Option<"all", "all", "bool", "false", "Decompose every operation">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

//===----------------------------------------------------------------------===//
// On the moe dialect
//===----------------------------------------------------------------------===//

def MoeCanonicalizePass : Pass<"moe-canonicalize", "::mlir::ModuleOp"> {
  let summary = "Simplify routing: softmax after top-k, equal routings once";
  let description = [{
    Runs upstream canonicalisation and CSE (equal routings get one plan), then
    rewrites softmax -> selection -> division by the sum as selection -> softmax
    of the selected logits.

    Legal when the same softmax, over the last dimension, feeds both
    `moe.select` and `moe.weigh sum` with nothing between and has no other use;
    `eps` is 0 or below 2^-40; the policy depends on the order of the scores only
    and yields no scores. Rows with a NaN or an infinite logit have no defined
    softmax and may route otherwise than before.

    Why: `k` exponentials a token instead of `E`, and the wide probabilities are
    never written.

    ```mlir
    %p = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
    %w = moe.weigh sum %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
    ==>
    %ids = moe.select #moe.top_k<2> scores(%logits : tensor<?x8xf32>) -> tensor<?x2xi32>
    %w = moe.weigh softmax %logits, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
    ```
    Class: equal up to rounding; bit-exact with `exact`, which leaves the rewrite
    out.
  }];
  let options = [
    Option<"exact", "exact", "bool", "false", "Bit-exact simplifications only">
  ];
  let dependentDialects = ["::moec::moe::MoeDialect"];
}

def MoeHoistSharedPass : Pass<"moe-hoist-shared"> {
  let summary = "Multiply tokens with a weight that all experts share once a token (LoRA base)";
  let description = [{
    A contraction in the region of `moe.experts` whose rows are dispatched tokens
    and whose weight comes from outside is computed before the dispatch; the
    region gets its dispatched rows.

    Legal when the dispatch is by the bank's plan, without weights, the initial
    value is a constant or comes from outside, and the bank has one region, which
    splits into pieces. The pass leaves plans `by_expert` and of one slot alone, and
    banks with null experts: there need not be more rows than tokens.

    Why: each slot of a token would multiply the same row with the same weight.

    ```mlir
    %rows = moe.dispatch %x by %plan ...
    %y = moe.experts %plan rows(%rows) params(%a, %b) {
    ^bb0(%r, %sa, %sb, %expert):
      %base = linalg.matmul ins(%r, %w) ...
      %low = linalg.matmul ins(%r, %sa) ...
      %v = linalg.matmul ins(%low, %sb) outs(%base)
      moe.yield %v
    }
    ==>
    %once = linalg.matmul ins(%x, %w) ...
    %rows = moe.dispatch %x by %plan ...
    %bases = moe.dispatch %once by %plan ...
    %y = moe.experts %plan rows(%rows, %bases) params(%a, %b) {
    ^bb0(%r, %base, %sa, %sb, %expert):
      %low = linalg.matmul ins(%r, %sa) ...
      %v = linalg.matmul ins(%low, %sb) outs(%base)
      moe.yield %v
    }
    ```
    Class: bit-exact.
  }];
  let options = [
    Option<"explain", "explain", "bool", "false",
           "Say in remarks which products are computed once a token">
  ];
  let dependentDialects = ["::moec::moe::MoeDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def MoeSplitMembersPass : Pass<"moe-split-members"> {
  let summary = "Make one bank of equal experts of each member of a bank";
  let description = [{
    A `moe.experts` with several regions, null experts, or slots that repeat or
    are permuted becomes one `moe.experts` a region, each with a plan of its own:
    ids become slots of the stacks that this region reads, -1 where the expert
    has another region. The combines form a chain. Null experts vanish, and
    experts with equal slots share a group. An identity stays a bank of one
    expert without parameters.

    Legal when `moe.combine add` by the same plan is the only use of the rows, in
    the same block; the row operands are dispatches by this plan, which is not
    `by_expert`; every region is row-wise and does not use the expert's id; the
    stacks that a region reads have equally many slices. A bank of more than one
    member also needs a sum of 32 bits or wider.

    Why: every member gets the code of a bank of equal experts (grouped matmuls,
    fused gather and combine) without padding to the largest.

    ```mlir
    %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 3, slots = 2>
    %rows = moe.dispatch %x by %plan ...
    %y = moe.experts %plan rows(%rows) params(%a, %b) members = [0, -1, 1] slot = [1, 0, 0] {...}, {...}
    %r = moe.combine add %y by %plan weights(%w) init(%z)
    ==>
    %ids0 = linalg.generic ins(%ids) ...  // 0 -> 1, others -> -1
    %plan0 = moe.plan %ids0 : tensor<?x2xi32> -> !moe.plan<experts = 2, slots = 2>
    %rows0 = moe.dispatch %x by %plan0 ...
    %y0 = moe.experts %plan0 rows(%rows0) params(%a : tensor<2x16x16xf32>) {...}
    %r0 = moe.combine add %y0 by %plan0 weights(%w) init(%z)
    %ids1 = linalg.generic ins(%ids) ...  // 2 -> 0, others -> -1
    %plan1 = moe.plan %ids1 : tensor<?x2xi32> -> !moe.plan<experts = 1, slots = 2>
    %rows1 = moe.dispatch %x by %plan1 ...
    %y1 = moe.experts %plan1 rows(%rows1) params(%b : tensor<1x16x8xf32>) {...}
    %r = moe.combine add %y1 by %plan1 weights(%w) init(%r0)
    ```
    Class: equal up to rounding (the sum runs member by member). The pipeline
    leaves the pass out for bit-exact results.
  }];
  let options = [
    Option<"explain", "explain", "bool", "false",
           "Say in remarks what became of each bank and why">
  ];
  let dependentDialects = [
    "::moec::moe::MoeDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"
  ];
}

def MoeIndexExpertsPass : Pass<"moe-index-experts"> {
  let summary = "Compute experts made of vectors token by token (rank-1, FiLM, identity)";
  let description = [{
    A bank whose region has no product with a matrix, and its combine, become a
    loop over blocks of tokens, which run in parallel. For each slot of a token
    it reads the id, computes the region on the token's row with the slices where
    they are, and adds the weighted row to the token. Sums over a row run as 32
    partial sums.

    Legal when `moe.combine add` by the same plan is the only use of the rows, in
    the same block; the row operands are dispatches by this plan without weights;
    the plan is not `by_expert`; there is one region, with slices in the order of
    the experts, of row-wise computation that does not use the expert's id; rows,
    weights and the sum are f32.

    Why: where an expert is a few vectors, an assignment is as small as what
    grouping moves for it. Nothing is sorted and no row is copied or stored;
    slices of experts that no token selects are not read.

    ```mlir
    %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
    %rows = moe.dispatch %x by %plan ...
    %y = moe.experts %plan rows(%rows) params(%a : tensor<8x16xf32>) {
    ^bb0(%r: tensor<?x16xf32>, %s: tensor<16xf32>, %expert: index):
      %m = linalg.generic ins(%r, %s) ... { multiply }
      moe.yield %m
    }
    %z = moe.combine add %y by %plan weights(%w) init(%i)
    ==>
    %z = scf.forall (%t) = (0) to (%T) step (32) shared_outs(%o = %i) -> (tensor<?x16xf32>) {
      %block = scf.for %j = 0 to %n iter_args(...) {
        %row = scf.for %k = 0 to 2 iter_args(%sum = ...) {
          %id = tensor.extract %ids[%token, %k]
          %isExpert = arith.cmpi ult, %id, 8
          %next = scf.if %isExpert {
            %r = tensor.extract_slice %x[%token, 0] [1, 16] [1, 1]
            %s = tensor.extract_slice %a[%expert, 0] [1, 16] [1, 1]
            %m = linalg.generic ins(%r, %s) ... { multiply }
            %u = tensor.extract %w[%token, %k]
            linalg.generic ins(%m) outs(%sum) { sum + m * u }
          } else { %sum }
        }
      }
    }
    ```
    Class: equal up to rounding (a token's rows are added in the order of its
    slots). The pipeline leaves the pass out for bit-exact results.
  }];
  let options = [
    Option<"explain", "explain", "bool", "false",
           "Say in remarks which banks run token by token">
  ];
  let dependentDialects = [
    "::moec::moe::MoeDialect", "::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

def MoeFuseRouterPass : Pass<"moe-fuse-router"> {
  let summary = "Compute a router's matmul, scores, selection and weights in one loop";
  let description = [{
    Starts at `moe.select` and its `moe.weigh` and takes in producers whose rows
    do not depend on each other (matmuls, elementwise linalg, softmax over a
    row, reductions within a row). The cluster becomes one `scf.forall` over
    blocks of `block-rows` tokens.

    Legal for an operation whose row `i` reads row `i` of its sliced operands and
    no other, and not the row's number. An operation that couples rows (a
    reduction over tokens) stays outside, and so does a producer that is wider
    than the scores and has other readers (the tokens' hidden states).

    Why: the scores of a block stay in the L1 cache, and the router runs in
    parallel over tokens without a barrier a step.

    ```mlir
    %p = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
    %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
    ==>
    %ids = scf.forall (%i) = (0) to (%T) step (32) shared_outs(%o = %init) -> (tensor<?x2xi32>) {
      %n = affine.min affine_map<(i)[t] -> (32, t - i)>(%i)[%T]
      %l = tensor.extract_slice %logits[%i, 0] [%n, 8] [1, 1] : tensor<?x8xf32> to tensor<?x8xf32>
      %pb = linalg.softmax dimension(1) ins(%l : tensor<?x8xf32>) outs(%eb : tensor<?x8xf32>) -> tensor<?x8xf32>
      %ib = moe.select #moe.top_k<2> scores(%pb : tensor<?x8xf32>) -> tensor<?x2xi32>
      scf.forall.in_parallel {
        tensor.parallel_insert_slice %ib into %o[%i, 0] [%n, 2] [1, 1] : tensor<?x2xi32> into tensor<?x2xi32>
      }
    }
    ```
    Class: bit-exact.
  }];
  let options = [
    Option<"blockRows", "block-rows", "int64_t", "32", "Tokens of one block">
  ];
  let dependentDialects = [
    "::moec::moe::MoeDialect", "::mlir::affine::AffineDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

//===----------------------------------------------------------------------===//
// From the moe to the grouped dialect
//===----------------------------------------------------------------------===//

def ConvertMoeToGroupedPass
    : Pass<"convert-moe-to-grouped", "::mlir::ModuleOp"> {
  let summary = "Lower routing and experts to grouped operations (ragged matmul)";
  let description = [{
    A plan becomes three tables (`offsets`, `tokens`, `slots`) made by
    `grouped.sort`, also across private functions and `scf`. Row tensors get room
    for every assignment (`T * K`); what reads several rows at once outside of the
    experts (attention) gets those that there are, as a slice.

    The region of `moe.experts` is split into pieces, each of which runs on the
    rows of all experts at once:

    * a contraction of rows with a slice: `grouped.matmul` over the stack;
    * a contraction of rows with a value from outside (a LoRA base): one shared
      `grouped.matmul` without groups;
    * element-wise computation on rows, slices, captured vectors and scalars:
      `grouped.map`;
    * other computation on each row alone (a norm, a range of columns): the same
      operation on the rows of all experts;
    * what uses nothing of the expert is computed once, outside.

    `moe.weigh` becomes linalg; a contraction of token rows with a parameter
    (router, shared expert) becomes a `grouped.matmul` without groups. With
    `explain`, remarks say what each piece became and why.

    Regions that do not split into such pieces (they couple the rows of an expert
    or use its id), several regions, null experts and other `slot` arrays run
    expert by expert: a loop over the experts that have rows, each with its rows
    and slices as the region takes them.

    ```mlir
    %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
    %r = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
    ==>
    %s:3 = grouped.sort ids(%ids : tensor<?x2xi32>) outs(...) -> tensor<9xi32>, tensor<?xi32>, tensor<?xi32>
    %r = grouped.gather source(%x : tensor<?x16xf32>)
      groups(%s#0, %s#1 : tensor<9xi32>, tensor<?xi32>) outs(...) -> tensor<?x16xf32>
    ```
    Class: equal up to rounding (sums of products are in f32).
  }];
  let options = [
    Option<"explain", "explain", "bool", "false",
           "Say in remarks what becomes of each piece">
  ];
  let dependentDialects = [
    "::moec::grouped::GroupedDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

//===----------------------------------------------------------------------===//
// On the grouped dialect
//===----------------------------------------------------------------------===//

def MoeFuseDispatchPass : Pass<"moe-fuse-dispatch"> {
  let summary = "Let a grouped matmul read its rows through the dispatch (permute)";
  let description = [{
    A matmul whose left-hand side is a `grouped.gather` by its own tables reads
    the gathered rows from their source. So do extras of matmuls and inputs of
    maps: what they read at `(r, n)` of the gathered rows is `(t, n)` of the
    source.

    Legal when gather and reader have the same offsets and tokens and, for a
    left-hand side, the matmul does not gather yet. Rows that something between has
    changed (weights that apply to the input) are not the source's rows, so such a
    matmul keeps them.
    The gather stays where others read it.

    Why: the permuted copy of the tokens is neither written nor read.

    ```mlir
    %r = grouped.gather source(%x : tensor<?x16xf32>)
      groups(%o, %t : tensor<9xi32>, tensor<?xi32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    %h = grouped.matmul lhs(%r : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
      groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
      outs(%z : tensor<?x32xf32>) attributes {maps = []} { ... } -> tensor<?x32xf32>
    ==>
    %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
      groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
      outs(%z : tensor<?x32xf32>) attributes {gather, maps = []} { ... } -> tensor<?x32xf32>
    ```
    Class: bit-exact.
  }];
  let dependentDialects = ["::moec::grouped::GroupedDialect"];
}

def MoeFuseMapsPass : Pass<"moe-fuse-maps"> {
  let summary = "Join chains of element-wise computation on rows into one grouped.map";
  let description = [{
    A `grouped.map` (dense: also an element-wise linalg operation on the rows of
    a matmul) whose result only one other such operation reads becomes a part of
    that operation's body.

    Legal when both have the same tables and every read is of the element that is
    computed, `(r, n)`.

    Why: a row is read and written once instead of once a step, and the whole
    activation is one candidate for an epilogue.

    ```mlir
    %s = grouped.map groups(...) ins(%g : ...) maps [#rn] outs(%e : ...) { sigmoid }
    %y = grouped.map groups(...) ins(%g, %s : ...) maps [#rn, #rn] outs(%e : ...) { multiply }
    ==>
    %y = grouped.map groups(...) ins(%g : ...) maps [#rn] outs(%e : ...) { sigmoid, multiply }
    ```
    Class: bit-exact.
  }];
  let dependentDialects = ["::moec::grouped::GroupedDialect"];
}

def MoeMergeGateUpPass : Pass<"moe-merge-gate-up"> {
  let summary = "Merge two matmuls of the same rows with what consumes both (gate_proj, up_proj)";
  let description = [{
    Two matmuls of one left-hand side, whose results only one `grouped.map`
    (dense: or element-wise linalg operation) reads, become one matmul with two
    weights; the map becomes its epilogue, after the matmuls' own.

    Legal when tables, gather, layout and the weights' types are equal, each
    matmul has one weight that is not packed yet, and the map reads both at the
    element that it computes.

    Why: the rows are read once for both weights, and gate and up of an element
    meet in registers, so that neither intermediate is stored.

    ```mlir
    %g = grouped.matmul lhs(%x : ...) rhs(%gate : ...) groups(...) outs(...) ... { yield }
    %u = grouped.matmul lhs(%x : ...) rhs(%up : ...) groups(...) outs(...) ... { yield }
    %h = grouped.map groups(...) ins(%g, %u : ...) maps [#rn, #rn] outs(%z : ...) { silu(g) * u }
    ==>
    %h = grouped.matmul lhs(%x : ...) rhs(%gate, %up : ...) groups(...) outs(%z : ...) ... { silu(g) * u }
    ```
    Class: bit-exact.
  }];
  let dependentDialects = ["::moec::grouped::GroupedDialect", "::mlir::tensor::TensorDialect"];
}

def MoeFuseEpiloguePass : Pass<"moe-fuse-epilogue"> {
  let summary = "Move element-wise consumers of a matmul into its epilogue (bias, activation, routing weight)";
  let description = [{
    A `grouped.map` (dense: or element-wise linalg operation) that alone reads a
    matmul's result becomes a part of its epilogue; its other inputs become
    extras. Repeats until nothing fits. The body is moved as it is: no function
    is recognised.

    Legal when the tables are equal, the result has one use, the matmul does not
    reduce, and the map reads the element that it computes and yields f32.

    Why: the element is in a register when it is needed; a pass over the rows
    disappears.

    ```mlir
    %h = grouped.matmul lhs(%x : ...) rhs(%w : ...) groups(...) outs(...) ... { yield %acc }
    %y = grouped.map groups(...) ins(%h, %b : ...) maps [#rn, #en] outs(%z : ...) { %h + %b }
    ==>
    %y = grouped.matmul lhs(%x : ...) rhs(%w : ...) groups(...) extras(%b : ...) outs(%z : ...)
      attributes {maps = [#en]} { %acc + %b }
    ```
    Class: bit-exact.
  }];
  let dependentDialects = ["::moec::grouped::GroupedDialect", "::mlir::tensor::TensorDialect"];
}

def MoeFuseCombinePass : Pass<"moe-fuse-combine"> {
  let summary = "Let a grouped matmul add its rows to their tokens (combine, unpermute)";
  let description = [{
    A matmul whose rows only a `grouped.combine` reads adds them to the combine's
    initial value itself.

    Legal when both have the same tables, and the combine adds (with `replace`
    the first row of a token is special, so it stays).

    Why: the `T * K` expert rows are never stored; a row is added to its token
    while it is in cache. Rows are still added in row order.

    ```mlir
    %r = grouped.matmul lhs(%h : ...) rhs(%w : ...) groups(...) outs(%e : tensor<?x16xf32>) ... -> tensor<?x16xf32>
    %y = grouped.combine rows(%r : tensor<?x16xf32>) groups(...) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
    ==>
    %y = grouped.matmul lhs(%h : ...) rhs(%w : ...) groups(...) outs(%z : tensor<?x16xf32>)
      attributes {maps = [], reduce} ... -> tensor<?x16xf32>
    ```
    Class: bit-exact.
  }];
  let dependentDialects = ["::moec::grouped::GroupedDialect"];
}

def MoeEncodeWeightsPass : Pass<"moe-encode-weights", "::mlir::ModuleOp"> {
  let summary = "Pack the weights of grouped matmuls into panels";
  let description = [{
    The one or two weights of a matmul become one global of
    `#grouped.packed<...>`, which the packer fills from the original values at
    compile time, and the matmul gets `panels`. Matmuls with equal weights share
    one packing; originals that nobody reads any more are erased. Where only single
    elements of a matrix are read besides (`tensor.extract`, as of a tied embedding),
    they are taken out of the panels.

    Legal for constant globals of layout `nk`, of static shape, with f32, bf16 or
    f16 elements and a value that the packer knows. A remark names the reason
    where weights stay as they are.

    Weights that the checkpoint stores quantised (`#moe.quantized`) stay so, as
    panels with `blocks` of the same numbers; with `quantize` the floats of experts
    become such blocks too. Class: bit-exact, but measured error with `quantize`.

    Why: a kernel then reads 16 columns of every part at each depth as one
    contiguous stream.

    ```mlir
    ml_program.global private @g(#moe.random<seed = 1, std = 0.02 : f64>) : tensor<8x24x32xbf16>
    %g = ml_program.global_load_const @g : tensor<8x24x32xbf16>
    %h = grouped.matmul lhs(...) rhs(%g : tensor<8x24x32xbf16>) ...
    ==>
    ml_program.global private @g.packed(#grouped.packed<["g"], [#moe.random<seed = 1, std = 0.02 : f64>],
      #grouped.panels<parts = 1, columns = 24, depth = 32>, nk>) : tensor<8x2x16x16x2xbf16>
    %g = ml_program.global_load_const @g.packed : tensor<8x2x16x16x2xbf16>
    %h = grouped.matmul lhs(...) rhs(%g : tensor<8x2x16x16x2xbf16>) ...
      attributes {panels = #grouped.panels<parts = 1, columns = 24, depth = 32>, ...}
    ```
    Class: bit-exact.
  }];
  let options = [
    Option<"quantize", "quantize", "std::string", "",
           "quantise the float weights of experts: q8_0 or q4_0 (blocks of 32 "
           "with an f16 scale, of 8 or 4 bits)">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::moec::grouped::GroupedDialect",
    "::mlir::ml_program::MLProgramDialect"];
}

def MoeSelectComputePass : Pass<"moe-select-compute", "::mlir::ModuleOp"> {
  let summary = "Multiply rows as int8 or bf16, by int8 and int4 blocks or bf16";
  let description = [{
    `compute=int8`: every `grouped.matmul` whose weights are int8 or int4 blocks of 32
    without offsets gets `grouped.compute = "int8"`: each row of its left side is
    quantised to int8 in blocks of 32, and the products of a block are exact.
    `compute=bf16`: every one of experts whose weights are bf16 gets
    `grouped.compute = "bf16"`: the left side is rounded to bf16, products are summed
    in f32 in the order of vdpbf16ps. See dialects/grouped/Compute.h and
    docs/numerics.md. With `explain`, a remark names the others, which stay f32; it is
    an error if all do. `--compute=int8` and `--compute=bf16` run this pass.

    Legal: only where the user asks for it, since rounding the rows changes results
    by up to a part in 250 of a block's largest element (int8) or in 512 of each (bf16).

    Why: one instruction multiplies 32 pairs of bytes, four times as many as floats;
    with AVX512_BF16 one multiplies 32 pairs of bf16, twice as many.

    ```mlir
    %y = grouped.matmul lhs(%x : tensor<?x64xf32>) rhs(%w : tensor<1x2x2x16x34xi8>)
      ... attributes {panels = #grouped.panels<..., blocks = <code = int8, size = 32, ...>>}
    ==>
    %y = grouped.matmul lhs(%x : tensor<?x64xf32>) rhs(%w : tensor<1x2x2x16x34xi8>)
      ... attributes {grouped.compute = "int8", panels = #grouped.panels<...>}
    ```
    Class: measured error.
  }];
  let options = [
    Option<"explain", "explain", "bool", "false",
           "Say in remarks which matmuls stay f32">,
    Option<"compute", "compute", "std::string", "\"int8\"",
           "int8 or bf16">
  ];
}

def MoeSelectStrategyPass : Pass<"moe-select-strategy", "::mlir::ModuleOp"> {
  let summary = "Choose tiles, by token count where that matters (prefill, decode)";
  let description = [{
    Every matmul with panels gets a `tile`. An analytic model predicts the time of
    each candidate from its bytes and operations and from the module's target
    description (`dlti.target_system_spec`, or the default of x86-64-v3; see
    passes/TargetDescription.h). Where the best candidate depends on the number
    of rows, which only the call knows, both variants are emitted under a
    comparison with a threshold. In a parallel loop over blocks of rows there is
    one tile for the block.

    Legal always: a tile changes the order of the partial sums, nothing else.

    Why: with few rows the weights are read once and memory is the roof, so each
    task streams one panel at full depth; with many rows the multiplications are,
    so rows and partial results are blocked for the caches.

    ```mlir
    %h = grouped.matmul lhs(%x : tensor<?x2048xf32>) ...
    ==>
    %rows = tensor.dim %tokens, %c0 : tensor<?xi32>
    %few = arith.cmpi ult, %rows, %c700 : index
    %h = scf.if %few -> (tensor<?x1024xf32>) {
      grouped.matmul ... attributes {tile = #grouped.tile<rows = 8, depth = 2048, panels = 1, task_panels = 8>}
    } else {
      grouped.matmul ... attributes {tile = #grouped.tile<rows = 72, depth = 512, panels = 16, task_panels = 128>}
    }
    ```
    Class: equal up to rounding.
  }];
  let dependentDialects = ["::moec::grouped::GroupedDialect", "::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

#endif // MOEC_PASSES_PASSES_TD
