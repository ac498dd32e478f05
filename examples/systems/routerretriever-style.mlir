// RouterRetriever: embedding models for different domains, one of which embeds a query.
// A base model's embedding is compared to three pilot embeddings of each domain; the
// domain with the highest mean cosine wins.
//
// Experts are low-rank changes of the base encoder. A domain that is switched off is a
// column of the mask; its pilots do not touch the scores of the others.
//
// Source: RouterRetriever, Routing over a Mixture of Expert Embedding Models. How the
// pilots of a domain are reduced is not verified.

#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @base(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @pilots(#moe.random<seed = 2, std = 1.0 : f64>) : tensor<5x3x16xf32>
ml_program.global private @a(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<5x16x2xf32>
ml_program.global private @b(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<5x2x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["B", "16"]},
    %enabled: tensor<5xi1> {moe.name = "enabled", moe.dims = ["5"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["B", "16"]},
        tensor<?x5xf32> {moe.name = "s", moe.dims = ["B", "5"]},
        tensor<?x1xi32> {moe.name = "ids", moe.dims = ["B", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0e-12 = arith.constant 1.0e-12 : f32
  %f0.3333333333333333 = arith.constant 0.3333333333333333 : f32
  %base = ml_program.global_load_const @base : tensor<16x16xf32>
  %pilots = ml_program.global_load_const @pilots : tensor<5x3x16xf32>
  %a = ml_program.global_load_const @a : tensor<5x16x2xf32>
  %b = ml_program.global_load_const @b : tensor<5x2x16xf32>
  %B = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%B) : tensor<?x16xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul = linalg.matmul ins(%x, %base : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %query = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %out: f32):
    %tanh = math.tanh %a_1 : f32
    linalg.yield %tanh : f32
  } -> tensor<?x16xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%query : tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%B) : tensor<?xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%query, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %pilots_1 = tensor.collapse_shape %pilots [[0, 1], [2]] : tensor<5x3x16xf32> into tensor<15x16xf32>
  %empty_2 = tensor.empty() : tensor<15x16xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%pilots_1 : tensor<15x16xf32>) outs(%empty_2 : tensor<15x16xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<15x16xf32>
  %empty_3 = tensor.empty() : tensor<15xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<15xf32>) -> tensor<15xf32>
  %squares_1 = linalg.reduce { arith.addf } ins(%map_2 : tensor<15x16xf32>) outs(%zero_2 : tensor<15xf32>) dimensions = [1]
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%pilots_1, %squares_1 : tensor<15x16xf32>, tensor<15xf32>) outs(%empty_2 : tensor<15x16xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<15x16xf32>
  %empty_4 = tensor.empty(%B) : tensor<?x15xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x15xf32>) -> tensor<?x15xf32>
  %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_1, %map_3 : tensor<?x16xf32>, tensor<15x16xf32>) outs(%zero_3 : tensor<?x15xf32>) -> tensor<?x15xf32>
  %cosines = tensor.expand_shape %matmul_1 [[0], [1, 2]] output_shape [%B, 5, 3] : tensor<?x15xf32> into tensor<?x5x3xf32>
  %empty_5 = tensor.empty(%B) : tensor<?x5xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x5xf32>) -> tensor<?x5xf32>
  %sum = linalg.reduce { arith.addf } ins(%cosines : tensor<?x5x3xf32>) outs(%zero_4 : tensor<?x5xf32>) dimensions = [2]
  %s = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum : tensor<?x5xf32>) outs(%empty_5 : tensor<?x5xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.3333333333333333 : f32
    linalg.yield %mul : f32
  } -> tensor<?x5xf32>
  %empty_6 = tensor.empty(%B) : tensor<?x5xi1>
  %mask = linalg.generic {indexing_maps = [#ij_j, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%enabled, %s : tensor<5xi1>, tensor<?x5xf32>) outs(%empty_6 : tensor<?x5xi1>) {
  ^bb0(%enabled_1: i1, %s_1: f32, %out: i1):
    linalg.yield %enabled_1 : i1
  } -> tensor<?x5xi1>
  %ids = moe.select #moe.top_k<1> scores(%s : tensor<?x5xf32>) mask(%mask : tensor<?x5xi1>) -> tensor<?x1xi32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 5, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 1> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%a, %b : tensor<5x16x2xf32>, tensor<5x2x16xf32>) : !moe.plan<experts = 5, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %a_1: tensor<16x2xf32>, %b_1: tensor<2x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_7 = tensor.empty(%count) : tensor<?x2xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %matmul_2 = linalg.matmul ins(%x_1, %a_1 : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_5 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %empty_8 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %change = linalg.matmul ins(%matmul_2, %b_1 : tensor<?x2xf32>, tensor<2x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %base : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %map_4 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3, %change : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_8 : tensor<?x16xf32>) {
    ^bb0(%base_1: f32, %change_1: f32, %out: f32):
      %add = arith.addf %base_1, %change_1 : f32
      %tanh = math.tanh %add : f32
      linalg.yield %tanh : f32
    } -> tensor<?x16xf32>
    moe.yield %map_4 : tensor<?x16xf32>
  }
  %y = moe.combine add %outs by %plan init(%zero : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 1> -> tensor<?x16xf32>
  return %y, %s, %ids : tensor<?x16xf32>, tensor<?x5xf32>, tensor<?x1xi32>
}
