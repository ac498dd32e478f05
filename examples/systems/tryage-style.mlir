// Tryage: a router predicts the loss of each model on a prompt and sends it to the one
// with the least loss plus costs. Costs (size, age) are constants of the models; how
// much each counts comes with the prompt.
//
// The smallest sum is the best of the negated sums; the factors are an argument of each
// prompt.
//
// Source: Tryage, Real-time, intelligent Routing of User Prompts to Large Language
// Models. The form of the objective is not verified.

#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @predict.w1(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @predict.w2(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<24x5xf32>
ml_program.global private @costs(#moe.random<seed = 3, std = 1.0 : f64>) : tensor<2x5xf32>
ml_program.global private @up(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<5x16x24xf32>
ml_program.global private @down(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<5x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["B", "16"]},
    %factors: tensor<?x2xf32> {moe.name = "factors", moe.dims = ["B", "2"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["B", "16"]},
        tensor<?x5xf32> {moe.name = "loss", moe.dims = ["B", "5"]},
        tensor<?x1xi32> {moe.name = "ids", moe.dims = ["B", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %predict.w1 = ml_program.global_load_const @predict.w1 : tensor<16x24xf32>
  %predict.w2 = ml_program.global_load_const @predict.w2 : tensor<24x5xf32>
  %costs = ml_program.global_load_const @costs : tensor<2x5xf32>
  %up = ml_program.global_load_const @up : tensor<5x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<5x24x16xf32>
  %B = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%B) : tensor<?x24xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%x, %predict.w1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %empty_1 = tensor.empty(%B) : tensor<?x5xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x5xf32>) -> tensor<?x5xf32>
  %loss = linalg.matmul ins(%gelu, %predict.w2 : tensor<?x24xf32>, tensor<24x5xf32>) outs(%zero_1 : tensor<?x5xf32>) -> tensor<?x5xf32>
  %cost = linalg.matmul ins(%factors, %costs : tensor<?x2xf32>, tensor<2x5xf32>) outs(%zero_1 : tensor<?x5xf32>) -> tensor<?x5xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%loss, %cost : tensor<?x5xf32>, tensor<?x5xf32>) outs(%empty_1 : tensor<?x5xf32>) {
  ^bb0(%loss_1: f32, %cost_1: f32, %out: f32):
    %add = arith.addf %loss_1, %cost_1 : f32
    %neg = arith.negf %add : f32
    linalg.yield %neg : f32
  } -> tensor<?x5xf32>
  %ids = moe.select #moe.top_k<1> scores(%s : tensor<?x5xf32>) -> tensor<?x1xi32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 5, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 1> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up, %down : tensor<5x16x24xf32>, tensor<5x24x16xf32>) : !moe.plan<experts = 5, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
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
    %matmul_2 = linalg.matmul ins(%gelu_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %empty_2 = tensor.empty(%B) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan init(%zero_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 1> -> tensor<?x16xf32>
  return %y, %loss, %ids : tensor<?x16xf32>, tensor<?x5xf32>, tensor<?x1xi32>
}
