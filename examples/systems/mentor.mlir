// MENTOR: the actor of a visual reinforcement learning agent. A two-layer router
// picks 4 of 16 two-layer ReLU experts with biases, whose width in and out differ.
//
// Scores are an ordinary MLP; weights are the selected probabilities, divided by
// their sum plus 1e-9. Rows of the batch are the tokens.
//
// Source: MENTOR, Mixture-of-Experts Network with Task-Oriented Perturbation for
// Visual Reinforcement Learning; moe.py of github.com/suninghuang19/mentor.

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @router_1(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @router_2(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @w1(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x16x20xf32>
ml_program.global private @b1(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x20xf32>
ml_program.global private @w2(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x20x12xf32>
ml_program.global private @b2(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x12xf32>

func.func @main(%h: tensor<?x16xf32> {moe.name = "h", moe.dims = ["T", "16"]})
    -> (tensor<?x12xf32> {moe.name = "y", moe.dims = ["T", "12"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %router_1 = ml_program.global_load_const @router_1 : tensor<16x24xf32>
  %router_2 = ml_program.global_load_const @router_2 : tensor<24x16xf32>
  %w1 = ml_program.global_load_const @w1 : tensor<16x16x20xf32>
  %b1 = ml_program.global_load_const @b1 : tensor<16x20xf32>
  %w2 = ml_program.global_load_const @w2 : tensor<16x20x12xf32>
  %b2 = ml_program.global_load_const @b2 : tensor<16x12xf32>
  %T = tensor.dim %h, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x24xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%h, %router_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %hidden = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %max = arith.maximumf %a, %f0.0 : f32
    linalg.yield %max : f32
  } -> tensor<?x24xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_1 = linalg.matmul ins(%hidden, %router_2 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %p = linalg.softmax dimension(1) ins(%matmul_1 : tensor<?x16xf32>) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %ids = moe.select #moe.top_k<4> scores(%p : tensor<?x16xf32>) -> tensor<?x4xi32>
  %w = moe.weigh sum %p, %ids {eps = 1.0e-9 : f64} : tensor<?x16xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %plan = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 16, slots = 4>
  %rows = moe.dispatch %h by %plan : tensor<?x16xf32>, !moe.plan<experts = 16, slots = 4> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%w1, %b1, %w2, %b2 : tensor<16x16x20xf32>, tensor<16x20xf32>, tensor<16x20x12xf32>, tensor<16x12xf32>) : !moe.plan<experts = 16, slots = 4> -> tensor<?x12xf32> {
  ^bb0(%x: tensor<?x16xf32>, %up: tensor<16x20xf32>, %up_bias: tensor<20xf32>, %down: tensor<20x12xf32>, %down_bias: tensor<12xf32>, %expert: index):
    %count = tensor.dim %x, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x20xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x20xf32>) -> tensor<?x20xf32>
    %matmul_2 = linalg.matmul ins(%x, %up : tensor<?x16xf32>, tensor<16x20xf32>) outs(%zero_2 : tensor<?x20xf32>) -> tensor<?x20xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %up_bias : tensor<?x20xf32>, tensor<20xf32>) outs(%empty_2 : tensor<?x20xf32>) {
    ^bb0(%u: f32, %bias: f32, %out: f32):
      %add = arith.addf %u, %bias : f32
      %max = arith.maximumf %add, %f0.0 : f32
      linalg.yield %max : f32
    } -> tensor<?x20xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x12xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x12xf32>) -> tensor<?x12xf32>
    %matmul_3 = linalg.matmul ins(%a, %down : tensor<?x20xf32>, tensor<20x12xf32>) outs(%zero_3 : tensor<?x12xf32>) -> tensor<?x12xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3, %down_bias : tensor<?x12xf32>, tensor<12xf32>) outs(%empty_3 : tensor<?x12xf32>) {
    ^bb0(%a_1: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a_1, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x12xf32>
    moe.yield %add : tensor<?x12xf32>
  }
  %empty_2 = tensor.empty(%T) : tensor<?x12xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x12xf32>) -> tensor<?x12xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x4xf32>) init(%zero_2 : tensor<?x12xf32>) : tensor<?x12xf32>, !moe.plan<experts = 16, slots = 4> -> tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}
