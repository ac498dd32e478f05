// AdaMoE: null experts let each token choose how many experts it needs. Top-4 of 4
// true and 4 null experts; weights are the probabilities divided by their sum over
// the selected true experts. A token that chose only null experts gets zero.
//
// Experts 4 to 7 are null: their slots become -1 before the plan, so that they have
// no rows and cost nothing.
//
// Source: AdaMoE, Token-Adaptive Routing with Null Experts for Mixture-of-Experts;
// github.com/CengZihao/AdaMoE.

#ij = affine_map<(i, j) -> (i, j)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

ml_program.global private @true_router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @null_router(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @gate(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x24x16xf32>
ml_program.global private @up(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<4x24x16xf32>
ml_program.global private @down(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<4x16x24xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xi32> {moe.name = "ids", moe.dims = ["T", "4"]},
        tensor<i32> {moe.name = "assignments", moe.dims = []}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %c4_i32 = arith.constant 4 : i32
  %c-1_i32 = arith.constant -1 : i32
  %f1.0 = arith.constant 1.0 : f32
  %true_router = ml_program.global_load_const @true_router : tensor<16x4xf32>
  %null_router = ml_program.global_load_const @null_router : tensor<16x4xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x24x16xf32>
  %up = ml_program.global_load_const @up : tensor<4x24x16xf32>
  %down = ml_program.global_load_const @down : tensor<4x16x24xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %true_router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_1 = linalg.matmul ins(%x, %null_router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = tensor.concat dim(1) %matmul, %matmul_1 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x8xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %selected = moe.select #moe.top_k<4> scores(%p : tensor<?x8xf32>) -> tensor<?x4xi32>
  %empty_2 = tensor.empty(%T) : tensor<?x4xi32>
  %ids = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%selected : tensor<?x4xi32>) outs(%empty_2 : tensor<?x4xi32>) {
  ^bb0(%id: i32, %out: i32):
    %lt = arith.cmpi slt, %id, %c4_i32 : i32
    %select = arith.select %lt, %id, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x4xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x8xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %plan = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 4, slots = 4>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x24x16xf32>, tensor<4x24x16xf32>, tensor<4x16x24xf32>) : !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<24x16xf32>, %up_1: tensor<24x16xf32>, %down_1: tensor<16x24xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %matmul_3 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_4 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%a, %down_1 : tensor<?x24xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_4 : tensor<?x16xf32>
  }
  %empty_3 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x4xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  %rows_1 = moe.rows %plan : !moe.plan<experts = 4, slots = 4>
  %cast = arith.index_cast %rows_1 : index to i32
  %tensor = tensor.from_elements %cast : tensor<i32>
  return %y, %ids, %tensor : tensor<?x16xf32>, tensor<?x4xi32>, tensor<i32>
}
