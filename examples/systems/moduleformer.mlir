// ModuleFormer: feed-forward experts and attention-head experts, chosen by two-layer
// routers with weights that are not renormalised. A token's query goes through the
// head experts that it selected, attends to keys and values that all share, and comes
// back through the same experts' output matrices.
//
// Map, attention, reduce over one plan: between the two banks, rows are not combined.
// Attention is stick-breaking: each key, from the nearest one back, takes its share of
// what is left.
//
// Source: ModuleFormer, Modularity Emerges from Mixture-of-Experts;
// github.com/IBM/ModuleFormer.

#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i) -> (i)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_i = affine_map<(i, j) -> (i)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @heads.router1(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x12xf32>
ml_program.global private @heads.router2(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<12x4xf32>
ml_program.global private @heads.q(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x16x8xf32>
ml_program.global private @k(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @v(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @heads.o(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<4x8x16xf32>
ml_program.global private @ffn.router1(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<16x12xf32>
ml_program.global private @ffn.router2(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<12x4xf32>
ml_program.global private @ffn.up(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @ffn.down(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<4x24x16xf32>

func.func @attention(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %heads.router1 = ml_program.global_load_const @heads.router1 : tensor<16x12xf32>
  %heads.router2 = ml_program.global_load_const @heads.router2 : tensor<12x4xf32>
  %heads.q = ml_program.global_load_const @heads.q : tensor<4x16x8xf32>
  %k = ml_program.global_load_const @k : tensor<16x8xf32>
  %v = ml_program.global_load_const @v : tensor<16x8xf32>
  %heads.o = ml_program.global_load_const @heads.o : tensor<4x8x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x12xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x12xf32>) -> tensor<?x12xf32>
  %matmul = linalg.matmul ins(%x, %heads.router1 : tensor<?x16xf32>, tensor<16x12xf32>) outs(%zero : tensor<?x12xf32>) -> tensor<?x12xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x12xf32>) outs(%empty : tensor<?x12xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x12xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = linalg.matmul ins(%gelu, %heads.router2 : tensor<?x12xf32>, tensor<12x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<?x4xf32>) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %weights = moe.weigh none %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %q = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%heads.q : tensor<4x16x8xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x8xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %w: tensor<16x8xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x8xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %w : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    moe.yield %matmul_1 : tensor<?x8xf32>
  }
  %empty_2 = tensor.empty(%T) : tensor<?x8xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul_1 = linalg.matmul ins(%x, %k : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul_2 = linalg.matmul ins(%x, %v : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %slice = tensor.extract_slice %x[0, 0] [%T, 1] [1, 1] : tensor<?x16xf32> to tensor<?xf32>
  %empty_3 = tensor.empty(%T) : tensor<?xi32>
  %position = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%slice : tensor<?xf32>) outs(%empty_3 : tensor<?xi32>) {
  ^bb0(%x_1: f32, %out: i32):
    %i0 = linalg.index 0 : index
    %cast = arith.index_cast %i0 : index to i32
    linalg.yield %cast : i32
  } -> tensor<?xi32>
  %rows_1 = moe.dispatch %position by %plan : tensor<?xi32>, !moe.plan<experts = 4, slots = 2> -> tensor<?xi32>
  %size = tensor.dim %q, %c0 : tensor<?x8xf32>
  %empty_4 = tensor.empty(%size, %T) : tensor<?x?xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %logits = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%q, %matmul_1 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%zero_3 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %left = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%logits, %rows_1, %position : tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_4 : tensor<?x?xf32>) {
  ^bb0(%logit: f32, %i: i32, %j: i32, %out: f32):
    %ge = arith.cmpi sge, %i, %j : i32
    %exp = math.exp %logit : f32
    %add = arith.addf %f1.0, %exp : f32
    %log = math.log %add : f32
    %neg = arith.negf %log : f32
    %select = arith.select %ge, %neg, %f0.0 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %empty_5 = tensor.empty(%T, %T) : tensor<?x?xf32>
  %later = linalg.generic {indexing_maps = [#ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%position, %position : tensor<?xi32>, tensor<?xi32>) outs(%empty_5 : tensor<?x?xf32>) {
  ^bb0(%m: i32, %j: i32, %out: f32):
    %gt = arith.cmpi sgt, %m, %j : i32
    %cast = arith.uitofp %gt : i1 to f32
    linalg.yield %cast : f32
  } -> tensor<?x?xf32>
  %matmul_3 = linalg.matmul ins(%left, %later : tensor<?x?xf32>, tensor<?x?xf32>) outs(%zero_3 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%logits, %matmul_3, %rows_1, %position : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_4 : tensor<?x?xf32>) {
  ^bb0(%logit: f32, %sum: f32, %i: i32, %j: i32, %out: f32):
    %ge = arith.cmpi sge, %i, %j : i32
    %neg = arith.negf %logit : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %exp_1 = math.exp %sum : f32
    %mul = arith.mulf %div, %exp_1 : f32
    %select = arith.select %ge, %mul, %f0.0 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %size_1 = tensor.dim %a, %c0 : tensor<?x?xf32>
  %empty_6 = tensor.empty(%size_1) : tensor<?x8xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul_4 = linalg.matmul ins(%a, %matmul_2 : tensor<?x?xf32>, tensor<?x8xf32>) outs(%zero_4 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %outs = moe.experts %plan rows(%matmul_4 : tensor<?x8xf32>) params(%heads.o : tensor<4x8x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%o: tensor<?x8xf32>, %w: tensor<8x16xf32>, %expert: index):
    %count = tensor.dim %o, %c0 : tensor<?x8xf32>
    %empty_7 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_5 = linalg.matmul ins(%o, %w : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_5 : tensor<?x16xf32>
  }
  %empty_7 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%weights : tensor<?x2xf32>) init(%zero_5 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

func.func @feed_forward(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %ffn.router1 = ml_program.global_load_const @ffn.router1 : tensor<16x12xf32>
  %ffn.router2 = ml_program.global_load_const @ffn.router2 : tensor<12x4xf32>
  %ffn.up = ml_program.global_load_const @ffn.up : tensor<4x16x24xf32>
  %ffn.down = ml_program.global_load_const @ffn.down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x12xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x12xf32>) -> tensor<?x12xf32>
  %matmul = linalg.matmul ins(%x, %ffn.router1 : tensor<?x16xf32>, tensor<16x12xf32>) outs(%zero : tensor<?x12xf32>) -> tensor<?x12xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x12xf32>) outs(%empty : tensor<?x12xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x12xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = linalg.matmul ins(%gelu, %ffn.router2 : tensor<?x12xf32>, tensor<12x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<?x4xf32>) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %weights = moe.weigh none %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%ffn.up, %ffn.down : tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x24xf32>) outs(%empty_2 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu_1, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%weights : tensor<?x2xf32>) init(%zero_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
