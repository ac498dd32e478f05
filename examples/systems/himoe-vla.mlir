// HiMoE-VLA: the action transformer of a robot policy with two kinds of MoE layers by
// depth. At the ends, the data mask of the whole sample chooses one expert, which all
// tokens of the sample share (@action_space: no renormalisation, no shared expert).
// In between, each token chooses 4 experts, weights sum to 1, and a shared expert is
// added (@balanced).
//
// The sample's decision reaches its tokens by a lookup of ids and weights: routing
// decisions are tensors.
//
// Source: HiMoE-VLA; modeling_moe.py of github.com/ZhiyingDu/HiMoE-VLA.

#ij = affine_map<(i, j) -> (i, j)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

ml_program.global private @action.router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<24x3xf32>
ml_program.global private @action.gate(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<3x24x16xf32>
ml_program.global private @action.up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<3x24x16xf32>
ml_program.global private @action.down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<3x16x24xf32>
ml_program.global private @balanced.router(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @balanced.gate(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<8x24x16xf32>
ml_program.global private @balanced.up(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<8x24x16xf32>
ml_program.global private @balanced.down(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<8x16x24xf32>
ml_program.global private @shared.gate(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @shared.up(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @shared.down(#moe.random<seed = 11, std = 0.3 : f64>) : tensor<16x24xf32>

func.func @action_space(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %sample: tensor<?xi32> {moe.name = "sample", moe.dims = ["T"]},
    %mask: tensor<?x24xf32> {moe.name = "mask", moe.dims = ["B", "24"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %action.router = ml_program.global_load_const @action.router : tensor<24x3xf32>
  %action.gate = ml_program.global_load_const @action.gate : tensor<3x24x16xf32>
  %action.up = ml_program.global_load_const @action.up : tensor<3x24x16xf32>
  %action.down = ml_program.global_load_const @action.down : tensor<3x16x24xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %B = tensor.dim %mask, %c0 : tensor<?x24xf32>
  %empty = tensor.empty(%B) : tensor<?x3xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x3xf32>) -> tensor<?x3xf32>
  %matmul = linalg.matmul ins(%mask, %action.router : tensor<?x24xf32>, tensor<24x3xf32>) outs(%zero : tensor<?x3xf32>) -> tensor<?x3xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x3xf32>) outs(%empty : tensor<?x3xf32>) -> tensor<?x3xf32>
  %sample_ids = moe.select #moe.top_k<1> scores(%p : tensor<?x3xf32>) -> tensor<?x1xi32>
  %sample_w = moe.weigh none %p, %sample_ids : tensor<?x3xf32>, tensor<?x1xi32> -> tensor<?x1xf32>
  %ids = tensor.expand_shape %sample [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty_1 = tensor.empty(%T) : tensor<?x1xi32>
  %ids_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%ids : tensor<?x1xi32>) outs(%empty_1 : tensor<?x1xi32>) {
  ^bb0(%id: i32, %out: i32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %sample_ids[%cast, %i1] : tensor<?x1xi32>
    linalg.yield %element : i32
  } -> tensor<?x1xi32>
  %w = tensor.expand_shape %sample [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty_2 = tensor.empty(%T) : tensor<?x1xf32>
  %w_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<?x1xi32>) outs(%empty_2 : tensor<?x1xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %sample_w[%cast, %i1] : tensor<?x1xf32>
    linalg.yield %element : f32
  } -> tensor<?x1xf32>
  %plan = moe.plan %ids_1 : tensor<?x1xi32> -> !moe.plan<experts = 3, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%action.gate, %action.up, %action.down : tensor<3x24x16xf32>, tensor<3x24x16xf32>, tensor<3x16x24xf32>) : !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate: tensor<24x16xf32>, %up: tensor<24x16xf32>, %down: tensor<16x24xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x_1, %gate : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x_1, %up : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
      %neg = arith.negf %gate_1 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_1, %div : f32
      %mul_1 = arith.mulf %mul, %up_1 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%a, %down : tensor<?x24xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %empty_3 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w_1 : tensor<?x1xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

func.func @balanced(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %balanced.router = ml_program.global_load_const @balanced.router : tensor<16x8xf32>
  %balanced.gate = ml_program.global_load_const @balanced.gate : tensor<8x24x16xf32>
  %balanced.up = ml_program.global_load_const @balanced.up : tensor<8x24x16xf32>
  %balanced.down = ml_program.global_load_const @balanced.down : tensor<8x16x24xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<24x16xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<24x16xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<16x24xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x8xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul = linalg.matmul ins(%x, %balanced.router : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<4> scores(%p : tensor<?x8xf32>) -> tensor<?x4xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x8xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %plan = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 8, slots = 4>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%balanced.gate, %balanced.up, %balanced.down : tensor<8x24x16xf32>, tensor<8x24x16xf32>, tensor<8x16x24xf32>) : !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate: tensor<24x16xf32>, %up: tensor<24x16xf32>, %down: tensor<16x24xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x_1, %gate : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x_1, %up : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
    ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
      %neg = arith.negf %gate_1 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_1, %div : f32
      %mul_1 = arith.mulf %mul, %up_1 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%a, %down : tensor<?x24xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %empty_1 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %shared.gate : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %shared.up : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%gate: f32, %up: f32, %out: f32):
    %neg = arith.negf %gate : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate, %div : f32
    %mul_1 = arith.mulf %mul, %up : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%a, %shared.down : tensor<?x24xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x4xf32>) init(%matmul_3 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
