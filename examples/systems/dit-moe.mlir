// DiT-MoE: a diffusion transformer whose feed-forward layers have 2 shared experts
// beside the routed ones. Top-2 of the probabilities, which are not renormalised;
// the shared experts are one SwiGLU of twice the width, added to every token.
//
// The block's modulation by time step and class (adaLN-Zero) enters as three vectors
// of each token: scale and shift before the layer, a gate behind it.
//
// Source: Scaling Diffusion Transformers to 16 Billion Parameters;
// github.com/feizc/DiT-MoE.

#ij = affine_map<(i, j) -> (i, j)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @gate_proj(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<4x24x16xf32>
ml_program.global private @up_proj(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x24x16xf32>
ml_program.global private @down_proj(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @shared_gate(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<48x16xf32>
ml_program.global private @shared_up(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<48x16xf32>
ml_program.global private @shared_down(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<16x48xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %scale: tensor<?x16xf32> {moe.name = "scale", moe.dims = ["T", "16"]},
    %shift: tensor<?x16xf32> {moe.name = "shift", moe.dims = ["T", "16"]},
    %gate: tensor<?x16xf32> {moe.name = "gate", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f1.0 = arith.constant 1.0 : f32
  %f0.0 = arith.constant 0.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %gate_proj = ml_program.global_load_const @gate_proj : tensor<4x24x16xf32>
  %up_proj = ml_program.global_load_const @up_proj : tensor<4x24x16xf32>
  %down_proj = ml_program.global_load_const @down_proj : tensor<4x16x24xf32>
  %shared_gate = ml_program.global_load_const @shared_gate : tensor<48x16xf32>
  %shared_up = ml_program.global_load_const @shared_up : tensor<48x16xf32>
  %shared_down = ml_program.global_load_const @shared_down : tensor<16x48xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %h = linalg.generic {indexing_maps = [#ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %scale, %shift : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %scale_1: f32, %shift_1: f32, %out: f32):
    %add = arith.addf %f1.0, %scale_1 : f32
    %mul = arith.mulf %x_1, %add : f32
    %add_1 = arith.addf %mul, %shift_1 : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%h, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh none %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows = moe.dispatch %h by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate_proj, %up_proj, %down_proj : tensor<4x24x16xf32>, tensor<4x24x16xf32>, tensor<4x16x24xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<24x16xf32>, %up: tensor<24x16xf32>, %down: tensor<16x24xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x_1, %up : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_2 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_1: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_1 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%a, %down : tensor<?x24xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %routed = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x48xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x48xf32>) -> tensor<?x48xf32>
  %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%h, %shared_gate : tensor<?x16xf32>, tensor<48x16xf32>) outs(%zero_2 : tensor<?x48xf32>) -> tensor<?x48xf32>
  %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%h, %shared_up : tensor<?x16xf32>, tensor<48x16xf32>) outs(%zero_2 : tensor<?x48xf32>) -> tensor<?x48xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x48xf32>, tensor<?x48xf32>) outs(%empty_2 : tensor<?x48xf32>) {
  ^bb0(%gate_1: f32, %up: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x48xf32>
  %matmul_3 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%a, %shared_down : tensor<?x48xf32>, tensor<16x48xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = linalg.generic {indexing_maps = [#ij, #ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %gate, %routed, %matmul_3 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %gate_1: f32, %routed_1: f32, %shared: f32, %out: f32):
    %add = arith.addf %routed_1, %shared : f32
    %mul = arith.mulf %gate_1, %add : f32
    %add_1 = arith.addf %x_1, %mul : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  return %y, %ids : tensor<?x16xf32>, tensor<?x2xi32>
}
