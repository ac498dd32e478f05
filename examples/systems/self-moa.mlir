// Self-MoA: the best model answers several times, and its answers are aggregated two
// at a time with the current synthesis, in a sliding window.
//
// Models are pure functions here: an answer depends on the prompt and on the noise of
// its sampling. Five answers and a window of three make two calls of the aggregator;
// taps name every call.
//
// Source: Rethinking Mixture-of-Agents, Is Mixing Different Large Language Models
// Beneficial?

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @model.up(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @model.down(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @aggregator.up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<64x24xf32>
ml_program.global private @aggregator.down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<24x16xf32>

func.func @main(%prompt: tensor<?x16xf32> {moe.name = "prompt", moe.dims = ["T", "16"]},
    %noise: tensor<5x16xf32> {moe.name = "noise", moe.dims = ["5", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %model.up = ml_program.global_load_const @model.up : tensor<16x24xf32>
  %model.down = ml_program.global_load_const @model.down : tensor<24x16xf32>
  %aggregator.up = ml_program.global_load_const @aggregator.up : tensor<64x24xf32>
  %aggregator.down = ml_program.global_load_const @aggregator.down : tensor<24x16xf32>
  %T = tensor.dim %prompt, %c0 : tensor<?x16xf32>
  %answers = tensor.extract_slice %noise[0, 0] [1, 16] [1, 1] : tensor<5x16xf32> to tensor<16xf32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %h = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%prompt, %answers : tensor<?x16xf32>, tensor<16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x: f32, %n: f32, %out: f32):
    %add = arith.addf %x, %n : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x24xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%h, %model.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_1 = linalg.matmul ins(%gelu, %model.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  moe.tap "answer.0" %matmul_1 : tensor<?x16xf32>
  %answers_1 = tensor.extract_slice %noise[1, 0] [1, 16] [1, 1] : tensor<5x16xf32> to tensor<16xf32>
  %h_1 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%prompt, %answers_1 : tensor<?x16xf32>, tensor<16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x: f32, %n: f32, %out: f32):
    %add = arith.addf %x, %n : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%h_1, %model.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_3 = linalg.matmul ins(%gelu_1, %model.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  moe.tap "answer.1" %matmul_3 : tensor<?x16xf32>
  %answers_2 = tensor.extract_slice %noise[2, 0] [1, 16] [1, 1] : tensor<5x16xf32> to tensor<16xf32>
  %h_2 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%prompt, %answers_2 : tensor<?x16xf32>, tensor<16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x: f32, %n: f32, %out: f32):
    %add = arith.addf %x, %n : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %matmul_4 = linalg.matmul ins(%h_2, %model.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_4 : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_5 = linalg.matmul ins(%gelu_2, %model.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  moe.tap "answer.2" %matmul_5 : tensor<?x16xf32>
  %answers_3 = tensor.extract_slice %noise[3, 0] [1, 16] [1, 1] : tensor<5x16xf32> to tensor<16xf32>
  %h_3 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%prompt, %answers_3 : tensor<?x16xf32>, tensor<16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x: f32, %n: f32, %out: f32):
    %add = arith.addf %x, %n : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %matmul_6 = linalg.matmul ins(%h_3, %model.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_6 : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_7 = linalg.matmul ins(%gelu_3, %model.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  moe.tap "answer.3" %matmul_7 : tensor<?x16xf32>
  %answers_4 = tensor.extract_slice %noise[4, 0] [1, 16] [1, 1] : tensor<5x16xf32> to tensor<16xf32>
  %h_4 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%prompt, %answers_4 : tensor<?x16xf32>, tensor<16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x: f32, %n: f32, %out: f32):
    %add = arith.addf %x, %n : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %matmul_8 = linalg.matmul ins(%h_4, %model.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_4 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_8 : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_9 = linalg.matmul ins(%gelu_4, %model.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  moe.tap "answer.4" %matmul_9 : tensor<?x16xf32>
  %h_5 = tensor.concat dim(1) %prompt, %matmul_1, %matmul_3, %matmul_5 : (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x64xf32>
  %matmul_10 = linalg.matmul ins(%h_5, %aggregator.up : tensor<?x64xf32>, tensor<64x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_5 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_10 : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_11 = linalg.matmul ins(%gelu_5, %aggregator.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  moe.tap "synthesis.0" %matmul_11 : tensor<?x16xf32>
  %h_6 = tensor.concat dim(1) %prompt, %matmul_11, %matmul_7, %matmul_9 : (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x64xf32>
  %matmul_12 = linalg.matmul ins(%h_6, %aggregator.up : tensor<?x64xf32>, tensor<64x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_6 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_12 : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_13 = linalg.matmul ins(%gelu_6, %aggregator.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  moe.tap "synthesis.1" %matmul_13 : tensor<?x16xf32>
  return %matmul_13 : tensor<?x16xf32>
}
