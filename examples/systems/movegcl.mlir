// MoveGCL: a mobility model whose router sees more than the token: the city, the time
// since the last stay, the distance, the radius of gyration and entropy features.
// Top-2 logits, softmax over the selected, GELU experts with biases. For a new city,
// experts are appended and the router gets rows for them.
//
// The score is a linear layer on the concatenation of the token and its features.
//
// Source: MoveGCL, generative continual learning of mobility foundation models;
// github.com/tsinghua-fib-lab/MoveGCL.

#ij_i0 = affine_map<(i, j) -> (i, 0)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @cities(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<3x4xf32>
ml_program.global private @router(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<25x6xf32>
ml_program.global private @router_bias(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<6xf32>
ml_program.global private @w1(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<6x16x24xf32>
ml_program.global private @b1(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<6x24xf32>
ml_program.global private @w2(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<6x24x16xf32>
ml_program.global private @b2(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<6x16xf32>

func.func @main(%h: tensor<?x16xf32> {moe.name = "h", moe.dims = ["T", "16"]},
    %city: tensor<?xi32> {moe.name = "city", moe.dims = ["T"]},
    %features: tensor<?x5xf32> {moe.name = "features", moe.dims = ["T", "5"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %cities = ml_program.global_load_const @cities : tensor<3x4xf32>
  %router = ml_program.global_load_const @router : tensor<25x6xf32>
  %router_bias = ml_program.global_load_const @router_bias : tensor<6xf32>
  %w1 = ml_program.global_load_const @w1 : tensor<6x16x24xf32>
  %b1 = ml_program.global_load_const @b1 : tensor<6x24xf32>
  %w2 = ml_program.global_load_const @w2 : tensor<6x24x16xf32>
  %b2 = ml_program.global_load_const @b2 : tensor<6x16xf32>
  %T = tensor.dim %h, %c0 : tensor<?x16xf32>
  %city_embedding = tensor.expand_shape %city [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %city_embedding_1 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%city_embedding : tensor<?x1xi32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %cities[%cast, %i1] : tensor<3x4xf32>
    linalg.yield %element : f32
  } -> tensor<?x4xf32>
  %z = tensor.concat dim(1) %h, %city_embedding_1, %features : (tensor<?x16xf32>, tensor<?x4xf32>, tensor<?x5xf32>) -> tensor<?x25xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x6xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %matmul = linalg.matmul ins(%z, %router : tensor<?x25xf32>, tensor<25x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %router_bias : tensor<?x6xf32>, tensor<6xf32>) outs(%empty_1 : tensor<?x6xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x6xf32>
  %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x6xf32>) -> tensor<?x2xi32>
  %w = moe.weigh softmax %s, %ids : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows = moe.dispatch %h by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%w1, %b1, %w2, %b2 : tensor<6x16x24xf32>, tensor<6x24xf32>, tensor<6x24x16xf32>, tensor<6x16xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x: tensor<?x16xf32>, %up: tensor<16x24xf32>, %up_bias: tensor<24xf32>, %down: tensor<24x16xf32>, %down_bias: tensor<16xf32>, %expert: index):
    %count = tensor.dim %x, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %up_bias : tensor<?x24xf32>, tensor<24xf32>) outs(%empty_2 : tensor<?x24xf32>) {
    ^bb0(%u: f32, %bias: f32, %out: f32):
      %add = arith.addf %u, %bias : f32
      %mul = arith.mulf %f0.5, %add : f32
      %mul_1 = arith.mulf %add, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add_1 = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add_1 : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%a, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %down_bias : tensor<?x16xf32>, tensor<16xf32>) outs(%empty_3 : tensor<?x16xf32>) {
    ^bb0(%a_1: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a_1, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x16xf32>
    moe.yield %add : tensor<?x16xf32>
  }
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
