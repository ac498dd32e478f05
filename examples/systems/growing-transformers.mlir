// Growing Transformers: models that were trained alone on the same frozen embeddings
// are combined by the mean of their logits; a model grows by a layer on top of it.
//
// Every model is selected with a constant weight, so nothing is routed: the models
// are ordinary computation on one embedding table, which is stored once. @first is
// one model alone, over the same parameters.
//
// Source: Growing Transformers, Modular Composition and Layer-wise Expansion on a
// Frozen Substrate.

#ij_i0 = affine_map<(i, j) -> (i, 0)>
#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @embedding(#moe.random<seed = 1, std = 1.0 : f64>) : tensor<11x16xf32>
ml_program.global private @first.0.up(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @first.0.down(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @first.head(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x11xf32>
ml_program.global private @second.0.up(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @second.0.down(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @second.1.up(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @second.1.down(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @second.head(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<16x11xf32>

func.func @main(%tokens: tensor<?xi32> {moe.name = "tokens", moe.dims = ["T"]})
    -> (tensor<?x11xf32> {moe.name = "logits", moe.dims = ["T", "11"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %embedding = ml_program.global_load_const @embedding : tensor<11x16xf32>
  %first.0.up = ml_program.global_load_const @first.0.up : tensor<16x24xf32>
  %first.0.down = ml_program.global_load_const @first.0.down : tensor<24x16xf32>
  %first.head = ml_program.global_load_const @first.head : tensor<16x11xf32>
  %second.0.up = ml_program.global_load_const @second.0.up : tensor<16x24xf32>
  %second.0.down = ml_program.global_load_const @second.0.down : tensor<24x16xf32>
  %second.1.up = ml_program.global_load_const @second.1.up : tensor<16x24xf32>
  %second.1.down = ml_program.global_load_const @second.1.down : tensor<24x16xf32>
  %second.head = ml_program.global_load_const @second.head : tensor<16x11xf32>
  %T = tensor.dim %tokens, %c0 : tensor<?xi32>
  %h = tensor.expand_shape %tokens [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %h_1 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%h : tensor<?x1xi32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %embedding[%cast, %i1] : tensor<11x16xf32>
    linalg.yield %element : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x24xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%h_1, %first.0.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_1 = linalg.matmul ins(%gelu, %first.0.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%h_1, %matmul_1 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x11xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x11xf32>) -> tensor<?x11xf32>
  %matmul_2 = linalg.matmul ins(%h_2, %first.head : tensor<?x16xf32>, tensor<16x11xf32>) outs(%zero_2 : tensor<?x11xf32>) -> tensor<?x11xf32>
  %h_3 = tensor.expand_shape %tokens [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %h_4 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%h_3 : tensor<?x1xi32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %embedding[%cast, %i1] : tensor<11x16xf32>
    linalg.yield %element : f32
  } -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul ins(%h_4, %second.0.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3 : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_4 = linalg.matmul ins(%gelu_1, %second.0.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h_5 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%h_4, %matmul_4 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %matmul_5 = linalg.matmul ins(%h_5, %second.1.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_5 : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_6 = linalg.matmul ins(%gelu_2, %second.1.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h_6 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%h_5, %matmul_6 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %matmul_7 = linalg.matmul ins(%h_6, %second.head : tensor<?x16xf32>, tensor<16x11xf32>) outs(%zero_2 : tensor<?x11xf32>) -> tensor<?x11xf32>
  %logits = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %matmul_7 : tensor<?x11xf32>, tensor<?x11xf32>) outs(%empty_2 : tensor<?x11xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    %mul = arith.mulf %f0.5, %add : f32
    linalg.yield %mul : f32
  } -> tensor<?x11xf32>
  return %logits : tensor<?x11xf32>
}

func.func @first(%tokens: tensor<?xi32> {moe.name = "tokens", moe.dims = ["T"]})
    -> (tensor<?x11xf32> {moe.name = "logits", moe.dims = ["T", "11"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %embedding = ml_program.global_load_const @embedding : tensor<11x16xf32>
  %first.0.up = ml_program.global_load_const @first.0.up : tensor<16x24xf32>
  %first.0.down = ml_program.global_load_const @first.0.down : tensor<24x16xf32>
  %first.head = ml_program.global_load_const @first.head : tensor<16x11xf32>
  %T = tensor.dim %tokens, %c0 : tensor<?xi32>
  %h = tensor.expand_shape %tokens [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %h_1 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%h : tensor<?x1xi32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %embedding[%cast, %i1] : tensor<11x16xf32>
    linalg.yield %element : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x24xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%h_1, %first.0.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_1 = linalg.matmul ins(%gelu, %first.0.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%h_1, %matmul_1 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x11xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x11xf32>) -> tensor<?x11xf32>
  %matmul_2 = linalg.matmul ins(%h_2, %first.head : tensor<?x16xf32>, tensor<16x11xf32>) outs(%zero_2 : tensor<?x11xf32>) -> tensor<?x11xf32>
  return %matmul_2 : tensor<?x11xf32>
}
