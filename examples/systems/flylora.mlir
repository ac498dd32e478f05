// FlyLoRA: the frozen sparse down-projection of a low-rank adapter is the router. The
// 4 of 16 ranks with the largest |Ax + d| are used, d being a bias that keeps the load
// even; what is multiplied is Ax without the bias.
//
// The scores are the activations: A is multiplied once, and each expert scales its
// column of B by its own entry of Ax, which is the routing weight.
//
// Source: FlyLoRA, Boosting Task Decoupling and Parameter Efficiency via Implicit
// Rank-Wise Mixture-of-Experts; github.com/gfyddha/FlyLoRA.

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>

ml_program.global private @base(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<32x20xf32>
ml_program.global private @a(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<32x16xf32>
ml_program.global private mutable @d(#moe.random<seed = 3, std = 0.05 : f64>) : tensor<16xf32>
ml_program.global private @b(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x20xf32>

func.func @main(%x: tensor<?x32xf32> {moe.name = "x", moe.dims = ["T", "32"]})
    -> (tensor<?x20xf32> {moe.name = "y", moe.dims = ["T", "20"]},
        tensor<?x4xi32> {moe.name = "ids", moe.dims = ["T", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %base = ml_program.global_load_const @base : tensor<32x20xf32>
  %a = ml_program.global_load_const @a : tensor<32x16xf32>
  %d = ml_program.global_load @d : tensor<16xf32>
  %b = ml_program.global_load_const @b : tensor<16x20xf32>
  %T = tensor.dim %x, %c0 : tensor<?x32xf32>
  %empty = tensor.empty(%T) : tensor<?x20xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x20xf32>) -> tensor<?x20xf32>
  %base_1 = linalg.matmul ins(%x, %base : tensor<?x32xf32>, tensor<32x20xf32>) outs(%zero : tensor<?x20xf32>) -> tensor<?x20xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %a_1 = linalg.matmul ins(%x, %a : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%a_1, %d : tensor<?x16xf32>, tensor<16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%a_2: f32, %d_1: f32, %out: f32):
    %add = arith.addf %a_2, %d_1 : f32
    %abs = math.absf %add : f32
    linalg.yield %abs : f32
  } -> tensor<?x16xf32>
  %ids = moe.select #moe.top_k<4> scores(%s : tensor<?x16xf32>) -> tensor<?x4xi32>
  %w = moe.weigh none %a_1, %ids {scale = 0.5 : f64} : tensor<?x16xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %plan = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 16, slots = 4>
  %slice = tensor.extract_slice %x[0, 0] [%T, 1] [1, 1] : tensor<?x32xf32> to tensor<?x1xf32>
  %rows = moe.dispatch %slice by %plan : tensor<?x1xf32>, !moe.plan<experts = 16, slots = 4> -> tensor<?x1xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x1xf32>) params(%b : tensor<16x20xf32>) : !moe.plan<experts = 16, slots = 4> -> tensor<?x20xf32> {
  ^bb0(%x_1: tensor<?x1xf32>, %b_1: tensor<20xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x1xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x20xf32>
    %map = linalg.generic {indexing_maps = [#ij_i0, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %b_1 : tensor<?x1xf32>, tensor<20xf32>) outs(%empty_2 : tensor<?x20xf32>) {
    ^bb0(%x_2: f32, %b_2: f32, %out: f32):
      linalg.yield %b_2 : f32
    } -> tensor<?x20xf32>
    moe.yield %map : tensor<?x20xf32>
  }
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x4xf32>) init(%base_1 : tensor<?x20xf32>) : tensor<?x20xf32>, !moe.plan<experts = 16, slots = 4> -> tensor<?x20xf32>
  return %y, %ids : tensor<?x20xf32>, tensor<?x4xi32>
}
