// Tutel: a cosine router with a learned, bounded temperature; any number of experts for
// a token; three kinds of capacity. A factor above 0 fixes how many tokens an expert
// takes, 0 means as many as needed, below 0 the factor's amount is an upper bound.
//
// k and the factor are arguments of the call. Who comes first keeps the place: all
// first choices before the second ones. No expert ever needs more than T places, which
// is the capacity that stands for "as many as needed".
//
// Source: Tutel, Adaptive Mixture-of-Experts at Scale; github.com/microsoft/tutel. Its
// parallel plans are not shown.

#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_0 = affine_map<(i, j) -> (0)>

ml_program.global private @project(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x12xf32>
ml_program.global private @experts(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<8x12xf32>
ml_program.global private @log_temperature(#moe.random<seed = 3, std = 1.0 : f64>) : tensor<1xf32>
ml_program.global private @up(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<8x16x24xf32>
ml_program.global private @down(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<8x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %k: tensor<1xi32> {moe.name = "k", moe.dims = ["1"]},
    %factor: tensor<1xf32> {moe.name = "factor", moe.dims = ["1"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x8xi32> {moe.name = "ids", moe.dims = ["T", "8"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0e-12 = arith.constant 1.0e-12 : f32
  %f4.605170185988092 = arith.constant 4.605170185988092 : f32
  %c8_i32 = arith.constant 8 : i32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %project = ml_program.global_load_const @project : tensor<16x12xf32>
  %experts = ml_program.global_load_const @experts : tensor<8x12xf32>
  %log_temperature = ml_program.global_load_const @log_temperature : tensor<1xf32>
  %up = ml_program.global_load_const @up : tensor<8x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<8x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %k_1 = tensor.extract %k[%c0] : tensor<1xi32>
  %factor_1 = tensor.extract %factor[%c0] : tensor<1xf32>
  %empty = tensor.empty(%T) : tensor<?x12xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x12xf32>) -> tensor<?x12xf32>
  %projected = linalg.matmul ins(%x, %project : tensor<?x16xf32>, tensor<16x12xf32>) outs(%zero : tensor<?x12xf32>) -> tensor<?x12xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%projected : tensor<?x12xf32>) outs(%empty : tensor<?x12xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x12xf32>
  %empty_1 = tensor.empty(%T) : tensor<?xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x12xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%projected, %squares : tensor<?x12xf32>, tensor<?xf32>) outs(%empty : tensor<?x12xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<?x12xf32>
  %empty_2 = tensor.empty() : tensor<8x12xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%experts : tensor<8x12xf32>) outs(%empty_2 : tensor<8x12xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<8x12xf32>
  %empty_3 = tensor.empty() : tensor<8xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<8xf32>) -> tensor<8xf32>
  %squares_1 = linalg.reduce { arith.addf } ins(%map_2 : tensor<8x12xf32>) outs(%zero_2 : tensor<8xf32>) dimensions = [1]
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%experts, %squares_1 : tensor<8x12xf32>, tensor<8xf32>) outs(%empty_2 : tensor<8x12xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<8x12xf32>
  %empty_4 = tensor.empty(%T) : tensor<?x8xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %cosine = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_1, %map_3 : tensor<?x12xf32>, tensor<8x12xf32>) outs(%zero_3 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %map_4 = linalg.generic {indexing_maps = [#ij, #ij_0, #ij], iterator_types = ["parallel", "parallel"]} ins(%cosine, %log_temperature : tensor<?x8xf32>, tensor<1xf32>) outs(%empty_4 : tensor<?x8xf32>) {
  ^bb0(%s: f32, %log_t: f32, %out: f32):
    %min = arith.minimumf %log_t, %f4.605170185988092 : f32
    %exp = math.exp %min : f32
    %mul = arith.mulf %s, %exp : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%map_4 : tensor<?x8xf32>) outs(%empty_4 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %best = moe.select #moe.top_k<?, max = 8> scores(%p : tensor<?x8xf32>) params(%k_1 : i32) -> tensor<?x8xi32>
  %w = moe.weigh sum %p, %best : tensor<?x8xf32>, tensor<?x8xi32> -> tensor<?x8xf32>
  %T_1 = arith.index_cast %T : index to i32
  %div = arith.ceildivsi %T_1, %c8_i32 : i32
  %mul = arith.muli %k_1, %div : i32
  %share = arith.sitofp %mul : i32 to f32
  %abs = math.absf %factor_1 : f32
  %mul_1 = arith.mulf %share, %abs : f32
  %ceil = math.ceil %mul_1 : f32
  %fixed = arith.fptosi %ceil : f32 to i32
  %gt = arith.cmpf ogt, %factor_1, %f0.0 : f32
  %lt = arith.cmpf olt, %factor_1, %f0.0 : f32
  %min = arith.minsi %fixed, %T_1 : i32
  %select = arith.select %lt, %min, %T_1 : i32
  %capacity = arith.select %gt, %fixed, %select : i32
  %ids = moe.limit slot %best capacity(%capacity) experts = 8 : tensor<?x8xi32> -> tensor<?x8xi32>
  %plan = moe.plan %ids : tensor<?x8xi32> -> !moe.plan<experts = 8, slots = 8>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 8> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up, %down : tensor<8x16x24xf32>, tensor<8x24x16xf32>) : !moe.plan<experts = 8, slots = 8> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_5 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul_2 = arith.mulf %f0.5, %a : f32
      %mul_3 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_3 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_4 = arith.mulf %mul_2, %add : f32
      linalg.yield %mul_4 : f32
    } -> tensor<?x24xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %empty_5 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x8xf32>) init(%zero_4 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 8> -> tensor<?x16xf32>
  return %y, %ids : tensor<?x16xf32>, tensor<?x8xi32>
}
