// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Banks that moe-index-experts computes token by token.
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#rc = affine_map<(r, c) -> (r, c)>
#r = affine_map<(r, c) -> (r)>
#c = affine_map<(r, c) -> (c)>
ml_program.global private @router(#moe.random<seed = 1, std = 0.5 : f64>) : tensor<40x24xf32>
ml_program.global private @a(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<40x24xf32>
ml_program.global private @b(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<40x24xf32>
ml_program.global private @wide(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<24x64xf32>
ml_program.global private @c(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<40x64xf32>
ml_program.global private @bias(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<1xf32>

func.func private @route(%x: tensor<?x24xf32>) -> (tensor<?x40xf32>, tensor<?x5xi32>, tensor<?x5xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x24xf32>
  %router = ml_program.global_load_const @router : tensor<40x24xf32>
  %e = tensor.empty(%t) : tensor<?x40xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x40xf32>) -> tensor<?x40xf32>
  %logits = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %router : tensor<?x24xf32>, tensor<40x24xf32>) outs(%z : tensor<?x40xf32>) -> tensor<?x40xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x40xf32>) outs(%e : tensor<?x40xf32>) -> tensor<?x40xf32>
  %ids = moe.select #moe.top_p<0.7, inclusive, min = 1, max = 5> scores(%p : tensor<?x40xf32>) -> tensor<?x5xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x40xf32>, tensor<?x5xi32> -> tensor<?x5xf32>
  return %p, %ids, %w : tensor<?x40xf32>, tensor<?x5xi32>, tensor<?x5xf32>
}

// Experts of a row and a column, on rows of 64 columns that are computed before
// and a range of their columns; empty slots; a constant computed in the region.
func.func @rank_one(%x: tensor<?x24xf32> {moe.name = "x", moe.dims = ["T", "24"]}) -> (tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", "24"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %p, %ids, %w = func.call @route(%x) : (tensor<?x24xf32>) -> (tensor<?x40xf32>, tensor<?x5xi32>, tensor<?x5xf32>)
  %t = tensor.dim %x, %c0 : tensor<?x24xf32>
  %wide = ml_program.global_load_const @wide : tensor<24x64xf32>
  %e64 = tensor.empty(%t) : tensor<?x64xf32>
  %z64 = linalg.fill ins(%zero : f32) outs(%e64 : tensor<?x64xf32>) -> tensor<?x64xf32>
  %x64 = linalg.matmul ins(%x, %wide : tensor<?x24xf32>, tensor<24x64xf32>) outs(%z64 : tensor<?x64xf32>) -> tensor<?x64xf32>
  %plan = moe.plan %ids : tensor<?x5xi32> -> !moe.plan<experts = 40, slots = 5>
  %rows = moe.dispatch %x by %plan : tensor<?x24xf32>, !moe.plan<experts = 40, slots = 5> -> tensor<?x24xf32>
  %rows64 = moe.dispatch %x64 by %plan : tensor<?x64xf32>, !moe.plan<experts = 40, slots = 5> -> tensor<?x64xf32>
  %c = ml_program.global_load_const @c : tensor<40x64xf32>
  %b = ml_program.global_load_const @b : tensor<40x24xf32>
  %bias = ml_program.global_load_const @bias : tensor<1xf32>
  %y = moe.experts %plan rows(%rows, %rows64 : tensor<?x24xf32>, tensor<?x64xf32>) params(%c, %b : tensor<40x64xf32>, tensor<40x24xf32>) : !moe.plan<experts = 40, slots = 5> -> tensor<?x24xf32> {
  ^bb0(%row: tensor<?x24xf32>, %row64: tensor<?x64xf32>, %s: tensor<64xf32>, %u: tensor<24xf32>, %expert: index):
    %shift = tensor.extract %bias[%c0] : tensor<1xf32>
    %twice = arith.addf %shift, %shift : f32
    %n = tensor.dim %row, %c0 : tensor<?x24xf32>
    %e = tensor.empty(%n) : tensor<?x64xf32>
    %m = linalg.generic {indexing_maps = [#rc, #c, #rc], iterator_types = ["parallel", "parallel"]} ins(%row64, %s : tensor<?x64xf32>, tensor<64xf32>) outs(%e : tensor<?x64xf32>) {
    ^bb1(%f: f32, %g: f32, %o: f32):
      %v = arith.mulf %f, %g : f32
      linalg.yield %v : f32
    } -> tensor<?x64xf32>
    %f1 = tensor.empty(%n) : tensor<?xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%f1 : tensor<?xf32>) -> tensor<?xf32>
    %sum = linalg.reduce { arith.addf } ins(%m : tensor<?x64xf32>) outs(%z1 : tensor<?xf32>) dimensions = [1]
    %e24 = tensor.empty(%n) : tensor<?x24xf32>
    %part = tensor.extract_slice %row64[0, 8] [%n, 24] [1, 1] : tensor<?x64xf32> to tensor<?x24xf32>
    %soft = linalg.softmax dimension(1) ins(%part : tensor<?x24xf32>) outs(%e24 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %yy = linalg.generic {indexing_maps = [#r, #c, #rc, #rc], iterator_types = ["parallel", "parallel"]} ins(%sum, %u, %soft : tensor<?xf32>, tensor<24xf32>, tensor<?x24xf32>) outs(%e24 : tensor<?x24xf32>) {
    ^bb1(%f: f32, %g: f32, %h: f32, %o: f32):
      %v = arith.mulf %f, %g : f32
      %v2 = arith.addf %v, %h : f32
      %v3 = arith.addf %v2, %twice : f32
      linalg.yield %v3 : f32
    } -> tensor<?x24xf32>
    moe.yield %yy : tensor<?x24xf32>
  }
  %out = moe.combine add %y by %plan weights(%w : tensor<?x5xf32>) init(%x : tensor<?x24xf32>) : tensor<?x24xf32>, !moe.plan<experts = 40, slots = 5> -> tensor<?x24xf32>
  return %out : tensor<?x24xf32>
}

// FiLM on even experts, an identity, null experts; no weights.
func.func @film(%x: tensor<?x24xf32> {moe.name = "x", moe.dims = ["T", "24"]}) -> (tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", "24"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %p, %some, %w = func.call @route(%x) : (tensor<?x24xf32>) -> (tensor<?x40xf32>, tensor<?x5xi32>, tensor<?x5xf32>)
  %ids = moe.select #moe.top_k<3> scores(%p : tensor<?x40xf32>) -> tensor<?x3xi32>
  %plan = moe.plan %ids : tensor<?x3xi32> -> !moe.plan<experts = 40, slots = 3>
  %rows = moe.dispatch %x by %plan : tensor<?x24xf32>, !moe.plan<experts = 40, slots = 3> -> tensor<?x24xf32>
  %a = ml_program.global_load_const @a : tensor<40x24xf32>
  %b = ml_program.global_load_const @b : tensor<40x24xf32>
  %y = moe.experts %plan rows(%rows : tensor<?x24xf32>) params(%a, %b : tensor<40x24xf32>, tensor<40x24xf32>)
      members = [0, 1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0] : !moe.plan<experts = 40, slots = 3> -> tensor<?x24xf32> {
  ^bb0(%row: tensor<?x24xf32>, %s: tensor<24xf32>, %u: tensor<24xf32>, %expert: index):
    %n = tensor.dim %row, %c0 : tensor<?x24xf32>
    %e = tensor.empty(%n) : tensor<?x24xf32>
    %m = linalg.generic {indexing_maps = [#rc, #c, #c, #rc], iterator_types = ["parallel", "parallel"]} ins(%row, %s, %u : tensor<?x24xf32>, tensor<24xf32>, tensor<24xf32>) outs(%e : tensor<?x24xf32>) {
    ^bb1(%f: f32, %g: f32, %h: f32, %o: f32):
      %v = arith.mulf %f, %g : f32
      %v2 = arith.addf %v, %h : f32
      linalg.yield %v2 : f32
    } -> tensor<?x24xf32>
    moe.yield %m : tensor<?x24xf32>
  }, {
  ^bb0(%row: tensor<?x24xf32>, %s: tensor<24xf32>, %u: tensor<24xf32>, %expert: index):
    moe.yield %row : tensor<?x24xf32>
  }
  %out = moe.combine add %y by %plan init(%x : tensor<?x24xf32>) : tensor<?x24xf32>, !moe.plan<experts = 40, slots = 3> -> tensor<?x24xf32>
  return %out : tensor<?x24xf32>
}
