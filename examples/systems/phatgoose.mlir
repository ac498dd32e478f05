// PHATGOOSE: adapters that were trained apart, each with a gate vector of its own, are
// mixed afterwards. At every linear layer the normalised token meets the normalised
// gate vectors; the best two of 8 adapters are added, weighted by a softmax over the
// two.
//
// A score depends on its own gate vector only, so that adapters can be added at any
// time.
//
// Source: PHATGOOSE, Learning to Route Among Specialized Experts for Zero-Shot
// Generalization; github.com/r-three/phatgoose.

#i = affine_map<(i) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

ml_program.global private @up.gate(#moe.random<seed = 1, std = 1.0 : f64>) : tensor<8x16xf32>
ml_program.global private @up.a(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<8x16x2xf32>
ml_program.global private @up.b(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<8x2x24xf32>
ml_program.global private @up.w(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @down.gate(#moe.random<seed = 5, std = 1.0 : f64>) : tensor<8x24xf32>
ml_program.global private @down.a(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<8x24x2xf32>
ml_program.global private @down.b(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<8x2x16xf32>
ml_program.global private @down.w(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x8xf32> {moe.name = "up_s", moe.dims = ["T", "8"]},
        tensor<?x8xf32> {moe.name = "down_s", moe.dims = ["T", "8"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.0625 = arith.constant 0.0625 : f32
  %f1.0e-5 = arith.constant 1.0e-5 : f32
  %f0.25 = arith.constant 0.25 : f32
  %f0.041666666666666664 = arith.constant 0.041666666666666664 : f32
  %f0.2041241452319315 = arith.constant 0.2041241452319315 : f32
  %up.gate = ml_program.global_load_const @up.gate : tensor<8x16xf32>
  %up.a = ml_program.global_load_const @up.a : tensor<8x16x2xf32>
  %up.b = ml_program.global_load_const @up.b : tensor<8x2x24xf32>
  %up.w = ml_program.global_load_const @up.w : tensor<16x24xf32>
  %down.gate = ml_program.global_load_const @down.gate : tensor<8x24xf32>
  %down.a = ml_program.global_load_const @down.a : tensor<8x24x2xf32>
  %down.b = ml_program.global_load_const @down.b : tensor<8x2x16xf32>
  %down.w = ml_program.global_load_const @down.w : tensor<24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty() : tensor<8xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<8xf32>) -> tensor<8xf32>
  %sum = linalg.reduce { arith.addf } ins(%up.gate : tensor<8x16xf32>) outs(%zero : tensor<8xf32>) dimensions = [1]
  %mean = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<8xf32>) outs(%empty : tensor<8xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<8xf32>
  %empty_1 = tensor.empty() : tensor<8x16xf32>
  %centred = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%up.gate, %mean : tensor<8x16xf32>, tensor<8xf32>) outs(%empty_1 : tensor<8x16xf32>) {
  ^bb0(%x_1: f32, %mean_1: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_1 : f32
    linalg.yield %sub : f32
  } -> tensor<8x16xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred : tensor<8x16xf32>) outs(%empty_1 : tensor<8x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<8x16xf32>
  %squares = linalg.reduce { arith.addf } ins(%map : tensor<8x16xf32>) outs(%zero : tensor<8xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares : tensor<8x16xf32>, tensor<8xf32>) outs(%empty_1 : tensor<8x16xf32>) {
  ^bb0(%c: f32, %sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<8x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?xf32>) -> tensor<?xf32>
  %sum_1 = linalg.reduce { arith.addf } ins(%x : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %mean_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_1 : tensor<?xf32>) outs(%empty_2 : tensor<?xf32>) {
  ^bb0(%sum_2: f32, %out: f32):
    %mul = arith.mulf %sum_2, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x16xf32>
  %centred_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %mean_1 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_3 : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %mean_2: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_2 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1 : tensor<?x16xf32>) outs(%empty_3 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_1 = linalg.reduce { arith.addf } ins(%map_2 : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1, %squares_1 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_3 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_2: f32, %out: f32):
    %mul = arith.mulf %sum_2, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %empty_4 = tensor.empty(%T) : tensor<?x8xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_3, %map_1 : tensor<?x16xf32>, tensor<8x16xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x8xf32>) outs(%empty_4 : tensor<?x8xf32>) {
  ^bb0(%s_1: f32, %out: f32):
    %mul = arith.mulf %s_1, %f0.25 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh softmax %s, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up.a, %up.b : tensor<8x16x2xf32>, tensor<8x2x24xf32>) : !moe.plan<experts = 8, slots = 2> -> tensor<?x24xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %a: tensor<16x2xf32>, %b: tensor<2x24xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x2xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %a : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_3 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%matmul_1, %b : tensor<?x2xf32>, tensor<2x24xf32>) outs(%zero_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
    moe.yield %matmul_2 : tensor<?x24xf32>
  }
  %empty_5 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %up.w : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%matmul_1 : tensor<?x24xf32>) : tensor<?x24xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x24xf32>
  %y = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%combined : tensor<?x24xf32>) outs(%empty_5 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %max = arith.maximumf %a, %f0.0 : f32
    linalg.yield %max : f32
  } -> tensor<?x24xf32>
  %sum_2 = linalg.reduce { arith.addf } ins(%down.gate : tensor<8x24xf32>) outs(%zero : tensor<8xf32>) dimensions = [1]
  %mean_2 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_2 : tensor<8xf32>) outs(%empty : tensor<8xf32>) {
  ^bb0(%sum_3: f32, %out: f32):
    %mul = arith.mulf %sum_3, %f0.041666666666666664 : f32
    linalg.yield %mul : f32
  } -> tensor<8xf32>
  %empty_6 = tensor.empty() : tensor<8x24xf32>
  %centred_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%down.gate, %mean_2 : tensor<8x24xf32>, tensor<8xf32>) outs(%empty_6 : tensor<8x24xf32>) {
  ^bb0(%x_1: f32, %mean_3: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_3 : f32
    linalg.yield %sub : f32
  } -> tensor<8x24xf32>
  %map_4 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2 : tensor<8x24xf32>) outs(%empty_6 : tensor<8x24xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<8x24xf32>
  %squares_2 = linalg.reduce { arith.addf } ins(%map_4 : tensor<8x24xf32>) outs(%zero : tensor<8xf32>) dimensions = [1]
  %map_5 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2, %squares_2 : tensor<8x24xf32>, tensor<8xf32>) outs(%empty_6 : tensor<8x24xf32>) {
  ^bb0(%c: f32, %sum_3: f32, %out: f32):
    %mul = arith.mulf %sum_3, %f0.041666666666666664 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<8x24xf32>
  %sum_3 = linalg.reduce { arith.addf } ins(%y : tensor<?x24xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %mean_3 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_3 : tensor<?xf32>) outs(%empty_2 : tensor<?xf32>) {
  ^bb0(%sum_4: f32, %out: f32):
    %mul = arith.mulf %sum_4, %f0.041666666666666664 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %centred_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%y, %mean_3 : tensor<?x24xf32>, tensor<?xf32>) outs(%empty_5 : tensor<?x24xf32>) {
  ^bb0(%x_1: f32, %mean_4: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_4 : f32
    linalg.yield %sub : f32
  } -> tensor<?x24xf32>
  %map_6 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3 : tensor<?x24xf32>) outs(%empty_5 : tensor<?x24xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x24xf32>
  %squares_3 = linalg.reduce { arith.addf } ins(%map_6 : tensor<?x24xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %map_7 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3, %squares_3 : tensor<?x24xf32>, tensor<?xf32>) outs(%empty_5 : tensor<?x24xf32>) {
  ^bb0(%c: f32, %sum_4: f32, %out: f32):
    %mul = arith.mulf %sum_4, %f0.041666666666666664 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_7, %map_5 : tensor<?x24xf32>, tensor<8x24xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x8xf32>) outs(%empty_4 : tensor<?x8xf32>) {
  ^bb0(%s_2: f32, %out: f32):
    %mul = arith.mulf %s_2, %f0.2041241452319315 : f32
    linalg.yield %mul : f32
  } -> tensor<?x8xf32>
  %ids_1 = moe.select #moe.top_k<2> scores(%s_1 : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w_1 = moe.weigh softmax %s_1, %ids_1 : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %rows_1 = moe.dispatch %y by %plan_1 : tensor<?x24xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x24xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x24xf32>) params(%down.a, %down.b : tensor<8x24x2xf32>, tensor<8x2x16xf32>) : !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x24xf32>, %a: tensor<24x2xf32>, %b: tensor<2x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x24xf32>
    %empty_7 = tensor.empty(%count) : tensor<?x2xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %a : tensor<?x24xf32>, tensor<24x2xf32>) outs(%zero_4 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %empty_8 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_4 = linalg.matmul ins(%matmul_3, %b : tensor<?x2xf32>, tensor<2x16xf32>) outs(%zero_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_4 : tensor<?x16xf32>
  }
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul ins(%y, %down.w : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %combined_1 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x2xf32>) init(%matmul_3 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  return %combined_1, %s, %s_1 : tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}
