// FlexOlmo: experts that were trained apart, on data that stays with its owners, are
// joined by router rows that belong to their domain. Expert 0 is the public one; the
// others have a bias that may only lower their score. Top-2, weights are the
// probabilities.
//
// Whoever opts out for one request is masked: a score of minus infinity and no part of
// the softmax. Whoever opts out for good is a smaller parameter.
//
// Source: FlexOlmo, Open Language Models for Flexible Data Use; github.com/allenai/FlexOlmo.

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<5x16xf32>
ml_program.global private mutable @bias(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<5xf32>
ml_program.global private @gate(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<5x16x24xf32>
ml_program.global private @up(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<5x16x24xf32>
ml_program.global private @down(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<5x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %enabled: tensor<5xi1> {moe.name = "enabled", moe.dims = ["5"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<5x16xf32>
  %bias = ml_program.global_load @bias : tensor<5xf32>
  %gate = ml_program.global_load_const @gate : tensor<5x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<5x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<5x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x5xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x5xf32>) -> tensor<?x5xf32>
  %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %router : tensor<?x16xf32>, tensor<5x16xf32>) outs(%zero : tensor<?x5xf32>) -> tensor<?x5xf32>
  %adjusted = linalg.generic {indexing_maps = [#ij, #ij_j, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %bias, %enabled : tensor<?x5xf32>, tensor<5xf32>, tensor<5xi1>) outs(%empty : tensor<?x5xf32>) {
  ^bb0(%s_1: f32, %bias_1: f32, %enabled_1: i1, %out: f32):
    %own = arith.minimumf %bias_1, %f0.0 : f32
    %i1 = linalg.index 1 : index
    %eq = arith.cmpi eq, %i1, %c0 : index
    %add = arith.addf %s_1, %own : f32
    %biased = arith.select %eq, %s_1, %add : f32
    %select = arith.select %enabled_1, %biased, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x5xf32>
  %p = linalg.softmax dimension(1) ins(%adjusted : tensor<?x5xf32>) outs(%empty : tensor<?x5xf32>) -> tensor<?x5xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x5xi1>
  %map = linalg.generic {indexing_maps = [#ij_j, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%enabled, %p : tensor<5xi1>, tensor<?x5xf32>) outs(%empty_1 : tensor<?x5xi1>) {
  ^bb0(%enabled_1: i1, %p_1: f32, %out: i1):
    linalg.yield %enabled_1 : i1
  } -> tensor<?x5xi1>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x5xf32>) mask(%map : tensor<?x5xi1>) -> tensor<?x2xi32>
  %w = moe.weigh none %p, %ids : tensor<?x5xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 5, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<5x16x24xf32>, tensor<5x16x24xf32>, tensor<5x24x16xf32>) : !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_2 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%a, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32>
  return %y, %ids : tensor<?x16xf32>, tensor<?x2xi32>
}
