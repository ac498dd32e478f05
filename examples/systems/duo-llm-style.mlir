// Duo-LLM: every layer offers a small feed-forward expert, a big one, or nothing. A
// router decides (@learned), or the routes are given (@given), so that an oracle can
// try all of them.
//
// The bank is heterogeneous: experts 0 and 1 are two regions of different width,
// expert 2 is null. Given routes need no selection: ids go straight to the plan.
//
// Source: Duo-LLM, A Framework for Studying Adaptive Computation in Large Language
// Models. The form of the learned router is not verified.

#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @layers.0.small_up(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<1x16x8xf32>
ml_program.global private @layers.0.small_down(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<1x8x16xf32>
ml_program.global private @layers.0.big_up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<1x16x32xf32>
ml_program.global private @layers.0.big_down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<1x32x16xf32>
ml_program.global private @layers.1.small_up(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<1x16x8xf32>
ml_program.global private @layers.1.small_down(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<1x8x16xf32>
ml_program.global private @layers.1.big_up(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<1x16x32xf32>
ml_program.global private @layers.1.big_down(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<1x32x16xf32>
ml_program.global private @layers.2.small_up(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<1x16x8xf32>
ml_program.global private @layers.2.small_down(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<1x8x16xf32>
ml_program.global private @layers.2.big_up(#moe.random<seed = 11, std = 0.3 : f64>) : tensor<1x16x32xf32>
ml_program.global private @layers.2.big_down(#moe.random<seed = 12, std = 0.3 : f64>) : tensor<1x32x16xf32>
ml_program.global private @layers.0.router(#moe.random<seed = 13, std = 0.3 : f64>) : tensor<16x3xf32>
ml_program.global private @layers.1.router(#moe.random<seed = 14, std = 0.3 : f64>) : tensor<16x3xf32>
ml_program.global private @layers.2.router(#moe.random<seed = 15, std = 0.3 : f64>) : tensor<16x3xf32>

func.func @given(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %routes: tensor<?x3xi32> {moe.name = "routes", moe.dims = ["T", "3"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %layers.0.small_up = ml_program.global_load_const @layers.0.small_up : tensor<1x16x8xf32>
  %layers.0.small_down = ml_program.global_load_const @layers.0.small_down : tensor<1x8x16xf32>
  %layers.0.big_up = ml_program.global_load_const @layers.0.big_up : tensor<1x16x32xf32>
  %layers.0.big_down = ml_program.global_load_const @layers.0.big_down : tensor<1x32x16xf32>
  %layers.1.small_up = ml_program.global_load_const @layers.1.small_up : tensor<1x16x8xf32>
  %layers.1.small_down = ml_program.global_load_const @layers.1.small_down : tensor<1x8x16xf32>
  %layers.1.big_up = ml_program.global_load_const @layers.1.big_up : tensor<1x16x32xf32>
  %layers.1.big_down = ml_program.global_load_const @layers.1.big_down : tensor<1x32x16xf32>
  %layers.2.small_up = ml_program.global_load_const @layers.2.small_up : tensor<1x16x8xf32>
  %layers.2.small_down = ml_program.global_load_const @layers.2.small_down : tensor<1x8x16xf32>
  %layers.2.big_up = ml_program.global_load_const @layers.2.big_up : tensor<1x16x32xf32>
  %layers.2.big_down = ml_program.global_load_const @layers.2.big_down : tensor<1x32x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %x_1 = tensor.extract_slice %routes[0, 0] [%T, 1] [1, 1] : tensor<?x3xi32> to tensor<?x1xi32>
  %plan = moe.plan %x_1 : tensor<?x1xi32> -> !moe.plan<experts = 3, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%layers.0.small_up, %layers.0.small_down, %layers.0.big_up, %layers.0.big_down : tensor<1x16x8xf32>, tensor<1x8x16xf32>, tensor<1x16x32xf32>, tensor<1x32x16xf32>) members = [0, 1, -1] slot = [0, 0, 0] : !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_2: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %slice: tensor<16x32xf32>, %slice_1: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_2, %c0 : tensor<?x16xf32>
    %empty = tensor.empty(%count) : tensor<?x8xf32>
    %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul = linalg.matmul ins(%x_2, %small_up : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x8xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %small_down : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }, {
  ^bb0(%x_2: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %big_up: tensor<16x32xf32>, %big_down: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_2, %c0 : tensor<?x16xf32>
    %empty = tensor.empty(%count) : tensor<?x32xf32>
    %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul = linalg.matmul ins(%x_2, %big_up : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero : tensor<?x32xf32>) -> tensor<?x32xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x32xf32>) outs(%empty : tensor<?x32xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x32xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %big_down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %combined = moe.combine add %outs by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %x_2 = tensor.extract_slice %routes[0, 1] [%T, 1] [1, 1] : tensor<?x3xi32> to tensor<?x1xi32>
  %plan_1 = moe.plan %x_2 : tensor<?x1xi32> -> !moe.plan<experts = 3, slots = 1>
  %rows_1 = moe.dispatch %combined by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%layers.1.small_up, %layers.1.small_down, %layers.1.big_up, %layers.1.big_down : tensor<1x16x8xf32>, tensor<1x8x16xf32>, tensor<1x16x32xf32>, tensor<1x32x16xf32>) members = [0, 1, -1] slot = [0, 0, 0] : !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_3: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %slice: tensor<16x32xf32>, %slice_1: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_3, %c0 : tensor<?x16xf32>
    %empty = tensor.empty(%count) : tensor<?x8xf32>
    %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul = linalg.matmul ins(%x_3, %small_up : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x8xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %small_down : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }, {
  ^bb0(%x_3: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %big_up: tensor<16x32xf32>, %big_down: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_3, %c0 : tensor<?x16xf32>
    %empty = tensor.empty(%count) : tensor<?x32xf32>
    %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul = linalg.matmul ins(%x_3, %big_up : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero : tensor<?x32xf32>) -> tensor<?x32xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x32xf32>) outs(%empty : tensor<?x32xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x32xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %big_down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %combined_1 = moe.combine add %outs_1 by %plan_1 init(%combined : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %x_3 = tensor.extract_slice %routes[0, 2] [%T, 1] [1, 1] : tensor<?x3xi32> to tensor<?x1xi32>
  %plan_2 = moe.plan %x_3 : tensor<?x1xi32> -> !moe.plan<experts = 3, slots = 1>
  %rows_2 = moe.dispatch %combined_1 by %plan_2 : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %outs_2 = moe.experts %plan_2 rows(%rows_2 : tensor<?x16xf32>) params(%layers.2.small_up, %layers.2.small_down, %layers.2.big_up, %layers.2.big_down : tensor<1x16x8xf32>, tensor<1x8x16xf32>, tensor<1x16x32xf32>, tensor<1x32x16xf32>) members = [0, 1, -1] slot = [0, 0, 0] : !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_4: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %slice: tensor<16x32xf32>, %slice_1: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_4, %c0 : tensor<?x16xf32>
    %empty = tensor.empty(%count) : tensor<?x8xf32>
    %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul = linalg.matmul ins(%x_4, %small_up : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x8xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %small_down : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }, {
  ^bb0(%x_4: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %big_up: tensor<16x32xf32>, %big_down: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_4, %c0 : tensor<?x16xf32>
    %empty = tensor.empty(%count) : tensor<?x32xf32>
    %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul = linalg.matmul ins(%x_4, %big_up : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero : tensor<?x32xf32>) -> tensor<?x32xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x32xf32>) outs(%empty : tensor<?x32xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x32xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %big_down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %combined_2 = moe.combine add %outs_2 by %plan_2 init(%combined_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  return %combined_2 : tensor<?x16xf32>
}

func.func @learned(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %layers.0.router = ml_program.global_load_const @layers.0.router : tensor<16x3xf32>
  %layers.0.small_up = ml_program.global_load_const @layers.0.small_up : tensor<1x16x8xf32>
  %layers.0.small_down = ml_program.global_load_const @layers.0.small_down : tensor<1x8x16xf32>
  %layers.0.big_up = ml_program.global_load_const @layers.0.big_up : tensor<1x16x32xf32>
  %layers.0.big_down = ml_program.global_load_const @layers.0.big_down : tensor<1x32x16xf32>
  %layers.1.router = ml_program.global_load_const @layers.1.router : tensor<16x3xf32>
  %layers.1.small_up = ml_program.global_load_const @layers.1.small_up : tensor<1x16x8xf32>
  %layers.1.small_down = ml_program.global_load_const @layers.1.small_down : tensor<1x8x16xf32>
  %layers.1.big_up = ml_program.global_load_const @layers.1.big_up : tensor<1x16x32xf32>
  %layers.1.big_down = ml_program.global_load_const @layers.1.big_down : tensor<1x32x16xf32>
  %layers.2.router = ml_program.global_load_const @layers.2.router : tensor<16x3xf32>
  %layers.2.small_up = ml_program.global_load_const @layers.2.small_up : tensor<1x16x8xf32>
  %layers.2.small_down = ml_program.global_load_const @layers.2.small_down : tensor<1x8x16xf32>
  %layers.2.big_up = ml_program.global_load_const @layers.2.big_up : tensor<1x16x32xf32>
  %layers.2.big_down = ml_program.global_load_const @layers.2.big_down : tensor<1x32x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x3xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x3xf32>) -> tensor<?x3xf32>
  %s = linalg.matmul ins(%x, %layers.0.router : tensor<?x16xf32>, tensor<16x3xf32>) outs(%zero : tensor<?x3xf32>) -> tensor<?x3xf32>
  %ids = moe.select #moe.top_k<1> scores(%s : tensor<?x3xf32>) -> tensor<?x1xi32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 3, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%layers.0.small_up, %layers.0.small_down, %layers.0.big_up, %layers.0.big_down : tensor<1x16x8xf32>, tensor<1x8x16xf32>, tensor<1x16x32xf32>, tensor<1x32x16xf32>) members = [0, 1, -1] slot = [0, 0, 0] : !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %slice: tensor<16x32xf32>, %slice_1: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x8xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul = linalg.matmul ins(%x_1, %small_up : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x8xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %small_down : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }, {
  ^bb0(%x_1: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %big_up: tensor<16x32xf32>, %big_down: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x32xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul = linalg.matmul ins(%x_1, %big_up : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x32xf32>) outs(%empty_1 : tensor<?x32xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x32xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %big_down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %combined = moe.combine add %outs by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %s_1 = linalg.matmul ins(%combined, %layers.1.router : tensor<?x16xf32>, tensor<16x3xf32>) outs(%zero : tensor<?x3xf32>) -> tensor<?x3xf32>
  %ids_1 = moe.select #moe.top_k<1> scores(%s_1 : tensor<?x3xf32>) -> tensor<?x1xi32>
  %plan_1 = moe.plan %ids_1 : tensor<?x1xi32> -> !moe.plan<experts = 3, slots = 1>
  %rows_1 = moe.dispatch %combined by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%layers.1.small_up, %layers.1.small_down, %layers.1.big_up, %layers.1.big_down : tensor<1x16x8xf32>, tensor<1x8x16xf32>, tensor<1x16x32xf32>, tensor<1x32x16xf32>) members = [0, 1, -1] slot = [0, 0, 0] : !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %slice: tensor<16x32xf32>, %slice_1: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x8xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul = linalg.matmul ins(%x_1, %small_up : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x8xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %small_down : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }, {
  ^bb0(%x_1: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %big_up: tensor<16x32xf32>, %big_down: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x32xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul = linalg.matmul ins(%x_1, %big_up : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x32xf32>) outs(%empty_1 : tensor<?x32xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x32xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %big_down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %combined_1 = moe.combine add %outs_1 by %plan_1 init(%combined : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %s_2 = linalg.matmul ins(%combined_1, %layers.2.router : tensor<?x16xf32>, tensor<16x3xf32>) outs(%zero : tensor<?x3xf32>) -> tensor<?x3xf32>
  %ids_2 = moe.select #moe.top_k<1> scores(%s_2 : tensor<?x3xf32>) -> tensor<?x1xi32>
  %plan_2 = moe.plan %ids_2 : tensor<?x1xi32> -> !moe.plan<experts = 3, slots = 1>
  %rows_2 = moe.dispatch %combined_1 by %plan_2 : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %outs_2 = moe.experts %plan_2 rows(%rows_2 : tensor<?x16xf32>) params(%layers.2.small_up, %layers.2.small_down, %layers.2.big_up, %layers.2.big_down : tensor<1x16x8xf32>, tensor<1x8x16xf32>, tensor<1x16x32xf32>, tensor<1x32x16xf32>) members = [0, 1, -1] slot = [0, 0, 0] : !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %slice: tensor<16x32xf32>, %slice_1: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x8xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul = linalg.matmul ins(%x_1, %small_up : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x8xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %small_down : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }, {
  ^bb0(%x_1: tensor<?x16xf32>, %small_up: tensor<16x8xf32>, %small_down: tensor<8x16xf32>, %big_up: tensor<16x32xf32>, %big_down: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x32xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul = linalg.matmul ins(%x_1, %big_up : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x32xf32>) outs(%empty_1 : tensor<?x32xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x32xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %big_down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %combined_2 = moe.combine add %outs_2 by %plan_2 init(%combined_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  return %combined_2 : tensor<?x16xf32>
}
