// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --convert-moe-to-grouped=explain=1 --verify-diagnostics --mlir-print-op-on-diagnostic=false

!plan = !moe.plan<experts = 8, slots = 2>
ml_program.global private @base(#moe.random<seed = 1, std = 2.000000e-02 : f64>) : tensor<16x16xf32>

func.func @explain(%x: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x16x16xf32>, %c: f32) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  // expected-remark @+1 {{each id of a token but -1 is a row; there is no padding to the largest number of experts}}
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %b = ml_program.global_load_const @base : tensor<16x16xf32>
  %t = tensor.dim %x, %c0 : tensor<?x16xf32>
  %o = tensor.empty(%t) : tensor<?x16xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%o : tensor<?x16xf32>) -> tensor<?x16xf32>
  // expected-remark @+1 {{becomes a dense grouped.matmul: rows meet one parameter}}
  %d = linalg.matmul ins(%x, %b : tensor<?x16xf32>, tensor<16x16xf32>) outs(%oz : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) params(%w : tensor<8x16x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %ws: tensor<16x16xf32>, %expert: index):
    // expected-remark @+1 {{computed once for all experts: it uses nothing of one}}
    %k = arith.addf %c, %c : f32
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x16xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    // expected-remark @+1 {{becomes grouped.matmul: rows meet the expert's slice}}
    %a = linalg.matmul ins(%r, %ws : tensor<?x16xf32>, tensor<16x16xf32>) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
    // expected-remark @+1 {{becomes one shared matmul: the weight is no expert's own}}
    %s = linalg.matmul ins(%a, %b : tensor<?x16xf32>, tensor<16x16xf32>) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
    // expected-remark @+1 {{becomes grouped.map: it is row-wise}}
    %h = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<?x16xf32>) outs(%e : tensor<?x16xf32>) {
    ^bb0(%v: f32, %u: f32):
      %m = arith.mulf %v, %k : f32
      linalg.yield %m : f32
    } -> tensor<?x16xf32>
    moe.yield %h : tensor<?x16xf32>
  }
  %q = moe.combine add %y by %plan init(%d : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %q : tensor<?x16xf32>
}

func.func @rows(%x: tensor<?x16xf32>, %scores: tensor<?x8xf32>, %capacity: i32) -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e = tensor.empty(%t) : tensor<?x16xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %ids = moe.select #moe.top_k<2> scores(%scores : tensor<?x8xf32>) -> tensor<?x2xi32>
  // expected-remark @+1 {{each slot of a token is a row}}
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %r = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %a = moe.combine add %r by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %chosen, %taken = moe.select_tokens position %scores capacity(%capacity : i32) : tensor<?x8xf32> -> tensor<8x?xi32>, tensor<?x8xi1>
  // expected-remark @+1 {{rows are the tokens that experts took; no other token is read}}
  %by_expert = moe.plan by_expert %chosen tokens(%t) : tensor<8x?xi32> -> !moe.plan<experts = 8, slots = 8>
  %s = moe.dispatch %x by %by_expert : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 8> -> tensor<?x16xf32>
  %b = moe.combine add %s by %by_expert init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 8> -> tensor<?x16xf32>
  return %a, %b : tensor<?x16xf32>, tensor<?x16xf32>
}
