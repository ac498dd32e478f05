// Selective Sinkhorn routing: scores are an optimal transport plan between tokens and
// experts, found by a few sweeps that normalise rows and columns in turn. Each token
// gives 1, each expert gets T / E. Top-2 of the plan, weights sum to 1. @softmax is the
// usual path of inference.
//
// The plan couples all tokens of the batch; a loop carries the two scalings.
//
// Source: Selective Sinkhorn Routing for Improved Sparse Mixture of Experts.

#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#i = affine_map<(i) -> (i)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @up(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @down(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xf32> {moe.name = "p", moe.dims = ["T", "4"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f2.0 = arith.constant 2.0 : f32
  %f0.25 = arith.constant 0.25 : f32
  %f1.0 = arith.constant 1.0 : f32
  %c1 = arith.constant 1 : index
  %c30 = arith.constant 30 : index
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %c = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %kernel = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%c : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%c_1: f32, %out: f32):
    %mul = arith.mulf %c_1, %f2.0 : f32
    %exp = math.exp %mul : f32
    linalg.yield %exp : f32
  } -> tensor<?x4xf32>
  %cast = arith.index_cast %T : index to i32
  %cast_1 = arith.sitofp %cast : i32 to f32
  %share = arith.mulf %cast_1, %f0.25 : f32
  %empty_1 = tensor.empty(%T) : tensor<?xf32>
  %filled = linalg.fill ins(%f1.0 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
  %empty_2 = tensor.empty() : tensor<4xf32>
  %filled_1 = linalg.fill ins(%f1.0 : f32) outs(%empty_2 : tensor<4xf32>) -> tensor<4xf32>
  %u:2 = scf.for %i = %c0 to %c30 step %c1 iter_args(%carried = %filled, %carried_1 = %filled_1) -> (tensor<?xf32>, tensor<4xf32>) {
    %map = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%kernel, %carried : tensor<?x4xf32>, tensor<?xf32>) outs(%empty : tensor<?x4xf32>) {
    ^bb0(%k: f32, %u_1: f32, %out: f32):
      %mul = arith.mulf %k, %u_1 : f32
      linalg.yield %mul : f32
    } -> tensor<?x4xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<4xf32>) -> tensor<4xf32>
    %columns = linalg.reduce { arith.addf } ins(%map : tensor<?x4xf32>) outs(%zero_1 : tensor<4xf32>) dimensions = [0]
    %v = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%columns : tensor<4xf32>) outs(%empty_2 : tensor<4xf32>) {
    ^bb0(%sum: f32, %out: f32):
      %div = arith.divf %share, %sum : f32
      linalg.yield %div : f32
    } -> tensor<4xf32>
    %map_1 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%kernel, %v : tensor<?x4xf32>, tensor<4xf32>) outs(%empty : tensor<?x4xf32>) {
    ^bb0(%k: f32, %v_1: f32, %out: f32):
      %mul = arith.mulf %k, %v_1 : f32
      linalg.yield %mul : f32
    } -> tensor<?x4xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
    %rows = linalg.reduce { arith.addf } ins(%map_1 : tensor<?x4xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
    %map_2 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%rows : tensor<?xf32>) outs(%empty_1 : tensor<?xf32>) {
    ^bb0(%sum: f32, %out: f32):
      %div = arith.divf %f1.0, %sum : f32
      linalg.yield %div : f32
    } -> tensor<?xf32>
    scf.yield %map_2, %v : tensor<?xf32>, tensor<4xf32>
  }
  %p = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%kernel, %u#0, %u#1 : tensor<?x4xf32>, tensor<?xf32>, tensor<4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%k: f32, %u_1: f32, %v: f32, %out: f32):
    %mul = arith.mulf %k, %u_1 : f32
    %mul_1 = arith.mulf %mul, %v : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up, %down : tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %empty_3 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %combined, %p, %ids : tensor<?x16xf32>, tensor<?x4xf32>, tensor<?x2xi32>
}

func.func @softmax(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xf32> {moe.name = "p", moe.dims = ["T", "4"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %softmax = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%softmax : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %softmax, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up, %down : tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %combined, %softmax, %ids : tensor<?x16xf32>, tensor<?x4xf32>, tensor<?x2xi32>
}
