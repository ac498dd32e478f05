// MixLoRA: experts that are low-rank changes (LoRA) of one frozen SwiGLU. Top-2 of a
// softmax, weights sum to 1. The base projections of gate and up are the same for all
// experts; each expert adds its own low-rank product in all three places.
//
// The base of gate and up is computed once for each token and dispatched beside it. The
// base of the last matrix stands behind the nonlinearity, so it runs on rows: captured in
// the experts' region it is one product without groups. The low-rank banks are parameters
// with one slice for each expert.
//
// Source: MixLoRA, Enhancing Large Language Models Fine-Tuning with LoRA-based
// Mixture of Experts; github.com/TUDB-Labs/MixLoRA.

#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @base_gate(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @base_up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @base_down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @gate_a(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<4x16x2xf32>
ml_program.global private @gate_b(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<4x2x24xf32>
ml_program.global private @up_a(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<4x16x2xf32>
ml_program.global private @up_b(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<4x2x24xf32>
ml_program.global private @down_a(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<4x24x2xf32>
ml_program.global private @down_b(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<4x2x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f2.0 = arith.constant 2.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %base_gate = ml_program.global_load_const @base_gate : tensor<16x24xf32>
  %base_up = ml_program.global_load_const @base_up : tensor<16x24xf32>
  %base_down = ml_program.global_load_const @base_down : tensor<24x16xf32>
  %gate_a = ml_program.global_load_const @gate_a : tensor<4x16x2xf32>
  %gate_b = ml_program.global_load_const @gate_b : tensor<4x2x24xf32>
  %up_a = ml_program.global_load_const @up_a : tensor<4x16x2xf32>
  %up_b = ml_program.global_load_const @up_b : tensor<4x2x24xf32>
  %down_a = ml_program.global_load_const @down_a : tensor<4x24x2xf32>
  %down_b = ml_program.global_load_const @down_b : tensor<4x2x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %empty_1 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %common_gate = linalg.matmul ins(%x, %base_gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %common_up = linalg.matmul ins(%x, %base_up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %rows_1 = moe.dispatch %common_gate by %plan : tensor<?x24xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x24xf32>
  %rows_2 = moe.dispatch %common_up by %plan : tensor<?x24xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x24xf32>
  %outs = moe.experts %plan rows(%rows, %rows_1, %rows_2 : tensor<?x16xf32>, tensor<?x24xf32>, tensor<?x24xf32>) params(%gate_a, %gate_b, %up_a, %up_b, %down_a, %down_b : tensor<4x16x2xf32>, tensor<4x2x24xf32>, tensor<4x16x2xf32>, tensor<4x2x24xf32>, tensor<4x24x2xf32>, tensor<4x2x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %common_gate_1: tensor<?x24xf32>, %common_up_1: tensor<?x24xf32>, %gate_a_1: tensor<16x2xf32>, %gate_b_1: tensor<2x24xf32>, %up_a_1: tensor<16x2xf32>, %up_b_1: tensor<2x24xf32>, %down_a_1: tensor<24x2xf32>, %down_b_1: tensor<2x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x2xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %gate_a_1 : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gate = linalg.matmul ins(%matmul_1, %gate_b_1 : tensor<?x2xf32>, tensor<2x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%x_1, %up_a_1 : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %up = linalg.matmul ins(%matmul_2, %up_b_1 : tensor<?x2xf32>, tensor<2x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%common_gate_1, %gate, %common_up_1, %up : tensor<?x24xf32>, tensor<?x24xf32>, tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%common_gate_2: f32, %gate_1: f32, %common_up_2: f32, %up_1: f32, %out: f32):
      %mul = arith.mulf %f2.0, %gate_1 : f32
      %add = arith.addf %common_gate_2, %mul : f32
      %neg = arith.negf %add : f32
      %exp = math.exp %neg : f32
      %add_1 = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add_1 : f32
      %mul_1 = arith.mulf %add, %div : f32
      %mul_2 = arith.mulf %f2.0, %up_1 : f32
      %add_2 = arith.addf %common_up_2, %mul_2 : f32
      %mul_3 = arith.mulf %mul_1, %add_2 : f32
      linalg.yield %mul_3 : f32
    } -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul ins(%a, %down_a_1 : tensor<?x24xf32>, tensor<24x2xf32>) outs(%zero_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %down = linalg.matmul ins(%matmul_3, %down_b_1 : tensor<?x2xf32>, tensor<2x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_4 = linalg.matmul ins(%a, %base_down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %map = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_4, %down : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%base: f32, %down_1: f32, %out: f32):
      %mul = arith.mulf %f2.0, %down_1 : f32
      %add = arith.addf %base, %mul : f32
      linalg.yield %add : f32
    } -> tensor<?x16xf32>
    moe.yield %map : tensor<?x16xf32>
  }
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
