// MoRA: every rank of a low-rank adapter is an expert that activates itself. Its score
// is the cosine of its own input vector and the token; of the best 4 ranks those count
// whose probability is at least a threshold.
//
// There is no router: Ax is computed once, gives the scores and is what the ranks'
// output vectors are multiplied by. The host can switch ranks off by a bias of the
// scores, and so append ranks for a new task.
//
// Source: Little by Little, Continual Learning via Self-Activated Sparse Mixture-of-Rank
// Adaptive Learning. The normalisation is not verified.

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i) -> (i)>
#ij_i = affine_map<(i, j) -> (i)>
#ij_j = affine_map<(i, j) -> (j)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>

ml_program.global private @a(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<12x16xf32>
ml_program.global private mutable @off(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<12xf32>
ml_program.global private @b(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<12x20xf32>
ml_program.global private @base(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x20xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x20xf32> {moe.name = "y", moe.dims = ["T", "20"]},
        tensor<?x4xi32> {moe.name = "ids", moe.dims = ["T", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0e-12 = arith.constant 1.0e-12 : f32
  %f4.0 = arith.constant 4.0 : f32
  %a = ml_program.global_load_const @a : tensor<12x16xf32>
  %off = ml_program.global_load @off : tensor<12xf32>
  %b = ml_program.global_load_const @b : tensor<12x20xf32>
  %base = ml_program.global_load_const @base : tensor<16x20xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x12xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x12xf32>) -> tensor<?x12xf32>
  %a_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %a : tensor<?x16xf32>, tensor<12x16xf32>) outs(%zero : tensor<?x12xf32>) -> tensor<?x12xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<?xf32>) outs(%empty_2 : tensor<?xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %add = arith.addf %sum_1, %f1.0e-12 : f32
    %sqrt = math.sqrt %add : f32
    linalg.yield %sqrt : f32
  } -> tensor<?xf32>
  %empty_3 = tensor.empty() : tensor<12x16xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%a : tensor<12x16xf32>) outs(%empty_3 : tensor<12x16xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<12x16xf32>
  %empty_4 = tensor.empty() : tensor<12xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<12xf32>) -> tensor<12xf32>
  %sum_1 = linalg.reduce { arith.addf } ins(%map_2 : tensor<12x16xf32>) outs(%zero_2 : tensor<12xf32>) dimensions = [1]
  %map_3 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_1 : tensor<12xf32>) outs(%empty_4 : tensor<12xf32>) {
  ^bb0(%sum_2: f32, %out: f32):
    %add = arith.addf %sum_2, %f1.0e-12 : f32
    %sqrt = math.sqrt %add : f32
    linalg.yield %sqrt : f32
  } -> tensor<12xf32>
  %z = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%a_1, %map_1, %map_3, %off : tensor<?x12xf32>, tensor<?xf32>, tensor<12xf32>, tensor<12xf32>) outs(%empty : tensor<?x12xf32>) {
  ^bb0(%a_2: f32, %n: f32, %m: f32, %off_1: f32, %out: f32):
    %mul = arith.mulf %n, %m : f32
    %div = arith.divf %a_2, %mul : f32
    %mul_1 = arith.mulf %div, %f4.0 : f32
    %add = arith.addf %mul_1, %off_1 : f32
    linalg.yield %add : f32
  } -> tensor<?x12xf32>
  %p = linalg.softmax dimension(1) ins(%z : tensor<?x12xf32>) outs(%empty : tensor<?x12xf32>) -> tensor<?x12xf32>
  %ids = moe.select #moe.threshold<0.1, max = 4> scores(%p : tensor<?x12xf32>) -> tensor<?x4xi32>
  %weights = moe.weigh none %p, %ids : tensor<?x12xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %weights_1 = moe.weigh none %a_1, %ids : tensor<?x12xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %empty_5 = tensor.empty(%T) : tensor<?x4xf32>
  %w = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%weights, %weights_1 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%empty_5 : tensor<?x4xf32>) {
  ^bb0(%p_1: f32, %a_2: f32, %out: f32):
    %mul = arith.mulf %p_1, %a_2 : f32
    linalg.yield %mul : f32
  } -> tensor<?x4xf32>
  %plan = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 12, slots = 4>
  %slice = tensor.extract_slice %x[0, 0] [%T, 1] [1, 1] : tensor<?x16xf32> to tensor<?x1xf32>
  %rows = moe.dispatch %slice by %plan : tensor<?x1xf32>, !moe.plan<experts = 12, slots = 4> -> tensor<?x1xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x1xf32>) params(%b : tensor<12x20xf32>) : !moe.plan<experts = 12, slots = 4> -> tensor<?x20xf32> {
  ^bb0(%x_1: tensor<?x1xf32>, %b_1: tensor<20xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x1xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x20xf32>
    %map_4 = linalg.generic {indexing_maps = [#ij_i0, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %b_1 : tensor<?x1xf32>, tensor<20xf32>) outs(%empty_6 : tensor<?x20xf32>) {
    ^bb0(%x_2: f32, %b_2: f32, %out: f32):
      linalg.yield %b_2 : f32
    } -> tensor<?x20xf32>
    moe.yield %map_4 : tensor<?x20xf32>
  }
  %empty_6 = tensor.empty(%T) : tensor<?x20xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %matmul = linalg.matmul ins(%x, %base : tensor<?x16xf32>, tensor<16x20xf32>) outs(%zero_3 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x4xf32>) init(%matmul : tensor<?x20xf32>) : tensor<?x20xf32>, !moe.plan<experts = 12, slots = 4> -> tensor<?x20xf32>
  return %y, %ids : tensor<?x20xf32>, tensor<?x4xi32>
}
