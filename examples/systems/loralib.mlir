// LoRALib: a library of low-rank adapters, of which a task uses a few. Six adapters;
// the host names three of them at each call. @dense mixes all three, weighted by a
// softmax (LoRAMoE); @sparse gives each token the best two of them.
//
// The dense mixture is one low-rank product of the stacked adapters, with the weights
// between its two halves. The sparse one is a plan over the library: ids come from the
// scores of the three, looked up in the list of names.
//
// Source: LoRALib, A Standardized Benchmark for Evaluating LoRA-MoE Methods.

#ij_i0 = affine_map<(i, j) -> (i, 0)>
#ij = affine_map<(i, j) -> (i, j)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ijk_i00 = affine_map<(i, j, k) -> (i, 0, 0)>
#ijk = affine_map<(i, j, k) -> (i, j, k)>
#ijk_ij0 = affine_map<(i, j, k) -> (i, j, 0)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<6x16xf32>
ml_program.global private @base(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x20xf32>
ml_program.global private @a(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<6x2x16xf32>
ml_program.global private @b(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<6x2x20xf32>

func.func @dense(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %chosen: tensor<3xi32> {moe.name = "chosen", moe.dims = ["3"]})
    -> (tensor<?x20xf32> {moe.name = "y", moe.dims = ["T", "20"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f2.0 = arith.constant 2.0 : f32
  %router = ml_program.global_load_const @router : tensor<6x16xf32>
  %base = ml_program.global_load_const @base : tensor<16x20xf32>
  %a = ml_program.global_load_const @a : tensor<6x2x16xf32>
  %b = ml_program.global_load_const @b : tensor<6x2x20xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %router_1 = tensor.expand_shape %chosen [[0, 1]] output_shape [3, 1] : tensor<3xi32> into tensor<3x1xi32>
  %empty = tensor.empty() : tensor<3x16xf32>
  %router_2 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%router_1 : tensor<3x1xi32>) outs(%empty : tensor<3x16xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %router[%cast, %i1] : tensor<6x16xf32>
    linalg.yield %element : f32
  } -> tensor<3x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x3xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %matmul = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %router_2 : tensor<?x16xf32>, tensor<3x16xf32>) outs(%zero : tensor<?x3xf32>) -> tensor<?x3xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x3xf32>) outs(%empty_1 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x20xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %matmul_1 = linalg.matmul ins(%x, %base : tensor<?x16xf32>, tensor<16x20xf32>) outs(%zero_1 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %a_1 = tensor.expand_shape %chosen [[0, 1, 2]] output_shape [3, 1, 1] : tensor<3xi32> into tensor<3x1x1xi32>
  %empty_3 = tensor.empty() : tensor<3x2x16xf32>
  %pick = linalg.generic {indexing_maps = [#ijk_i00, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%a_1 : tensor<3x1x1xi32>) outs(%empty_3 : tensor<3x2x16xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %i2 = linalg.index 2 : index
    %element = tensor.extract %a[%cast, %i1, %i2] : tensor<6x2x16xf32>
    linalg.yield %element : f32
  } -> tensor<3x2x16xf32>
  %a_2 = tensor.collapse_shape %pick [[0, 1], [2]] : tensor<3x2x16xf32> into tensor<6x16xf32>
  %b_1 = tensor.expand_shape %chosen [[0, 1, 2]] output_shape [3, 1, 1] : tensor<3xi32> into tensor<3x1x1xi32>
  %empty_4 = tensor.empty() : tensor<3x2x20xf32>
  %pick_1 = linalg.generic {indexing_maps = [#ijk_i00, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%b_1 : tensor<3x1x1xi32>) outs(%empty_4 : tensor<3x2x20xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %i2 = linalg.index 2 : index
    %element = tensor.extract %b[%cast, %i1, %i2] : tensor<6x2x20xf32>
    linalg.yield %element : f32
  } -> tensor<3x2x20xf32>
  %b_2 = tensor.collapse_shape %pick_1 [[0, 1], [2]] : tensor<3x2x20xf32> into tensor<6x20xf32>
  %empty_5 = tensor.empty(%T) : tensor<?x6xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %a_2 : tensor<?x16xf32>, tensor<6x16xf32>) outs(%zero_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %z = tensor.expand_shape %matmul_2 [[0], [1, 2]] output_shape [%T, 3, 2] : tensor<?x6xf32> into tensor<?x3x2xf32>
  %expanded = tensor.expand_shape %p [[0], [1, 2]] output_shape [%T, 3, 1] : tensor<?x3xf32> into tensor<?x3x1xf32>
  %empty_6 = tensor.empty(%T) : tensor<?x3x2xf32>
  %weighted = linalg.generic {indexing_maps = [#ijk, #ijk_ij0, #ijk], iterator_types = ["parallel", "parallel", "parallel"]} ins(%z, %expanded : tensor<?x3x2xf32>, tensor<?x3x1xf32>) outs(%empty_6 : tensor<?x3x2xf32>) {
  ^bb0(%z_1: f32, %p_1: f32, %out: f32):
    %mul = arith.mulf %f2.0, %p_1 : f32
    %mul_1 = arith.mulf %mul, %z_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x3x2xf32>
  %collapsed = tensor.collapse_shape %weighted [[0], [1, 2]] : tensor<?x3x2xf32> into tensor<?x6xf32>
  %matmul_3 = linalg.matmul ins(%collapsed, %b_2 : tensor<?x6xf32>, tensor<6x20xf32>) outs(%zero_1 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_3 : tensor<?x20xf32>, tensor<?x20xf32>) outs(%empty_2 : tensor<?x20xf32>) {
  ^bb0(%a_3: f32, %b_3: f32, %out: f32):
    %add = arith.addf %a_3, %b_3 : f32
    linalg.yield %add : f32
  } -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

func.func @sparse(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %chosen: tensor<3xi32> {moe.name = "chosen", moe.dims = ["3"]})
    -> (tensor<?x20xf32> {moe.name = "y", moe.dims = ["T", "20"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %router = ml_program.global_load_const @router : tensor<6x16xf32>
  %base = ml_program.global_load_const @base : tensor<16x20xf32>
  %a = ml_program.global_load_const @a : tensor<6x2x16xf32>
  %b = ml_program.global_load_const @b : tensor<6x2x20xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %router_1 = tensor.expand_shape %chosen [[0, 1]] output_shape [3, 1] : tensor<3xi32> into tensor<3x1xi32>
  %empty = tensor.empty() : tensor<3x16xf32>
  %router_2 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%router_1 : tensor<3x1xi32>) outs(%empty : tensor<3x16xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %router[%cast, %i1] : tensor<6x16xf32>
    linalg.yield %element : f32
  } -> tensor<3x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x3xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %matmul = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %router_2 : tensor<?x16xf32>, tensor<3x16xf32>) outs(%zero : tensor<?x3xf32>) -> tensor<?x3xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x3xf32>) outs(%empty_1 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x20xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %matmul_1 = linalg.matmul ins(%x, %base : tensor<?x16xf32>, tensor<16x20xf32>) outs(%zero_1 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %slot = moe.select #moe.top_k<2> scores(%p : tensor<?x3xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %slot {scale = 2.0 : f64} : tensor<?x3xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x2xi32>
  %ids = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%slot : tensor<?x2xi32>) outs(%empty_3 : tensor<?x2xi32>) {
  ^bb0(%slot_1: i32, %out: i32):
    %cast = arith.index_cast %slot_1 : i32 to index
    %element = tensor.extract %chosen[%cast] : tensor<3xi32>
    linalg.yield %element : i32
  } -> tensor<?x2xi32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%a, %b : tensor<6x2x16xf32>, tensor<6x2x20xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x20xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %a_1: tensor<2x16xf32>, %b_1: tensor<2x20xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x2xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x_1, %a_1 : tensor<?x16xf32>, tensor<2x16xf32>) outs(%zero_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x20xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x20xf32>) -> tensor<?x20xf32>
    %matmul_3 = linalg.matmul ins(%matmul_2, %b_1 : tensor<?x2xf32>, tensor<2x20xf32>) outs(%zero_3 : tensor<?x20xf32>) -> tensor<?x20xf32>
    moe.yield %matmul_3 : tensor<?x20xf32>
  }
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%matmul_1 : tensor<?x20xf32>) : tensor<?x20xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x20xf32>
  return %y, %ids : tensor<?x20xf32>, tensor<?x2xi32>
}
