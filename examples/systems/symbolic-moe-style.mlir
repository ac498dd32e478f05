// Symbolic-MoE: models are recruited for each question by the skills that it needs. A
// model's score is the sum of its profile over the question's skills, times its global
// competency; the best 3 of 16 answer, and an aggregator reads their answers in rank
// order.
//
// The granularity is a question, the experts are models (small networks here). Each
// model runs once for all questions that recruited it, which is the batching that the
// paper schedules.
//
// Source: Symbolic Mixture-of-Experts, Adaptive Skill-based Routing for Heterogeneous
// Reasoning. The form of the score is not verified.

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @profile(#moe.random<seed = 1, std = 1.0 : f64>) : tensor<10x16xf32>
ml_program.global private @competency(#moe.random<seed = 2, std = 1.0 : f64>) : tensor<16xf32>
ml_program.global private @up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x16x24xf32>
ml_program.global private @down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x24x8xf32>
ml_program.global private @aggregate(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<24x8xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["B", "16"]},
    %skills: tensor<?x10xf32> {moe.name = "skills", moe.dims = ["B", "10"]})
    -> (tensor<?x8xf32> {moe.name = "y", moe.dims = ["B", "8"]},
        tensor<?x3xi32> {moe.name = "ids", moe.dims = ["B", "3"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %profile = ml_program.global_load_const @profile : tensor<10x16xf32>
  %competency = ml_program.global_load_const @competency : tensor<16xf32>
  %up = ml_program.global_load_const @up : tensor<16x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<16x24x8xf32>
  %aggregate = ml_program.global_load_const @aggregate : tensor<24x8xf32>
  %B = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%B) : tensor<?x16xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul = linalg.matmul ins(%skills, %profile : tensor<?x10xf32>, tensor<10x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %competency : tensor<?x16xf32>, tensor<16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%s_1: f32, %c: f32, %out: f32):
    %mul = arith.mulf %s_1, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %ids = moe.select #moe.top_k<3> scores(%s : tensor<?x16xf32>) -> tensor<?x3xi32>
  %plan = moe.plan %ids : tensor<?x3xi32> -> !moe.plan<experts = 16, slots = 3>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 16, slots = 3> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up, %down : tensor<16x16x24xf32>, tensor<16x24x8xf32>) : !moe.plan<experts = 16, slots = 3> -> tensor<?x8xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x8xf32>, %expert: index):
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
    %empty_2 = tensor.empty(%count) : tensor<?x8xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %down_1 : tensor<?x24xf32>, tensor<24x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    moe.yield %matmul_2 : tensor<?x8xf32>
  }
  %empty_1 = tensor.empty(%B) : tensor<?x3x8xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x3x8xf32>) -> tensor<?x3x8xf32>
  %answers = moe.slots %outs by %plan init(%zero_1 : tensor<?x3x8xf32>) : tensor<?x8xf32>, !moe.plan<experts = 16, slots = 3> -> tensor<?x3x8xf32>
  %collapsed = tensor.collapse_shape %answers [[0], [1, 2]] : tensor<?x3x8xf32> into tensor<?x24xf32>
  %empty_2 = tensor.empty(%B) : tensor<?x8xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = linalg.matmul ins(%collapsed, %aggregate : tensor<?x24xf32>, tensor<24x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y, %ids : tensor<?x8xf32>, tensor<?x3xi32>
}
