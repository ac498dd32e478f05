// GMoPE: graph networks that differ only by a prompt vector added to every node. Each
// graph has its own weights of the experts, from its mean node.
//
// The body is shared: all experts are columns of one product with the adjacency matrix
// and rows of one product with each weight. Weights belong to a graph and are looked up
// by node.
//
// Source: GMoPE, A Prompt-Expert Mixture Framework for Graph Foundation Models. The
// form of the router is not verified.

#ij_i = affine_map<(i, j) -> (i)>
#ij_j = affine_map<(i, j) -> (j)>
#ij = affine_map<(i, j) -> (i, j)>
#ijk_i0k = affine_map<(i, j, k) -> (i, 0, k)>
#ijk_jk = affine_map<(i, j, k) -> (j, k)>
#ijk = affine_map<(i, j, k) -> (i, j, k)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>
#ijk_ij0 = affine_map<(i, j, k) -> (i, j, 0)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x3xf32>
ml_program.global private @prompts(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<3x16xf32>
ml_program.global private @layer1(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @layer2(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["N", "16"]},
    %adjacency: tensor<?x?xf32> {moe.name = "adjacency", moe.dims = ["N", "N"]},
    %graph: tensor<?xi32> {moe.name = "graph", moe.dims = ["N"]},
    %sizes: tensor<?xf32> {moe.name = "sizes", moe.dims = ["G"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["N", "16"]},
        tensor<?x3xf32> {moe.name = "w", moe.dims = ["G", "3"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %c3 = arith.constant 3 : index
  %router = ml_program.global_load_const @router : tensor<16x3xf32>
  %prompts = ml_program.global_load_const @prompts : tensor<3x16xf32>
  %layer1 = ml_program.global_load_const @layer1 : tensor<16x16xf32>
  %layer2 = ml_program.global_load_const @layer2 : tensor<16x16xf32>
  %N = tensor.dim %x, %c0 : tensor<?x16xf32>
  %G = tensor.dim %sizes, %c0 : tensor<?xf32>
  %empty = tensor.empty(%G, %N) : tensor<?x?xf32>
  %belongs = linalg.generic {indexing_maps = [#ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%sizes, %graph : tensor<?xf32>, tensor<?xi32>) outs(%empty : tensor<?x?xf32>) {
  ^bb0(%size: f32, %graph_1: i32, %out: f32):
    %i0 = linalg.index 0 : index
    %cast = arith.index_cast %i0 : index to i32
    %eq = arith.cmpi eq, %graph_1, %cast : i32
    %cast_1 = arith.uitofp %eq : i1 to f32
    linalg.yield %cast_1 : f32
  } -> tensor<?x?xf32>
  %empty_1 = tensor.empty(%G) : tensor<?x16xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul = linalg.matmul ins(%belongs, %x : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %mean = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %sizes : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%sum: f32, %size: f32, %out: f32):
    %div = arith.divf %sum, %size : f32
    linalg.yield %div : f32
  } -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%G) : tensor<?x3xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %matmul_1 = linalg.matmul ins(%mean, %router : tensor<?x16xf32>, tensor<16x3xf32>) outs(%zero_1 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %w = linalg.softmax dimension(1) ins(%matmul_1 : tensor<?x3xf32>) outs(%empty_2 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %expanded = tensor.expand_shape %x [[0], [1, 2]] output_shape [%N, 1, 16] : tensor<?x16xf32> into tensor<?x1x16xf32>
  %empty_3 = tensor.empty(%N) : tensor<?x3x16xf32>
  %prompted = linalg.generic {indexing_maps = [#ijk_i0k, #ijk_jk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded, %prompts : tensor<?x1x16xf32>, tensor<3x16xf32>) outs(%empty_3 : tensor<?x3x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x3x16xf32>
  %each = arith.muli %N, %c3 : index
  %collapsed = tensor.collapse_shape %prompted [[0, 1], [2]] : tensor<?x3x16xf32> into tensor<?x16xf32>
  %empty_4 = tensor.empty(%each) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %each_1 = linalg.matmul ins(%collapsed, %layer1 : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %side = tensor.expand_shape %each_1 [[0, 1], [2]] output_shape [%N, 3, 16] : tensor<?x16xf32> into tensor<?x3x16xf32>
  %collapsed_1 = tensor.collapse_shape %side [[0], [1, 2]] : tensor<?x3x16xf32> into tensor<?x48xf32>
  %empty_5 = tensor.empty(%N) : tensor<?x48xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x48xf32>) -> tensor<?x48xf32>
  %mixed = linalg.matmul ins(%adjacency, %collapsed_1 : tensor<?x?xf32>, tensor<?x48xf32>) outs(%zero_3 : tensor<?x48xf32>) -> tensor<?x48xf32>
  %expanded_1 = tensor.expand_shape %mixed [[0], [1, 2]] output_shape [%N, 3, 16] : tensor<?x48xf32> into tensor<?x3x16xf32>
  %h = linalg.generic {indexing_maps = [#ijk, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_1 : tensor<?x3x16xf32>) outs(%empty_3 : tensor<?x3x16xf32>) {
  ^bb0(%a: f32, %out: f32):
    %max = arith.maximumf %a, %f0.0 : f32
    linalg.yield %max : f32
  } -> tensor<?x3x16xf32>
  %each_2 = arith.muli %N, %c3 : index
  %collapsed_2 = tensor.collapse_shape %h [[0, 1], [2]] : tensor<?x3x16xf32> into tensor<?x16xf32>
  %empty_6 = tensor.empty(%each_2) : tensor<?x16xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %each_3 = linalg.matmul ins(%collapsed_2, %layer2 : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %side_1 = tensor.expand_shape %each_3 [[0, 1], [2]] output_shape [%N, 3, 16] : tensor<?x16xf32> into tensor<?x3x16xf32>
  %collapsed_3 = tensor.collapse_shape %side_1 [[0], [1, 2]] : tensor<?x3x16xf32> into tensor<?x48xf32>
  %mixed_1 = linalg.matmul ins(%adjacency, %collapsed_3 : tensor<?x?xf32>, tensor<?x48xf32>) outs(%zero_3 : tensor<?x48xf32>) -> tensor<?x48xf32>
  %expanded_2 = tensor.expand_shape %mixed_1 [[0], [1, 2]] output_shape [%N, 3, 16] : tensor<?x48xf32> into tensor<?x3x16xf32>
  %weighted = tensor.expand_shape %graph [[0, 1]] output_shape [%N, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty_7 = tensor.empty(%N) : tensor<?x3xf32>
  %pick = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%weighted : tensor<?x1xi32>) outs(%empty_7 : tensor<?x3xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %w[%cast, %i1] : tensor<?x3xf32>
    linalg.yield %element : f32
  } -> tensor<?x3xf32>
  %expanded_3 = tensor.expand_shape %pick [[0], [1, 2]] output_shape [%N, 3, 1] : tensor<?x3xf32> into tensor<?x3x1xf32>
  %weighted_1 = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_2, %expanded_3 : tensor<?x3x16xf32>, tensor<?x3x1xf32>) outs(%empty_3 : tensor<?x3x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %mul = arith.mulf %a, %b : f32
    linalg.yield %mul : f32
  } -> tensor<?x3x16xf32>
  %empty_8 = tensor.empty(%N) : tensor<?x16xf32>
  %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = linalg.reduce { arith.addf } ins(%weighted_1 : tensor<?x3x16xf32>) outs(%zero_5 : tensor<?x16xf32>) dimensions = [1]
  return %y, %w : tensor<?x16xf32>, tensor<?x3xf32>
}
