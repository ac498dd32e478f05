// m2mKD: what runs after module-to-module distillation is V-MoE. Top-1 with
// the probability as weight and room for ceil(T / E) tokens at each expert. When an
// expert overflows, the tokens with the highest probability keep their places (batch
// priority), the others get nothing from this layer.
//
// Capacity is arithmetic on the number of tokens; moe.limit drops what overflows.
//
// Source: m2mKD, Module-to-Module Knowledge Distillation for Modular Transformers;
// Scaling Vision with Sparse Mixture of Experts.

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @w1(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @b1(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x24xf32>
ml_program.global private @w2(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<4x24x16xf32>
ml_program.global private @b2(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<4x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x1xi32> {moe.name = "ids", moe.dims = ["T", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %c4 = arith.constant 4 : index
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %w1 = ml_program.global_load_const @w1 : tensor<4x16x24xf32>
  %b1 = ml_program.global_load_const @b1 : tensor<4x24xf32>
  %w2 = ml_program.global_load_const @w2 : tensor<4x24x16xf32>
  %b2 = ml_program.global_load_const @b2 : tensor<4x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %chosen = moe.select #moe.top_k<1> scores(%p : tensor<?x4xf32>) -> tensor<?x1xi32>
  %priority = moe.weigh none %p, %chosen : tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x1xf32>
  %div = arith.ceildivsi %T, %c4 : index
  %capacity = arith.index_cast %div : index to i32
  %ids = moe.limit score %chosen capacity(%capacity) priority(%priority : tensor<?x1xf32>) experts = 4 : tensor<?x1xi32> -> tensor<?x1xi32>
  %w = moe.weigh none %p, %ids : tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x1xf32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 4, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%w1, %b1, %w2, %b2 : tensor<4x16x24xf32>, tensor<4x24xf32>, tensor<4x24x16xf32>, tensor<4x16xf32>) : !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up: tensor<16x24xf32>, %up_bias: tensor<24xf32>, %down: tensor<24x16xf32>, %down_bias: tensor<16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %up_bias : tensor<?x24xf32>, tensor<24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
    ^bb0(%u: f32, %bias: f32, %out: f32):
      %add = arith.addf %u, %bias : f32
      %mul = arith.mulf %f0.5, %add : f32
      %mul_1 = arith.mulf %add, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add_1 = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add_1 : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%a, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %down_bias : tensor<?x16xf32>, tensor<16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
    ^bb0(%a_1: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a_1, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x16xf32>
    moe.yield %add : tensor<?x16xf32>
  }
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x1xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32>
  return %y, %ids : tensor<?x16xf32>, tensor<?x1xi32>
}
