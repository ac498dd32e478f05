// Graph of tokens: a token is routed by its own probabilities and those of the tokens
// that it resembles. P' = M P, where M is a softmax of learned similarities (@similarity)
// or the mean attention of the block before (@attention). Top-2 of P', weights sum to 1.
//
// Attention probabilities are a value like any other; M inherits their causal mask.
//
// Source: Improving Routing in Sparse Mixture of Experts with Graph of Tokens. The exact
// M is not verified.

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @metric(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @router(#moe.random<seed = 2, std = 1.0 : f64>) : tensor<16x4xf32>
ml_program.global private @up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<4x24x16xf32>
ml_program.global private @"0.q"(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"0.k"(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"0.v"(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"0.o"(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<8x16xf32>
ml_program.global private @"1.q"(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"1.k"(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"1.v"(#moe.random<seed = 11, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"1.o"(#moe.random<seed = 12, std = 0.3 : f64>) : tensor<8x16xf32>

func.func @similarity(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xf32> {moe.name = "p", moe.dims = ["T", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %metric = ml_program.global_load_const @metric : tensor<16x16xf32>
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul = linalg.matmul ins(%x, %metric : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T, %T) : tensor<?x?xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul, %x : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_1 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %visible = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x?xf32>) outs(%empty_1 : tensor<?x?xf32>) {
  ^bb0(%s: f32, %out: f32):
    %i0 = linalg.index 0 : index
    %i1 = linalg.index 1 : index
    %ge = arith.cmpi sge, %i0, %i1 : index
    %select = arith.select %ge, %s, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax = linalg.softmax dimension(1) ins(%visible : tensor<?x?xf32>) outs(%empty_1 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_2 = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul_2 : tensor<?x4xf32>) outs(%empty_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %smoothed = linalg.matmul ins(%softmax, %p : tensor<?x?xf32>, tensor<?x4xf32>) outs(%zero_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%smoothed : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %smoothed, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up, %down : tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3 : tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_4 = linalg.matmul ins(%gelu, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_4 : tensor<?x16xf32>
  }
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %combined, %smoothed : tensor<?x16xf32>, tensor<?x4xf32>
}

func.func @attention(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xf32> {moe.name = "p", moe.dims = ["T", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %p0.q = ml_program.global_load_const @"0.q" : tensor<16x8xf32>
  %p0.k = ml_program.global_load_const @"0.k" : tensor<16x8xf32>
  %p0.v = ml_program.global_load_const @"0.v" : tensor<16x8xf32>
  %p0.o = ml_program.global_load_const @"0.o" : tensor<8x16xf32>
  %p1.q = ml_program.global_load_const @"1.q" : tensor<16x8xf32>
  %p1.k = ml_program.global_load_const @"1.k" : tensor<16x8xf32>
  %p1.v = ml_program.global_load_const @"1.v" : tensor<16x8xf32>
  %p1.o = ml_program.global_load_const @"1.o" : tensor<8x16xf32>
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T, %T) : tensor<?x?xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x?xf32>) -> tensor<?x?xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x8xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul = linalg.matmul ins(%x, %p0.q : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul_1 = linalg.matmul ins(%x, %p0.k : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul_2 = linalg.matmul ins(%x, %p0.v : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul, %matmul_1 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%zero : tensor<?x?xf32>) -> tensor<?x?xf32>
  %visible = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<?x?xf32>) outs(%empty : tensor<?x?xf32>) {
  ^bb0(%s: f32, %out: f32):
    %i0 = linalg.index 0 : index
    %i1 = linalg.index 1 : index
    %ge = arith.cmpi sge, %i0, %i1 : index
    %select = arith.select %ge, %s, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax = linalg.softmax dimension(1) ins(%visible : tensor<?x?xf32>) outs(%empty : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_3 = linalg.matmul ins(%softmax, %matmul_2 : tensor<?x?xf32>, tensor<?x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_4 = linalg.matmul ins(%matmul_3, %p0.o : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %matmul_4 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %b: f32, %out: f32):
    %add = arith.addf %a_1, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %mean = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%zero, %softmax : tensor<?x?xf32>, tensor<?x?xf32>) outs(%empty : tensor<?x?xf32>) {
  ^bb0(%m: f32, %a_1: f32, %out: f32):
    %mul = arith.mulf %a_1, %f0.5 : f32
    %add = arith.addf %m, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x?xf32>
  %matmul_5 = linalg.matmul ins(%x, %p1.q : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul_6 = linalg.matmul ins(%x, %p1.k : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul_7 = linalg.matmul ins(%x, %p1.v : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %a_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_5, %matmul_6 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%zero : tensor<?x?xf32>) -> tensor<?x?xf32>
  %visible_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%a_1 : tensor<?x?xf32>) outs(%empty : tensor<?x?xf32>) {
  ^bb0(%s: f32, %out: f32):
    %i0 = linalg.index 0 : index
    %i1 = linalg.index 1 : index
    %ge = arith.cmpi sge, %i0, %i1 : index
    %select = arith.select %ge, %s, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax_1 = linalg.softmax dimension(1) ins(%visible_1 : tensor<?x?xf32>) outs(%empty : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_8 = linalg.matmul ins(%softmax_1, %matmul_7 : tensor<?x?xf32>, tensor<?x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul_9 = linalg.matmul ins(%matmul_8, %p1.o : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%h, %matmul_9 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%a_2: f32, %b: f32, %out: f32):
    %add = arith.addf %a_2, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %mean_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%mean, %softmax_1 : tensor<?x?xf32>, tensor<?x?xf32>) outs(%empty : tensor<?x?xf32>) {
  ^bb0(%m: f32, %a_2: f32, %out: f32):
    %mul = arith.mulf %a_2, %f0.5 : f32
    %add = arith.addf %m, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x?xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_10 = linalg.matmul ins(%h_1, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_3 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul_10 : tensor<?x4xf32>) outs(%empty_3 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %smoothed = linalg.matmul ins(%mean_1, %p : tensor<?x?xf32>, tensor<?x4xf32>) outs(%zero_3 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%smoothed : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %smoothed, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows = moe.dispatch %h_1 by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up, %down : tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_11 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_11 : tensor<?x24xf32>) outs(%empty_4 : tensor<?x24xf32>) {
    ^bb0(%a_2: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a_2 : f32
      %mul_1 = arith.mulf %a_2, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_12 = linalg.matmul ins(%gelu, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_12 : tensor<?x16xf32>
  }
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%h_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %combined, %smoothed : tensor<?x16xf32>, tensor<?x4xf32>
}
