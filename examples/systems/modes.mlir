// MoDES: experts of a multimodal model are skipped without training. Of the selected
// experts, a token keeps those whose probability times the layer's importance reaches
// a threshold of the token's modality.
//
// What is skipped becomes -1 between selection and plan; the thresholds are a
// parameter that the host changes between calls, which is how they are calibrated.
//
// Source: MoDES, Accelerating Mixture-of-Experts Multimodal Large Language Models via
// Dynamic Expert Skipping.

#i = affine_map<(i) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_0 = affine_map<(i, j) -> (0)>
#ij_i = affine_map<(i, j) -> (i)>

ml_program.global private mutable @tau(#moe.random<seed = 1, std = 0.1 : f64>) : tensor<2xf32>
ml_program.global private @importance(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<3xf32>
ml_program.global private @"0.router"(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"0.up"(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<8x16x24xf32>
ml_program.global private @"0.down"(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<8x24x16xf32>
ml_program.global private @"1.router"(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"1.up"(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<8x16x24xf32>
ml_program.global private @"1.down"(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<8x24x16xf32>
ml_program.global private @"2.router"(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"2.up"(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<8x16x24xf32>
ml_program.global private @"2.down"(#moe.random<seed = 11, std = 0.3 : f64>) : tensor<8x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %modality: tensor<?xi32> {moe.name = "modality", moe.dims = ["T"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xi32> {moe.name = "ids_0", moe.dims = ["T", "4"]},
        tensor<?x4xi32> {moe.name = "ids_1", moe.dims = ["T", "4"]},
        tensor<?x4xi32> {moe.name = "ids_2", moe.dims = ["T", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %c-1_i32 = arith.constant -1 : i32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %tau = ml_program.global_load @tau : tensor<2xf32>
  %importance = ml_program.global_load_const @importance : tensor<3xf32>
  %p0.router = ml_program.global_load_const @"0.router" : tensor<16x8xf32>
  %p0.up = ml_program.global_load_const @"0.up" : tensor<8x16x24xf32>
  %p0.down = ml_program.global_load_const @"0.down" : tensor<8x24x16xf32>
  %p1.router = ml_program.global_load_const @"1.router" : tensor<16x8xf32>
  %p1.up = ml_program.global_load_const @"1.up" : tensor<8x16x24xf32>
  %p1.down = ml_program.global_load_const @"1.down" : tensor<8x24x16xf32>
  %p2.router = ml_program.global_load_const @"2.router" : tensor<16x8xf32>
  %p2.up = ml_program.global_load_const @"2.up" : tensor<8x16x24xf32>
  %p2.down = ml_program.global_load_const @"2.down" : tensor<8x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?xf32>
  %tau_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%modality : tensor<?xi32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %element = tensor.extract %tau[%cast] : tensor<2xf32>
    linalg.yield %element : f32
  } -> tensor<?xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x8xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul = linalg.matmul ins(%x, %p0.router : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %selected = moe.select #moe.top_k<4> scores(%p : tensor<?x8xf32>) -> tensor<?x4xi32>
  %probability = moe.weigh none %p, %selected : tensor<?x8xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %slice = tensor.extract_slice %importance[0] [1] [1] : tensor<3xf32> to tensor<1xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x4xi32>
  %ids = linalg.generic {indexing_maps = [#ij, #ij, #ij_0, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%selected, %probability, %slice, %tau_1 : tensor<?x4xi32>, tensor<?x4xf32>, tensor<1xf32>, tensor<?xf32>) outs(%empty_2 : tensor<?x4xi32>) {
  ^bb0(%id: i32, %p_1: f32, %a: f32, %tau_2: f32, %out: i32):
    %mul = arith.mulf %a, %p_1 : f32
    %ge = arith.cmpf oge, %mul, %tau_2 : f32
    %select = arith.select %ge, %id, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x4xi32>
  %w = moe.weigh none %p, %ids : tensor<?x8xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %plan = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 8, slots = 4>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%p0.up, %p0.down : tensor<8x16x24xf32>, tensor<8x24x16xf32>) : !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %x_1 = moe.combine add %outs by %plan weights(%w : tensor<?x4xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32>
  %matmul_1 = linalg.matmul ins(%x_1, %p1.router : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p_1 = linalg.softmax dimension(1) ins(%matmul_1 : tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %selected_1 = moe.select #moe.top_k<4> scores(%p_1 : tensor<?x8xf32>) -> tensor<?x4xi32>
  %probability_1 = moe.weigh none %p_1, %selected_1 : tensor<?x8xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %slice_1 = tensor.extract_slice %importance[1] [1] [1] : tensor<3xf32> to tensor<1xf32>
  %ids_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij_0, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%selected_1, %probability_1, %slice_1, %tau_1 : tensor<?x4xi32>, tensor<?x4xf32>, tensor<1xf32>, tensor<?xf32>) outs(%empty_2 : tensor<?x4xi32>) {
  ^bb0(%id: i32, %p_2: f32, %a: f32, %tau_2: f32, %out: i32):
    %mul = arith.mulf %a, %p_2 : f32
    %ge = arith.cmpf oge, %mul, %tau_2 : f32
    %select = arith.select %ge, %id, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x4xi32>
  %w_1 = moe.weigh none %p_1, %ids_1 : tensor<?x8xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x4xi32> -> !moe.plan<experts = 8, slots = 4>
  %rows_1 = moe.dispatch %x_1 by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%p1.up, %p1.down : tensor<8x16x24xf32>, tensor<8x24x16xf32>) : !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%x_2: tensor<?x16xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_2, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%x_2, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %x_2 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x4xf32>) init(%x_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%x_2, %p2.router : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p_2 = linalg.softmax dimension(1) ins(%matmul_2 : tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %selected_2 = moe.select #moe.top_k<4> scores(%p_2 : tensor<?x8xf32>) -> tensor<?x4xi32>
  %probability_2 = moe.weigh none %p_2, %selected_2 : tensor<?x8xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %slice_2 = tensor.extract_slice %importance[2] [1] [1] : tensor<3xf32> to tensor<1xf32>
  %ids_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij_0, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%selected_2, %probability_2, %slice_2, %tau_1 : tensor<?x4xi32>, tensor<?x4xf32>, tensor<1xf32>, tensor<?xf32>) outs(%empty_2 : tensor<?x4xi32>) {
  ^bb0(%id: i32, %p_3: f32, %a: f32, %tau_2: f32, %out: i32):
    %mul = arith.mulf %a, %p_3 : f32
    %ge = arith.cmpf oge, %mul, %tau_2 : f32
    %select = arith.select %ge, %id, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x4xi32>
  %w_2 = moe.weigh none %p_2, %ids_2 : tensor<?x8xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %plan_2 = moe.plan %ids_2 : tensor<?x4xi32> -> !moe.plan<experts = 8, slots = 4>
  %rows_2 = moe.dispatch %x_2 by %plan_2 : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32>
  %outs_2 = moe.experts %plan_2 rows(%rows_2 : tensor<?x16xf32>) params(%p2.up, %p2.down : tensor<8x16x24xf32>, tensor<8x24x16xf32>) : !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%x_3: tensor<?x16xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_3, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul ins(%x_3, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3 : tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_4 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_4 : tensor<?x16xf32>
  }
  %x_3 = moe.combine add %outs_2 by %plan_2 weights(%w_2 : tensor<?x4xf32>) init(%x_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 4> -> tensor<?x16xf32>
  return %x_3, %ids, %ids_1, %ids_2 : tensor<?x16xf32>, tensor<?x4xi32>, tensor<?x4xi32>, tensor<?x4xi32>
}
