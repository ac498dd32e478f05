// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Banks that moe-split-members takes apart.
!plan = !moe.plan<experts = 6, slots = 2>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(r, c) -> (r, c)>
ml_program.global private @router(#moe.random<seed = 1, std = 0.5 : f64>) : tensor<6x24xf32>
ml_program.global private @big(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<2x24x24xf32>
ml_program.global private @up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<3x10x24xf32>
ml_program.global private @down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<3x24x10xf32>

func.func private @route(%x: tensor<?x24xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x24xf32>
  %router = ml_program.global_load_const @router : tensor<6x24xf32>
  %e = tensor.empty(%t) : tensor<?x6xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %logits = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %router : tensor<?x24xf32>, tensor<6x24xf32>) outs(%z : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x6xf32>) outs(%e : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x6xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// Big and small experts, an identity and a null expert; slots repeat.
func.func @bank(%x: tensor<?x24xf32> {moe.name = "x", moe.dims = ["T", "24"]}) -> (tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", "24"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %ids, %w = func.call @route(%x) : (tensor<?x24xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  %big = ml_program.global_load_const @big : tensor<2x24x24xf32>
  %up = ml_program.global_load_const @up : tensor<3x10x24xf32>
  %down = ml_program.global_load_const @down : tensor<3x24x10xf32>
  %y = moe.experts %plan rows(%rows : tensor<?x24xf32>) params(%big, %up, %down : tensor<2x24x24xf32>, tensor<3x10x24xf32>, tensor<3x24x10xf32>)
      members = [0, 1, -1, 2, 1, 1] slot = [1, 2, 0, 0, 0, 2] : !plan -> tensor<?x24xf32> {
  ^bb0(%r: tensor<?x24xf32>, %wb: tensor<24x24xf32>, %wu: tensor<10x24xf32>, %wd: tensor<24x10xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x24xf32>
    %o = tensor.empty(%n) : tensor<?x24xf32>
    %oz = linalg.fill ins(%zero : f32) outs(%o : tensor<?x24xf32>) -> tensor<?x24xf32>
    %v = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %wb : tensor<?x24xf32>, tensor<24x24xf32>) outs(%oz : tensor<?x24xf32>) -> tensor<?x24xf32>
    moe.yield %v : tensor<?x24xf32>
  }, {
  ^bb0(%r: tensor<?x24xf32>, %wb: tensor<24x24xf32>, %wu: tensor<10x24xf32>, %wd: tensor<24x10xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x24xf32>
    %h = tensor.empty(%n) : tensor<?x10xf32>
    %hz = linalg.fill ins(%zero : f32) outs(%h : tensor<?x10xf32>) -> tensor<?x10xf32>
    %u = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %wu : tensor<?x24xf32>, tensor<10x24xf32>) outs(%hz : tensor<?x10xf32>) -> tensor<?x10xf32>
    %a = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]} ins(%u : tensor<?x10xf32>) outs(%h : tensor<?x10xf32>) {
    ^bb1(%g: f32, %q: f32):
      %m = arith.maximumf %g, %zero : f32
      linalg.yield %m : f32
    } -> tensor<?x10xf32>
    %o = tensor.empty(%n) : tensor<?x24xf32>
    %oz = linalg.fill ins(%zero : f32) outs(%o : tensor<?x24xf32>) -> tensor<?x24xf32>
    %v = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%a, %wd : tensor<?x10xf32>, tensor<24x10xf32>) outs(%oz : tensor<?x24xf32>) -> tensor<?x24xf32>
    moe.yield %v : tensor<?x24xf32>
  }, {
  ^bb0(%r: tensor<?x24xf32>, %wb: tensor<24x24xf32>, %wu: tensor<10x24xf32>, %wd: tensor<24x10xf32>, %expert: index):
    moe.yield %r : tensor<?x24xf32>
  }
  %out = moe.combine add %y by %plan weights(%w : tensor<?x2xf32>) init(%x : tensor<?x24xf32>) : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  return %out : tensor<?x24xf32>
}

// One region, slots permuted and repeated.
func.func @shared(%x: tensor<?x24xf32> {moe.name = "x", moe.dims = ["T", "24"]}) -> (tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", "24"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %ids, %w = func.call @route(%x) : (tensor<?x24xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  %big = ml_program.global_load_const @big : tensor<2x24x24xf32>
  %up = ml_program.global_load_const @up : tensor<3x10x24xf32>
  %down = ml_program.global_load_const @down : tensor<3x24x10xf32>
  %y = moe.experts %plan rows(%rows : tensor<?x24xf32>) params(%big, %up, %down : tensor<2x24x24xf32>, tensor<3x10x24xf32>, tensor<3x24x10xf32>)
      slot = [2, 1, 0, 0, 1, 2] : !plan -> tensor<?x24xf32> {
  ^bb0(%r: tensor<?x24xf32>, %wb: tensor<24x24xf32>, %wu: tensor<10x24xf32>, %wd: tensor<24x10xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x24xf32>
    %h = tensor.empty(%n) : tensor<?x10xf32>
    %hz = linalg.fill ins(%zero : f32) outs(%h : tensor<?x10xf32>) -> tensor<?x10xf32>
    %u = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %wu : tensor<?x24xf32>, tensor<10x24xf32>) outs(%hz : tensor<?x10xf32>) -> tensor<?x10xf32>
    %a = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]} ins(%u : tensor<?x10xf32>) outs(%h : tensor<?x10xf32>) {
    ^bb1(%g: f32, %q: f32):
      %m = arith.maximumf %g, %zero : f32
      linalg.yield %m : f32
    } -> tensor<?x10xf32>
    %o = tensor.empty(%n) : tensor<?x24xf32>
    %oz = linalg.fill ins(%zero : f32) outs(%o : tensor<?x24xf32>) -> tensor<?x24xf32>
    %v = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%a, %wd : tensor<?x10xf32>, tensor<24x10xf32>) outs(%oz : tensor<?x24xf32>) -> tensor<?x24xf32>
    moe.yield %v : tensor<?x24xf32>
  }
  %out = moe.combine add %y by %plan weights(%w : tensor<?x2xf32>) init(%x : tensor<?x24xf32>) : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  return %out : tensor<?x24xf32>
}
