// DNMM: a density as a sum of three densities, each a network,
// with weights that do not depend on the input.
//
// The score is a parameter, all experts are selected, and the weights are its softmax
// (the same for every point). An expert is a Gaussian bump times the exponential of
// a bounded network, divided by its integral.
//
// Source: DNMM, deep neural mixture density.

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>
#ij_i = affine_map<(i, j) -> (i)>

ml_program.global private @c(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<3xf32>
ml_program.global private @centre(#moe.random<seed = 2, std = 1.0 : f64>) : tensor<3x2xf32>
ml_program.global private @up(#moe.random<seed = 3, std = 1.0 : f64>) : tensor<3x2x8xf32>
ml_program.global private @down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<3x8x1xf32>
ml_program.global private @integral(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<3x1xf32>

func.func @main(%x: tensor<?x2xf32> {moe.name = "x", moe.dims = ["T", "2"]})
    -> (tensor<?x1xf32> {moe.name = "y", moe.dims = ["T", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %c = ml_program.global_load_const @c : tensor<3xf32>
  %centre = ml_program.global_load_const @centre : tensor<3x2xf32>
  %up = ml_program.global_load_const @up : tensor<3x2x8xf32>
  %down = ml_program.global_load_const @down : tensor<3x8x1xf32>
  %integral = ml_program.global_load_const @integral : tensor<3x1xf32>
  %T = tensor.dim %x, %c0 : tensor<?x2xf32>
  %empty = tensor.empty(%T) : tensor<?x3xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x3xf32>) -> tensor<?x3xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%zero, %c : tensor<?x3xf32>, tensor<3xf32>) outs(%empty : tensor<?x3xf32>) {
  ^bb0(%z: f32, %c_1: f32, %out: f32):
    %add = arith.addf %z, %c_1 : f32
    linalg.yield %add : f32
  } -> tensor<?x3xf32>
  %p = linalg.softmax dimension(1) ins(%map : tensor<?x3xf32>) outs(%empty : tensor<?x3xf32>) -> tensor<?x3xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x3xi32>
  %ids = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%zero : tensor<?x3xf32>) outs(%empty_1 : tensor<?x3xi32>) {
  ^bb0(%z: f32, %out: i32):
    %i1 = linalg.index 1 : index
    %cast = arith.index_cast %i1 : index to i32
    linalg.yield %cast : i32
  } -> tensor<?x3xi32>
  %w = moe.weigh none %p, %ids : tensor<?x3xf32>, tensor<?x3xi32> -> tensor<?x3xf32>
  %plan = moe.plan %ids : tensor<?x3xi32> -> !moe.plan<experts = 3, slots = 3>
  %rows = moe.dispatch %x by %plan : tensor<?x2xf32>, !moe.plan<experts = 3, slots = 3> -> tensor<?x2xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x2xf32>) params(%centre, %up, %down, %integral : tensor<3x2xf32>, tensor<3x2x8xf32>, tensor<3x8x1xf32>, tensor<3x1xf32>) : !moe.plan<experts = 3, slots = 3> -> tensor<?x1xf32> {
  ^bb0(%x_1: tensor<?x2xf32>, %centre_1: tensor<2xf32>, %up_1: tensor<2x8xf32>, %down_1: tensor<8x1xf32>, %integral_1: tensor<1xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x2xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x2xf32>
    %map_1 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %centre_1 : tensor<?x2xf32>, tensor<2xf32>) outs(%empty_2 : tensor<?x2xf32>) {
    ^bb0(%x_2: f32, %c_1: f32, %out: f32):
      %sub = arith.subf %x_2, %c_1 : f32
      %sub_1 = arith.subf %x_2, %c_1 : f32
      %mul = arith.mulf %sub, %sub_1 : f32
      linalg.yield %mul : f32
    } -> tensor<?x2xf32>
    %empty_3 = tensor.empty(%count) : tensor<?xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
    %squares = linalg.reduce { arith.addf } ins(%map_1 : tensor<?x2xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
    %empty_4 = tensor.empty(%count) : tensor<?x8xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul = linalg.matmul ins(%x_1, %up_1 : tensor<?x2xf32>, tensor<2x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %map_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x8xf32>) outs(%empty_4 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %tanh = math.tanh %a : f32
      linalg.yield %tanh : f32
    } -> tensor<?x8xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x1xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x1xf32>) -> tensor<?x1xf32>
    %network = linalg.matmul ins(%map_2, %down_1 : tensor<?x8xf32>, tensor<8x1xf32>) outs(%zero_3 : tensor<?x1xf32>) -> tensor<?x1xf32>
    %map_3 = linalg.generic {indexing_maps = [#ij_i, #ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%squares, %network, %integral_1 : tensor<?xf32>, tensor<?x1xf32>, tensor<1xf32>) outs(%empty_5 : tensor<?x1xf32>) {
    ^bb0(%s: f32, %n: f32, %z: f32, %out: f32):
      %tanh = math.tanh %n : f32
      %sub = arith.subf %tanh, %s : f32
      %exp = math.exp %sub : f32
      %div = arith.divf %exp, %z : f32
      linalg.yield %div : f32
    } -> tensor<?x1xf32>
    moe.yield %map_3 : tensor<?x1xf32>
  }
  %empty_2 = tensor.empty(%T) : tensor<?x1xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x1xf32>) -> tensor<?x1xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x3xf32>) init(%zero_1 : tensor<?x1xf32>) : tensor<?x1xf32>, !moe.plan<experts = 3, slots = 3> -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
