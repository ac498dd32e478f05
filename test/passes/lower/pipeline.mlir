// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The whole order on one layer; and without each optimisation pass in turn,
// after which no moe operation is left either.
// RUN: %moe-opt %s --moe-to-grouped | FileCheck %s
// RUN: %moe-opt %s --moe-to-grouped=disable=moe-canonicalize | FileCheck %s --check-prefixes=ANY,SOFTMAX --implicit-check-not="= moe."
// RUN: %moe-opt %s --moe-to-grouped=exact=1 | FileCheck %s --check-prefixes=ANY,SOFTMAX --implicit-check-not="= moe."
// RUN: %moe-opt %s --moe-to-grouped=disable=moe-fuse-router | FileCheck %s --check-prefixes=ANY,NOLOOP --implicit-check-not="= moe."
// RUN: %moe-opt %s --moe-to-grouped=disable=moe-fuse-dispatch | FileCheck %s --check-prefixes=ANY,GATHER --implicit-check-not="= moe."
// RUN: %moe-opt %s --moe-to-grouped=disable=moe-fuse-maps | FileCheck %s --check-prefix=ANY --implicit-check-not="= moe."
// RUN: %moe-opt %s --moe-to-grouped=disable=moe-merge-gate-up | FileCheck %s --check-prefixes=ANY,ONEPART --implicit-check-not="= moe."
// RUN: %moe-opt %s --moe-to-grouped=disable=moe-fuse-epilogue | FileCheck %s --check-prefixes=ANY,MAP --implicit-check-not="= moe."
// RUN: %moe-opt %s --moe-to-grouped=disable=moe-fuse-combine | FileCheck %s --check-prefixes=ANY,COMBINE --implicit-check-not="= moe."
// RUN: %moe-opt %s --moe-to-grouped=disable=moe-encode-weights | FileCheck %s --check-prefixes=ANY,ROWMAJOR --implicit-check-not="= moe."
// RUN: %moe-opt %s --moe-to-grouped=disable=moe-select-strategy | FileCheck %s --check-prefixes=ANY,NOTILE --implicit-check-not="= moe."
// RUN: %moe-opt %s --moe-to-grouped=disable=moe-canonicalize,moe-hoist-shared,moe-split-members,moe-index-experts,moe-fuse-router,moe-fuse-dispatch,moe-fuse-maps,moe-merge-gate-up,moe-fuse-epilogue,moe-fuse-combine,moe-encode-weights,moe-select-strategy | FileCheck %s --check-prefixes=ANY,SOFTMAX,NOLOOP,GATHER --implicit-check-not="= moe."
// RUN: not %moe-opt %s --moe-to-grouped=disable=moe-fly 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: 'moe-fly' is not an optimisation pass; expected one of moe-canonicalize, moe-hoist-shared, moe-split-members, moe-index-experts, moe-fuse-router

// CHECK-LABEL: func.func @layers.0.moe
// CHECK: scf.forall
// CHECK-NOT: linalg.softmax
// CHECK:   grouped.matmul {{.*}}panels = #grouped.panels<parts = 1, columns = 8, depth = 32>
// CHECK:   grouped.select
// CHECK: grouped.sort
// CHECK-NOT: grouped.gather
// CHECK: grouped.matmul {{.*}}gather{{.*}}panels = #grouped.panels<parts = 2
// CHECK:   math.exp
// CHECK-NOT: grouped.map
// CHECK: grouped.matmul {{.*}}reduce
// CHECK-NOT: grouped.combine
// CHECK: return

// ANY-LABEL: func.func @layers.0.moe
// NOLOOP-NOT: scf.forall
// SOFTMAX: linalg.softmax
// ONEPART-NOT: parts = 2
// ROWMAJOR-NOT: #grouped.panels
// NOTILE-NOT: #grouped.tile
// GATHER: grouped.gather
// MAP: grouped.map
// COMBINE: grouped.combine
// ANY: return

ml_program.global private @"layers.0.router"(#moe.random<seed = 1, std = 2.000000e-02 : f64>) : tensor<8x32xbf16>
ml_program.global private @"layers.0.experts.gate"(#moe.random<seed = 2, std = 2.000000e-02 : f64>) : tensor<8x24x32xbf16>
ml_program.global private @"layers.0.experts.up"(#moe.random<seed = 3, std = 2.000000e-02 : f64>) : tensor<8x24x32xbf16>
ml_program.global private @"layers.0.experts.down"(#moe.random<seed = 4, std = 2.000000e-02 : f64>) : tensor<8x32x24xbf16>
func.func @"layers.0.moe"(%x: tensor<?x32xf32> {moe.name = "hidden_states", moe.dims = ["T", "32"]})
    -> (tensor<?x32xf32> {moe.name = "moe_out", moe.dims = ["T", "32"]}, tensor<?x8xf32> {moe.name = "router_logits", moe.dims = ["T", "8"]},
        tensor<?x2xi32> {moe.name = "topk_ids", moe.dims = ["T", "2"]}, tensor<?x2xf32> {moe.name = "topk_weights", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %T = tensor.dim %x, %c0 : tensor<?x32xf32>
  %router = ml_program.global_load_const @"layers.0.router" : tensor<8x32xbf16>
  %e0 = tensor.empty(%T) : tensor<?x8xf32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %logits = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
    ins(%x, %router : tensor<?x32xf32>, tensor<8x32xbf16>) outs(%f0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e0 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x32xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x32xf32>
  %g = ml_program.global_load_const @"layers.0.experts.gate" : tensor<8x24x32xbf16>
  %u = ml_program.global_load_const @"layers.0.experts.up" : tensor<8x24x32xbf16>
  %d = ml_program.global_load_const @"layers.0.experts.down" : tensor<8x32x24xbf16>
  %y = moe.experts %plan rows(%rows : tensor<?x32xf32>) params(%g, %u, %d : tensor<8x24x32xbf16>, tensor<8x24x32xbf16>, tensor<8x32x24xbf16>)
      : !moe.plan<experts = 8, slots = 2> -> tensor<?x32xf32> {
  ^bb0(%r: tensor<?x32xf32>, %gs: tensor<24x32xbf16>, %us: tensor<24x32xbf16>, %ds: tensor<32x24xbf16>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x32xf32>
    %e = tensor.empty(%n) : tensor<?x24xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%r, %gs : tensor<?x32xf32>, tensor<24x32xbf16>) outs(%z : tensor<?x24xf32>) -> tensor<?x24xf32>
    %b = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%r, %us : tensor<?x32xf32>, tensor<24x32xbf16>) outs(%z : tensor<?x24xf32>) -> tensor<?x24xf32>
    %h = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : tensor<?x24xf32>, tensor<?x24xf32>) outs(%e : tensor<?x24xf32>) {
    ^bb0(%av: f32, %bv: f32, %o: f32):
      %neg = arith.negf %av : f32
      %ex = math.exp %neg : f32
      %den = arith.addf %ex, %one : f32
      %s = arith.divf %av, %den : f32
      %m = arith.mulf %s, %bv : f32
      linalg.yield %m : f32
    } -> tensor<?x24xf32>
    %e2 = tensor.empty(%n) : tensor<?x32xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %q = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%h, %ds : tensor<?x24xf32>, tensor<32x24xbf16>) outs(%z2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    moe.yield %q : tensor<?x32xf32>
  }
  %eo = tensor.empty(%T) : tensor<?x32xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%eo : tensor<?x32xf32>) -> tensor<?x32xf32>
  %out = moe.combine add %y by %plan weights(%w : tensor<?x2xf32>) init(%zo : tensor<?x32xf32>) : tensor<?x32xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x32xf32>
  return %out, %logits, %ids, %w : tensor<?x32xf32>, tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}
