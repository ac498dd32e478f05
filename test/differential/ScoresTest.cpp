// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scores are any computation that the input contract allows: each kind here
// compiles, and to what the interpreter computes.

#include "test/differential/Differential.h"
#include <gtest/gtest.h>

using namespace moec::test;

namespace {
/// Up to where `%scores` is computed: `%x`, `%logits`, an `%empty` tensor of
/// scores, `%z` of zeros, `%zv` of zeros for each token, `%kinds` of tokens.
const char *const kHead = R"mlir(
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(r, c) -> (r, c)>
#row = affine_map<(r, c) -> (r)>
#col = affine_map<(r, c) -> (c)>
#one = affine_map<(r) -> (r)>
ml_program.global private @router(#moe.random<seed = 1, std = 0.5 : f64>) : tensor<6x16xf32>
ml_program.global private @w1(#moe.random<seed = 2, std = 0.5 : f64>) : tensor<12x16xf32>
ml_program.global private @w2(#moe.random<seed = 3, std = 0.5 : f64>) : tensor<6x12xf32>
ml_program.global private @wh(#moe.random<seed = 4, std = 0.5 : f64>) : tensor<6x6xf32>
ml_program.global private @bias(#moe.random<seed = 6, std = 0.5 : f64>) : tensor<6xf32>
ml_program.global private @types(#moe.random<seed = 7, std = 0.5 : f64>) : tensor<2x6xf32>
ml_program.global private @vector(#moe.random<seed = 5, std = 1.0 : f64>) : tensor<6x16xf32>
!plan = !moe.plan<experts = 6, slots = 2>
func.func @"layers.0.moe"(%x: tensor<?x16xf32> {moe.name = "hidden_states", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "moe_out", moe.dims = ["T", "16"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}, tensor<?x6xf32> {moe.name = "scores", moe.dims = ["T", "6"]}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c20 = arith.constant 20 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x16xf32>
  %router = ml_program.global_load_const @router : tensor<6x16xf32>
  %w1 = ml_program.global_load_const @w1 : tensor<12x16xf32>
  %w2 = ml_program.global_load_const @w2 : tensor<6x12xf32>
  %wh = ml_program.global_load_const @wh : tensor<6x6xf32>
  %bias = ml_program.global_load_const @bias : tensor<6xf32>
  %types = ml_program.global_load_const @types : tensor<2x6xf32>
  %empty = tensor.empty(%t) : tensor<?x6xf32>
  %z = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ev = tensor.empty(%t) : tensor<?xf32>
  %zv = linalg.fill ins(%zero : f32) outs(%ev : tensor<?xf32>) -> tensor<?xf32>
  %logits = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
    ins(%x, %router : tensor<?x16xf32>, tensor<6x16xf32>) outs(%z : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ei = tensor.empty(%t) : tensor<?xi32>
  %kinds = linalg.generic {indexing_maps = [#one], iterator_types = ["parallel"]}
    outs(%ei : tensor<?xi32>) {
  ^bb0(%o: i32):
    %i = linalg.index 0 : index
    %p = arith.remui %i, %c2 : index
    %s = arith.index_cast %p : index to i32
    linalg.yield %s : i32
  } -> tensor<?xi32>
)mlir";

/// From `%scores` on.
const char *const kTail = R"mlir(
  %ids = moe.select #moe.top_k<2> scores(%scores : tensor<?x6xf32>) -> tensor<?x2xi32>
  %w = moe.weigh softmax %scores, %ids : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %vector = ml_program.global_load_const @vector : tensor<6x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%vector : tensor<6x16xf32>)
      : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %slice: tensor<16xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %er = tensor.empty(%n) : tensor<?x16xf32>
    %y = linalg.generic {indexing_maps = [#all, #col, #all], iterator_types = ["parallel", "parallel"]}
      ins(%r, %slice : tensor<?x16xf32>, tensor<16xf32>) outs(%er : tensor<?x16xf32>) {
    ^bb0(%v: f32, %f: f32, %o: f32):
      %m = arith.mulf %v, %f : f32
      linalg.yield %m : f32
    } -> tensor<?x16xf32>
    moe.yield %y : tensor<?x16xf32>
  }
  %e0 = tensor.empty(%t) : tensor<?x16xf32>
  %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %sum = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%z0 : tensor<?x16xf32>)
    : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %sum, %ids, %scores : tensor<?x16xf32>, tensor<?x2xi32>, tensor<?x6xf32>
}

func.func private @score(%l: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %l, %c0 : tensor<?x6xf32>
  %e = tensor.empty(%t) : tensor<?x6xf32>
  %n = linalg.negf ins(%l : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %n : tensor<?x6xf32>
}
)mlir";

struct Scores {
  const char *name;
  const char *text;
};

class ScoresTest : public testing::TestWithParam<Scores> {};

TEST_P(ScoresTest, CompiledLikeInterpreted) {
  Differential layer(std::string(kHead) + GetParam().text + kTail,
                     getHostLevels().front());
  for (int64_t tokens : {1, 6, 33})
    layer.compare(tokens);
}

const Scores kScores[] = {
    {"Mlp", R"mlir(
  %eh = tensor.empty(%t) : tensor<?x12xf32>
  %zh = linalg.fill ins(%zero : f32) outs(%eh : tensor<?x12xf32>) -> tensor<?x12xf32>
  %h = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %w1 : tensor<?x16xf32>, tensor<12x16xf32>) outs(%zh : tensor<?x12xf32>) -> tensor<?x12xf32>
  %th = linalg.tanh ins(%h : tensor<?x12xf32>) outs(%eh : tensor<?x12xf32>) -> tensor<?x12xf32>
  %scores = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%th, %w2 : tensor<?x12xf32>, tensor<6x12xf32>) outs(%z : tensor<?x6xf32>) -> tensor<?x6xf32>
)mlir"},
    {"Cosine", R"mlir(
  %sq = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<?x16xf32>) outs(%zv : tensor<?xf32>) {
  ^bb0(%v: f32, %o: f32):
    %m = arith.mulf %v, %v : f32
    %a = arith.addf %o, %m : f32
    linalg.yield %a : f32
  } -> tensor<?xf32>
  %e6 = tensor.empty() : tensor<6xf32>
  %z6 = linalg.fill ins(%zero : f32) outs(%e6 : tensor<6xf32>) -> tensor<6xf32>
  %wq = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
    ins(%router : tensor<6x16xf32>) outs(%z6 : tensor<6xf32>) {
  ^bb0(%v: f32, %o: f32):
    %m = arith.mulf %v, %v : f32
    %a = arith.addf %o, %m : f32
    linalg.yield %a : f32
  } -> tensor<6xf32>
  %scores = linalg.generic {indexing_maps = [#all, #row, #col, #all], iterator_types = ["parallel", "parallel"]}
    ins(%logits, %sq, %wq : tensor<?x6xf32>, tensor<?xf32>, tensor<6xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%l: f32, %a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %r = math.rsqrt %p : f32
    %s = arith.mulf %l, %r : f32
    linalg.yield %s : f32
  } -> tensor<?x6xf32>
)mlir"},
    {"NegatedDistance", R"mlir(
  %scores = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, #rhs, #out], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x, %router : tensor<?x16xf32>, tensor<6x16xf32>) outs(%z : tensor<?x6xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %q = arith.mulf %d, %d : f32
    %s = arith.subf %o, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x6xf32>
)mlir"},
    {"LayerNorm", R"mlir(
  %sum0 = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<?x16xf32>) outs(%zv : tensor<?xf32>) {
  ^bb0(%v: f32, %o: f32):
    %a = arith.addf %o, %v : f32
    linalg.yield %a : f32
  } -> tensor<?xf32>
  %ex = tensor.empty(%t) : tensor<?x16xf32>
  %cent = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
    ins(%x, %sum0 : tensor<?x16xf32>, tensor<?xf32>) outs(%ex : tensor<?x16xf32>) {
  ^bb0(%v: f32, %s: f32, %o: f32):
    %n = arith.constant 16.0 : f32
    %m = arith.divf %s, %n : f32
    %a = arith.subf %v, %m : f32
    linalg.yield %a : f32
  } -> tensor<?x16xf32>
  %var = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]}
    ins(%cent : tensor<?x16xf32>) outs(%zv : tensor<?xf32>) {
  ^bb0(%v: f32, %o: f32):
    %m = arith.mulf %v, %v : f32
    %a = arith.addf %o, %m : f32
    linalg.yield %a : f32
  } -> tensor<?xf32>
  %nx = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
    ins(%cent, %var : tensor<?x16xf32>, tensor<?xf32>) outs(%ex : tensor<?x16xf32>) {
  ^bb0(%v: f32, %s: f32, %o: f32):
    %eps = arith.constant 1.0e-5 : f32
    %m = arith.addf %s, %eps : f32
    %r = math.rsqrt %m : f32
    %a = arith.mulf %v, %r : f32
    linalg.yield %a : f32
  } -> tensor<?x16xf32>
  %scores = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%nx, %router : tensor<?x16xf32>, tensor<6x16xf32>) outs(%z : tensor<?x6xf32>) -> tensor<?x6xf32>
)mlir"},
    {"TypeBias", R"mlir(
  %scores = linalg.generic {indexing_maps = [#all, #row, #col, #all], iterator_types = ["parallel", "parallel"]}
    ins(%logits, %kinds, %bias : tensor<?x6xf32>, tensor<?xi32>, tensor<6xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%l: f32, %k: i32, %b: f32, %o: f32):
    %c = linalg.index 1 : index
    %ki = arith.index_cast %k : i32 to index
    %tb = tensor.extract %types[%ki, %c] : tensor<2x6xf32>
    %s = arith.addf %l, %tb : f32
    %u = arith.addf %s, %b : f32
    linalg.yield %u : f32
  } -> tensor<?x6xf32>
)mlir"},
    {"RecurrentOverTokens", R"mlir(
  %st = tensor.empty() : tensor<1x6xf32>
  %h0 = linalg.fill ins(%zero : f32) outs(%st : tensor<1x6xf32>) -> tensor<1x6xf32>
  %hs, %scores = scf.for %i = %c0 to %t step %c1 iter_args(%h = %h0, %acc = %empty) -> (tensor<1x6xf32>, tensor<?x6xf32>) {
    %l = tensor.extract_slice %logits[%i, 0] [1, 6] [1, 1] : tensor<?x6xf32> to tensor<1x6xf32>
    %m = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%h, %wh : tensor<1x6xf32>, tensor<6x6xf32>) outs(%l : tensor<1x6xf32>) -> tensor<1x6xf32>
    %n = linalg.tanh ins(%m : tensor<1x6xf32>) outs(%st : tensor<1x6xf32>) -> tensor<1x6xf32>
    %new = tensor.insert_slice %n into %acc[%i, 0] [1, 6] [1, 1] : tensor<1x6xf32> into tensor<?x6xf32>
    scf.yield %n, %new : tensor<1x6xf32>, tensor<?x6xf32>
  }
)mlir"},
    {"RecurrentOverSteps", R"mlir(
  %scores = scf.for %i = %c0 to %c2 step %c1 iter_args(%h = %z) -> (tensor<?x6xf32>) {
    %m = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%h, %wh : tensor<?x6xf32>, tensor<6x6xf32>) outs(%logits : tensor<?x6xf32>) -> tensor<?x6xf32>
    %n = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%m, %h : tensor<?x6xf32>, tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %neg = arith.negf %a : f32
      %e = math.exp %neg : f32
      %d = arith.addf %one, %e : f32
      %g = arith.divf %one, %d : f32
      %r = arith.subf %one, %g : f32
      %q = math.tanh %a : f32
      %u = arith.mulf %g, %q : f32
      %v = arith.mulf %r, %b : f32
      %s = arith.addf %u, %v : f32
      linalg.yield %s : f32
    } -> tensor<?x6xf32>
    scf.yield %n : tensor<?x6xf32>
  }
)mlir"},
    {"Sinkhorn", R"mlir(
  %e6 = tensor.empty() : tensor<6xf32>
  %z6 = linalg.fill ins(%zero : f32) outs(%e6 : tensor<6xf32>) -> tensor<6xf32>
  %p0 = linalg.exp ins(%logits : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %scores = scf.for %i = %c0 to %c20 step %c1 iter_args(%p = %p0) -> (tensor<?x6xf32>) {
    %rs = linalg.reduce ins(%p : tensor<?x6xf32>) outs(%zv : tensor<?xf32>) dimensions = [1]
      (%a: f32, %b: f32) { %s = arith.addf %a, %b : f32 linalg.yield %s : f32 }
    %q = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%p, %rs : tensor<?x6xf32>, tensor<?xf32>) outs(%empty : tensor<?x6xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %s = arith.divf %a, %b : f32
      linalg.yield %s : f32
    } -> tensor<?x6xf32>
    %cs = linalg.reduce ins(%q : tensor<?x6xf32>) outs(%z6 : tensor<6xf32>) dimensions = [0]
      (%a: f32, %b: f32) { %s = arith.addf %a, %b : f32 linalg.yield %s : f32 }
    %r = linalg.generic {indexing_maps = [#all, #col, #all], iterator_types = ["parallel", "parallel"]}
      ins(%q, %cs : tensor<?x6xf32>, tensor<6xf32>) outs(%empty : tensor<?x6xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %s = arith.divf %a, %b : f32
      linalg.yield %s : f32
    } -> tensor<?x6xf32>
    scf.yield %r : tensor<?x6xf32>
  }
)mlir"},
    {"TokensMixed", R"mlir(
  %ett = tensor.empty(%t, %t) : tensor<?x?xf32>
  %ztt = linalg.fill ins(%zero : f32) outs(%ett : tensor<?x?xf32>) -> tensor<?x?xf32>
  %sim = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%logits, %logits : tensor<?x6xf32>, tensor<?x6xf32>) outs(%ztt : tensor<?x?xf32>) -> tensor<?x?xf32>
  %att = linalg.softmax dimension(1) ins(%sim : tensor<?x?xf32>) outs(%ett : tensor<?x?xf32>) -> tensor<?x?xf32>
  %scores = linalg.matmul ins(%att, %logits : tensor<?x?xf32>, tensor<?x6xf32>) outs(%z : tensor<?x6xf32>) -> tensor<?x6xf32>
)mlir"},
    {"Chunks", R"mlir(
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %t3 = arith.addi %t, %c3 : index
  %nc = arith.divui %t3, %c4 : index
  %ec = tensor.empty(%nc) : tensor<?x6xf32>
  %zc = linalg.fill ins(%zero : f32) outs(%ec : tensor<?x6xf32>) -> tensor<?x6xf32>
  %mean = scf.for %i = %c0 to %t step %c1 iter_args(%acc = %zc) -> (tensor<?x6xf32>) {
    %ch = arith.divui %i, %c4 : index
    %l = tensor.extract_slice %logits[%i, 0] [1, 6] [1, 1] : tensor<?x6xf32> to tensor<1x6xf32>
    %o = tensor.extract_slice %acc[%ch, 0] [1, 6] [1, 1] : tensor<?x6xf32> to tensor<1x6xf32>
    %s = linalg.add ins(%l, %o : tensor<1x6xf32>, tensor<1x6xf32>) outs(%o : tensor<1x6xf32>) -> tensor<1x6xf32>
    %new = tensor.insert_slice %s into %acc[%ch, 0] [1, 6] [1, 1] : tensor<1x6xf32> into tensor<?x6xf32>
    scf.yield %new : tensor<?x6xf32>
  }
  %cids = moe.select #moe.top_k<2> scores(%mean : tensor<?x6xf32>) -> tensor<?x2xi32>
  %scores = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]} outs(%empty : tensor<?x6xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %c = linalg.index 1 : index
    %ch = arith.divui %i, %c4 : index
    %v = tensor.extract %mean[%ch, %c] : tensor<?x6xf32>
    %id = tensor.extract %cids[%ch, %c0] : tensor<?x2xi32>
    %idf = arith.sitofp %id : i32 to f32
    %vv = arith.addf %v, %idf : f32
    linalg.yield %vv : f32
  } -> tensor<?x6xf32>
)mlir"},
    {"Sample", R"mlir(
  %e6 = tensor.empty() : tensor<6xf32>
  %ninf = arith.constant -1.0e30 : f32
  %z6 = linalg.fill ins(%ninf : f32) outs(%e6 : tensor<6xf32>) -> tensor<6xf32>
  %mx = linalg.reduce ins(%logits : tensor<?x6xf32>) outs(%z6 : tensor<6xf32>) dimensions = [0]
      (%a: f32, %b: f32) { %s = arith.maximumf %a, %b : f32 linalg.yield %s : f32 }
  %scores = linalg.broadcast ins(%mx : tensor<6xf32>) outs(%empty : tensor<?x6xf32>) dimensions = [0]
)mlir"},
    {"While", R"mlir(
  %scores, %cnt = scf.while (%p = %logits, %n = %c0) : (tensor<?x6xf32>, index) -> (tensor<?x6xf32>, index) {
    %more = arith.cmpi ult, %n, %c2 : index
    scf.condition(%more) %p, %n : tensor<?x6xf32>, index
  } do {
  ^bb0(%p: tensor<?x6xf32>, %n: index):
    %q = linalg.tanh ins(%p : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
    %n1 = arith.addi %n, %c1 : index
    scf.yield %q, %n1 : tensor<?x6xf32>, index
  }
)mlir"},
    {"Branch", R"mlir(
  %big = arith.cmpi ugt, %t, %c20 : index
  %scores = scf.if %big -> (tensor<?x6xf32>) {
    %q = linalg.tanh ins(%logits : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
    scf.yield %q : tensor<?x6xf32>
  } else {
    scf.yield %logits : tensor<?x6xf32>
  }
)mlir"},
    {"Moved", R"mlir(
  %sh = tensor.pad %logits low[1, 0] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<?x6xf32> to tensor<?x6xf32>
  %scores = tensor.extract_slice %sh[0, 0] [%t, 6] [1, 1] : tensor<?x6xf32> to tensor<?x6xf32>
)mlir"},
    {"Batch", R"mlir(
  %x3 = tensor.expand_shape %x [[0], [1, 2]] output_shape [%t, 4, 4] : tensor<?x16xf32> into tensor<?x4x4xf32>
  %e3 = tensor.empty(%t) : tensor<?x4x4xf32>
  %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<?x4x4xf32>) -> tensor<?x4x4xf32>
  %m3 = linalg.batch_matmul ins(%x3, %x3 : tensor<?x4x4xf32>, tensor<?x4x4xf32>) outs(%z3 : tensor<?x4x4xf32>) -> tensor<?x4x4xf32>
  %flat = tensor.collapse_shape %m3 [[0], [1, 2]] : tensor<?x4x4xf32> into tensor<?x16xf32>
  %scores = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%flat, %router : tensor<?x16xf32>, tensor<6x16xf32>) outs(%z : tensor<?x6xf32>) -> tensor<?x6xf32>
)mlir"},
    {"Called", R"mlir(
  %scores = func.call @score(%logits) : (tensor<?x6xf32>) -> tensor<?x6xf32>
)mlir"},
};

INSTANTIATE_TEST_SUITE_P(All, ScoresTest, testing::ValuesIn(kScores),
                         [](const auto &info) { return info.param.name; });
} // namespace
