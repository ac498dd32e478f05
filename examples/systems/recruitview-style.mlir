// RecruitView's regressor: three experts that work in spaces of different curvature. A
// point of the flat tangent space goes to the hyperbolic ball, the sphere or stays; an
// expert moves it there; its answer comes back to the tangent space, where all three
// are mixed by a softmax and read by a linear head.
//
// Maps to and from each space are ordinary computation around the experts, so that the
// mixture is a usual weighted sum. @round_trip goes to each space and back.
//
// Source: RecruitView, A Multimodal Dataset for Predicting Personality and Interview
// Performance; its cross-modal regression with manifold fusion. The maps are not
// verified.

#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i) -> (i)>
#ij_i = affine_map<(i, j) -> (i)>
#ij_j = affine_map<(i, j) -> (j)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>

ml_program.global private @hyperbolic.w(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<8x8xf32>
ml_program.global private @hyperbolic.b(#moe.random<seed = 2, std = 0.1 : f64>) : tensor<8xf32>
ml_program.global private @spherical.w(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<9x9xf32>
ml_program.global private @spherical.b(#moe.random<seed = 4, std = 0.1 : f64>) : tensor<9xf32>
ml_program.global private @euclidean.w(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<8x8xf32>
ml_program.global private @euclidean.b(#moe.random<seed = 6, std = 0.1 : f64>) : tensor<8xf32>
ml_program.global private @router(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<8x3xf32>
ml_program.global private @head(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<8x5xf32>

func.func @main(%x: tensor<?x8xf32> {moe.name = "x", moe.dims = ["T", "8"]})
    -> (tensor<?x5xf32> {moe.name = "y", moe.dims = ["T", "5"]},
        tensor<?x3xf32> {moe.name = "w", moe.dims = ["T", "3"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0e-12 = arith.constant 1.0e-12 : f32
  %f0.999 = arith.constant 0.999 : f32
  %f1.0 = arith.constant 1.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %hyperbolic.w = ml_program.global_load_const @hyperbolic.w : tensor<8x8xf32>
  %hyperbolic.b = ml_program.global_load_const @hyperbolic.b : tensor<8xf32>
  %spherical.w = ml_program.global_load_const @spherical.w : tensor<9x9xf32>
  %spherical.b = ml_program.global_load_const @spherical.b : tensor<9xf32>
  %euclidean.w = ml_program.global_load_const @euclidean.w : tensor<8x8xf32>
  %euclidean.b = ml_program.global_load_const @euclidean.b : tensor<8xf32>
  %router = ml_program.global_load_const @router : tensor<8x3xf32>
  %head = ml_program.global_load_const @head : tensor<8x5xf32>
  %T = tensor.dim %x, %c0 : tensor<?x8xf32>
  %empty = tensor.empty(%T) : tensor<?x8xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %empty_1 = tensor.empty(%T) : tensor<?xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce { arith.addf } ins(%map : tensor<?x8xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<?xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %add = arith.addf %sum_1, %f1.0e-12 : f32
    %sqrt = math.sqrt %add : f32
    linalg.yield %sqrt : f32
  } -> tensor<?xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %map_1 : tensor<?x8xf32>, tensor<?xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%v: f32, %n: f32, %out: f32):
    %tanh = math.tanh %n : f32
    %div = arith.divf %tanh, %n : f32
    %mul = arith.mulf %v, %div : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul = linalg.matmul ins(%map_2, %hyperbolic.w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %add = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %hyperbolic.b : tensor<?x8xf32>, tensor<8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add_1 = arith.addf %a, %b : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x8xf32>
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%add : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %sum_1 = linalg.reduce { arith.addf } ins(%map_3 : tensor<?x8xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_4 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_1 : tensor<?xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%sum_2: f32, %out: f32):
    %add_1 = arith.addf %sum_2, %f1.0e-12 : f32
    %sqrt = math.sqrt %add_1 : f32
    linalg.yield %sqrt : f32
  } -> tensor<?xf32>
  %map_5 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%add, %map_4 : tensor<?x8xf32>, tensor<?xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%u: f32, %n: f32, %out: f32):
    %div = arith.divf %f0.999, %n : f32
    %min = arith.minimumf %div, %f1.0 : f32
    %mul = arith.mulf %u, %min : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %map_6 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%map_5 : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %sum_2 = linalg.reduce { arith.addf } ins(%map_6 : tensor<?x8xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_7 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_2 : tensor<?xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%sum_3: f32, %out: f32):
    %add_1 = arith.addf %sum_3, %f1.0e-12 : f32
    %sqrt = math.sqrt %add_1 : f32
    linalg.yield %sqrt : f32
  } -> tensor<?xf32>
  %map_8 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%map_5, %map_7 : tensor<?x8xf32>, tensor<?xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%u: f32, %n: f32, %out: f32):
    %add_1 = arith.addf %f1.0, %n : f32
    %sub = arith.subf %f1.0, %n : f32
    %div = arith.divf %add_1, %sub : f32
    %log = math.log %div : f32
    %mul = arith.mulf %f0.5, %log : f32
    %div_1 = arith.divf %mul, %n : f32
    %mul_1 = arith.mulf %u, %div_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x8xf32>
  %map_9 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %sum_3 = linalg.reduce { arith.addf } ins(%map_9 : tensor<?x8xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_10 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_3 : tensor<?xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%sum_4: f32, %out: f32):
    %add_1 = arith.addf %sum_4, %f1.0e-12 : f32
    %sqrt = math.sqrt %add_1 : f32
    linalg.yield %sqrt : f32
  } -> tensor<?xf32>
  %flat = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %map_10 : tensor<?x8xf32>, tensor<?xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%v: f32, %n: f32, %out: f32):
    %sin = math.sin %n : f32
    %div = arith.divf %sin, %n : f32
    %mul = arith.mulf %v, %div : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x1xf32>
  %map_11 = linalg.generic {indexing_maps = [#ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%map_10 : tensor<?xf32>) outs(%empty_2 : tensor<?x1xf32>) {
  ^bb0(%n: f32, %out: f32):
    %cos = math.cos %n : f32
    linalg.yield %cos : f32
  } -> tensor<?x1xf32>
  %concat = tensor.concat dim(1) %flat, %map_11 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x9xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x9xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x9xf32>) -> tensor<?x9xf32>
  %matmul_1 = linalg.matmul ins(%concat, %spherical.w : tensor<?x9xf32>, tensor<9x9xf32>) outs(%zero_2 : tensor<?x9xf32>) -> tensor<?x9xf32>
  %add_1 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %spherical.b : tensor<?x9xf32>, tensor<9xf32>) outs(%empty_3 : tensor<?x9xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add_2 = arith.addf %a, %b : f32
    linalg.yield %add_2 : f32
  } -> tensor<?x9xf32>
  %map_12 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%add_1 : tensor<?x9xf32>) outs(%empty_3 : tensor<?x9xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x9xf32>
  %sum_4 = linalg.reduce { arith.addf } ins(%map_12 : tensor<?x9xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_13 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_4 : tensor<?xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%sum_5: f32, %out: f32):
    %add_2 = arith.addf %sum_5, %f1.0e-12 : f32
    %sqrt = math.sqrt %add_2 : f32
    linalg.yield %sqrt : f32
  } -> tensor<?xf32>
  %map_14 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%add_1, %map_13 : tensor<?x9xf32>, tensor<?xf32>) outs(%empty_3 : tensor<?x9xf32>) {
  ^bb0(%u: f32, %n: f32, %out: f32):
    %div = arith.divf %u, %n : f32
    linalg.yield %div : f32
  } -> tensor<?x9xf32>
  %slice = tensor.extract_slice %map_14[0, 0] [%T, 8] [1, 1] : tensor<?x9xf32> to tensor<?x8xf32>
  %slice_1 = tensor.extract_slice %map_14[0, 8] [%T, 1] [1, 1] : tensor<?x9xf32> to tensor<?x1xf32>
  %map_15 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %sum_5 = linalg.reduce { arith.addf } ins(%map_15 : tensor<?x8xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_16 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_5 : tensor<?xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%sum_6: f32, %out: f32):
    %add_2 = arith.addf %sum_6, %f1.0e-12 : f32
    %sqrt = math.sqrt %add_2 : f32
    linalg.yield %sqrt : f32
  } -> tensor<?xf32>
  %map_17 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice, %map_16, %slice_1 : tensor<?x8xf32>, tensor<?xf32>, tensor<?x1xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%u: f32, %n: f32, %c: f32, %out: f32):
    %atan = math.atan2 %n, %c : f32
    %div = arith.divf %atan, %n : f32
    %mul = arith.mulf %u, %div : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %matmul_2 = linalg.matmul ins(%x, %euclidean.w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %add_2 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %euclidean.b : tensor<?x8xf32>, tensor<8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add_3 = arith.addf %a, %b : f32
    linalg.yield %add_3 : f32
  } -> tensor<?x8xf32>
  %empty_4 = tensor.empty(%T) : tensor<?x3xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %matmul_3 = linalg.matmul ins(%x, %router : tensor<?x8xf32>, tensor<8x3xf32>) outs(%zero_3 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %w = linalg.softmax dimension(1) ins(%matmul_3 : tensor<?x3xf32>) outs(%empty_4 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %slice_2 = tensor.extract_slice %w[0, 0] [%T, 1] [1, 1] : tensor<?x3xf32> to tensor<?x1xf32>
  %slice_3 = tensor.extract_slice %w[0, 1] [%T, 1] [1, 1] : tensor<?x3xf32> to tensor<?x1xf32>
  %slice_4 = tensor.extract_slice %w[0, 2] [%T, 1] [1, 1] : tensor<?x3xf32> to tensor<?x1xf32>
  %mixed = linalg.generic {indexing_maps = [#ij_i0, #ij_i0, #ij_i0, #ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice_2, %slice_3, %slice_4, %map_8, %map_17, %add_2 : tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%w0: f32, %w1: f32, %w2: f32, %a: f32, %b: f32, %c: f32, %out: f32):
    %mul = arith.mulf %w0, %a : f32
    %mul_1 = arith.mulf %w1, %b : f32
    %add_3 = arith.addf %mul, %mul_1 : f32
    %mul_2 = arith.mulf %w2, %c : f32
    %add_4 = arith.addf %add_3, %mul_2 : f32
    linalg.yield %add_4 : f32
  } -> tensor<?x8xf32>
  %empty_5 = tensor.empty(%T) : tensor<?x5xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x5xf32>) -> tensor<?x5xf32>
  %y = linalg.matmul ins(%mixed, %head : tensor<?x8xf32>, tensor<8x5xf32>) outs(%zero_4 : tensor<?x5xf32>) -> tensor<?x5xf32>
  return %y, %w : tensor<?x5xf32>, tensor<?x3xf32>
}

func.func @round_trip(%x: tensor<?x8xf32> {moe.name = "x", moe.dims = ["T", "8"]})
    -> (tensor<?x8xf32> {moe.name = "ball", moe.dims = ["T", "8"]},
        tensor<?x8xf32> {moe.name = "sphere", moe.dims = ["T", "8"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0e-12 = arith.constant 1.0e-12 : f32
  %f1.0 = arith.constant 1.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %T = tensor.dim %x, %c0 : tensor<?x8xf32>
  %empty = tensor.empty(%T) : tensor<?x8xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %empty_1 = tensor.empty(%T) : tensor<?xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce { arith.addf } ins(%map : tensor<?x8xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<?xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %add = arith.addf %sum_1, %f1.0e-12 : f32
    %sqrt = math.sqrt %add : f32
    linalg.yield %sqrt : f32
  } -> tensor<?xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %map_1 : tensor<?x8xf32>, tensor<?xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%v: f32, %n: f32, %out: f32):
    %tanh = math.tanh %n : f32
    %div = arith.divf %tanh, %n : f32
    %mul = arith.mulf %v, %div : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%map_2 : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %sum_1 = linalg.reduce { arith.addf } ins(%map_3 : tensor<?x8xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_4 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_1 : tensor<?xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%sum_2: f32, %out: f32):
    %add = arith.addf %sum_2, %f1.0e-12 : f32
    %sqrt = math.sqrt %add : f32
    linalg.yield %sqrt : f32
  } -> tensor<?xf32>
  %map_5 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%map_2, %map_4 : tensor<?x8xf32>, tensor<?xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%u: f32, %n: f32, %out: f32):
    %add = arith.addf %f1.0, %n : f32
    %sub = arith.subf %f1.0, %n : f32
    %div = arith.divf %add, %sub : f32
    %log = math.log %div : f32
    %mul = arith.mulf %f0.5, %log : f32
    %div_1 = arith.divf %mul, %n : f32
    %mul_1 = arith.mulf %u, %div_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x8xf32>
  %map_6 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %sum_2 = linalg.reduce { arith.addf } ins(%map_6 : tensor<?x8xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_7 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_2 : tensor<?xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%sum_3: f32, %out: f32):
    %add = arith.addf %sum_3, %f1.0e-12 : f32
    %sqrt = math.sqrt %add : f32
    linalg.yield %sqrt : f32
  } -> tensor<?xf32>
  %flat = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %map_7 : tensor<?x8xf32>, tensor<?xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%v: f32, %n: f32, %out: f32):
    %sin = math.sin %n : f32
    %div = arith.divf %sin, %n : f32
    %mul = arith.mulf %v, %div : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x1xf32>
  %map_8 = linalg.generic {indexing_maps = [#ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%map_7 : tensor<?xf32>) outs(%empty_2 : tensor<?x1xf32>) {
  ^bb0(%n: f32, %out: f32):
    %cos = math.cos %n : f32
    linalg.yield %cos : f32
  } -> tensor<?x1xf32>
  %concat = tensor.concat dim(1) %flat, %map_8 : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x9xf32>
  %slice = tensor.extract_slice %concat[0, 0] [%T, 8] [1, 1] : tensor<?x9xf32> to tensor<?x8xf32>
  %slice_1 = tensor.extract_slice %concat[0, 8] [%T, 1] [1, 1] : tensor<?x9xf32> to tensor<?x1xf32>
  %map_9 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %sum_3 = linalg.reduce { arith.addf } ins(%map_9 : tensor<?x8xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_10 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_3 : tensor<?xf32>) outs(%empty_1 : tensor<?xf32>) {
  ^bb0(%sum_4: f32, %out: f32):
    %add = arith.addf %sum_4, %f1.0e-12 : f32
    %sqrt = math.sqrt %add : f32
    linalg.yield %sqrt : f32
  } -> tensor<?xf32>
  %map_11 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice, %map_10, %slice_1 : tensor<?x8xf32>, tensor<?xf32>, tensor<?x1xf32>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%u: f32, %n: f32, %c: f32, %out: f32):
    %atan = math.atan2 %n, %c : f32
    %div = arith.divf %atan, %n : f32
    %mul = arith.mulf %u, %div : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  return %map_5, %map_11 : tensor<?x8xf32>, tensor<?x8xf32>
}
