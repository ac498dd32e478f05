// Mixture-of-Recursions: one block is applied up to three times, and each token takes
// part as often as a router says. @expert_choice: of the tokens that took part in a
// step, the best share takes part in the next one. @token_choice: every token chooses
// its number of steps at the start.
//
// The tokens that take part are a mask of fixed size; in a step they are gathered with
// their positions, attend to each other and are put back. The block's weights are
// parameters that all steps name. Caches of keys and values are not part of this.
//
// Source: Mixture-of-Recursions, Learning Dynamic Recursive Depths for Adaptive
// Token-Level Computation.

#i = affine_map<(i) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_j = affine_map<(i, j) -> (j)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>

ml_program.global private @router.0(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x1xf32>
ml_program.global private @q(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @k(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @v(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @o(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @up(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @down(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @router.1(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<16x1xf32>
ml_program.global private @router.2(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<16x1xf32>
ml_program.global private @depth_router(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<16x3xf32>

func.func @expert_choice(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x1xi1> {moe.name = "alive_0", moe.dims = ["T", "1"]},
        tensor<?x1xi1> {moe.name = "alive_1", moe.dims = ["T", "1"]},
        tensor<?x1xi1> {moe.name = "alive_2", moe.dims = ["T", "1"]}) {
  %c0 = arith.constant 0 : index
  %c0_i32 = arith.constant 0 : i32
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %f0.1 = arith.constant 0.1 : f32
  %c3_i32 = arith.constant 3 : i32
  %c1_i32 = arith.constant 1 : i32
  %f0.0625 = arith.constant 0.0625 : f32
  %f1.0e-5 = arith.constant 1.0e-5 : f32
  %f0.25 = arith.constant 0.25 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %c2_i32 = arith.constant 2 : i32
  %router.0 = ml_program.global_load_const @router.0 : tensor<16x1xf32>
  %q = ml_program.global_load_const @q : tensor<16x16xf32>
  %k = ml_program.global_load_const @k : tensor<16x16xf32>
  %v = ml_program.global_load_const @v : tensor<16x16xf32>
  %o = ml_program.global_load_const @o : tensor<16x16xf32>
  %up = ml_program.global_load_const @up : tensor<16x24xf32>
  %down = ml_program.global_load_const @down : tensor<24x16xf32>
  %router.1 = ml_program.global_load_const @router.1 : tensor<16x1xf32>
  %router.2 = ml_program.global_load_const @router.2 : tensor<16x1xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %slice = tensor.extract_slice %x[0, 0] [%T, 1] [1, 1] : tensor<?x16xf32> to tensor<?xf32>
  %empty = tensor.empty(%T) : tensor<?xi32>
  %map = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%slice : tensor<?xf32>) outs(%empty : tensor<?xi32>) {
  ^bb0(%x_1: f32, %out: i32):
    %i0 = linalg.index 0 : index
    %cast = arith.index_cast %i0 : index to i32
    linalg.yield %cast : i32
  } -> tensor<?xi32>
  %expanded = tensor.expand_shape %map [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty_1 = tensor.empty(%T) : tensor<?x1xi1>
  %alive = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%expanded : tensor<?x1xi32>) outs(%empty_1 : tensor<?x1xi1>) {
  ^bb0(%i: i32, %out: i1):
    %ge = arith.cmpi sge, %i, %c0_i32 : i32
    linalg.yield %ge : i1
  } -> tensor<?x1xi1>
  %empty_2 = tensor.empty(%T) : tensor<?x1xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x1xf32>) -> tensor<?x1xf32>
  %matmul = linalg.matmul ins(%x, %router.0 : tensor<?x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<?x1xf32>) -> tensor<?x1xf32>
  %scores = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x1xf32>) outs(%empty_2 : tensor<?x1xf32>) {
  ^bb0(%s: f32, %out: f32):
    %neg = arith.negf %s : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %f0.1, %div : f32
    linalg.yield %mul : f32
  } -> tensor<?x1xf32>
  %cast = arith.index_cast %T : index to i32
  %mul = arith.muli %cast, %c3_i32 : i32
  %share = arith.floordivsi %mul, %c3_i32 : i32
  %max = arith.maxsi %share, %c1_i32 : i32
  %ids, %alive_1 = moe.select_tokens position %scores capacity(%max : i32) mask(%alive : tensor<?x1xi1>) : tensor<?x1xf32> -> tensor<1x?xi32>, tensor<?x1xi1>
  %plan = moe.plan by_expert %ids tokens(%T) : tensor<1x?xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %rows_1 = moe.dispatch %map by %plan : tensor<?xi32>, !moe.plan<experts = 1, slots = 1> -> tensor<?xi32>
  %size = tensor.dim %rows, %c0 : tensor<?x16xf32>
  %empty_3 = tensor.empty(%size) : tensor<?xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce { arith.addf } ins(%rows : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %mean = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<?xf32>) outs(%empty_3 : tensor<?xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %mul_1 = arith.mulf %sum_1, %f0.0625 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?xf32>
  %size_1 = tensor.dim %rows, %c0 : tensor<?x16xf32>
  %empty_4 = tensor.empty(%size_1) : tensor<?x16xf32>
  %centred = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows, %mean : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %mean_1: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_1 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred : tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul_1 = arith.mulf %c, %c : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %squares = linalg.reduce { arith.addf } ins(%map_1 : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_1: f32, %out: f32):
    %mul_1 = arith.mulf %sum_1, %f0.0625 : f32
    %add = arith.addf %mul_1, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_2 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_1 = linalg.matmul ins(%map_2, %q : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%map_2, %k : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul ins(%map_2, %v : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %size_2 = tensor.dim %matmul_1, %c0 : tensor<?x16xf32>
  %size_3 = tensor.dim %matmul_1, %c0 : tensor<?x16xf32>
  %empty_5 = tensor.empty(%size_2, %size_3) : tensor<?x?xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_1, %matmul_2 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_3 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %rows_1, %rows_1 : tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_5 : tensor<?x?xf32>) {
  ^bb0(%s_1: f32, %i: i32, %j: i32, %out: f32):
    %sub = arith.subi %i, %j : i32
    %distance = arith.sitofp %sub : i32 to f32
    %ge = arith.cmpi sge, %i, %j : i32
    %mul_1 = arith.mulf %s_1, %f0.25 : f32
    %mul_2 = arith.mulf %f0.1, %distance : f32
    %sub_1 = arith.subf %mul_1, %mul_2 : f32
    %select = arith.select %ge, %sub_1, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax = linalg.softmax dimension(1) ins(%a : tensor<?x?xf32>) outs(%empty_5 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_4 = linalg.matmul ins(%softmax, %matmul_3 : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_5 = linalg.matmul ins(%matmul_4, %o : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %x_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows, %matmul_5 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %b: f32, %out: f32):
    %add = arith.addf %a_1, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %sum_1 = linalg.reduce { arith.addf } ins(%x_1 : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %mean_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_1 : tensor<?xf32>) outs(%empty_3 : tensor<?xf32>) {
  ^bb0(%sum_2: f32, %out: f32):
    %mul_1 = arith.mulf %sum_2, %f0.0625 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?xf32>
  %centred_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %mean_1 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%x_2: f32, %mean_2: f32, %out: f32):
    %sub = arith.subf %x_2, %mean_2 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1 : tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul_1 = arith.mulf %c, %c : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %squares_1 = linalg.reduce { arith.addf } ins(%map_3 : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %map_4 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1, %squares_1 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_2: f32, %out: f32):
    %mul_1 = arith.mulf %sum_2, %f0.0625 : f32
    %add = arith.addf %mul_1, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_2 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x16xf32>
  %size_4 = tensor.dim %map_4, %c0 : tensor<?x16xf32>
  %empty_6 = tensor.empty(%size_4) : tensor<?x24xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_6 = linalg.matmul ins(%map_4, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_6 : tensor<?x24xf32>) outs(%empty_6 : tensor<?x24xf32>) {
  ^bb0(%a_1: f32, %out: f32):
    %mul_1 = arith.mulf %f0.5, %a_1 : f32
    %mul_2 = arith.mulf %a_1, %f0.7071067811865476 : f32
    %erf = math.erf %mul_2 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_3 = arith.mulf %mul_1, %add : f32
    linalg.yield %mul_3 : f32
  } -> tensor<?x24xf32>
  %matmul_7 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %matmul_7 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %b: f32, %out: f32):
    %add_1 = arith.addf %a_1, %b : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  %x_2 = moe.combine add %add by %plan weights(%scores : tensor<?x1xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %matmul_8 = linalg.matmul ins(%x_2, %router.1 : tensor<?x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<?x1xf32>) -> tensor<?x1xf32>
  %scores_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_8 : tensor<?x1xf32>) outs(%empty_2 : tensor<?x1xf32>) {
  ^bb0(%s_1: f32, %out: f32):
    %neg = arith.negf %s_1 : f32
    %exp = math.exp %neg : f32
    %add_1 = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add_1 : f32
    %mul_1 = arith.mulf %f0.1, %div : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x1xf32>
  %cast_1 = arith.index_cast %T : index to i32
  %mul_1 = arith.muli %cast_1, %c2_i32 : i32
  %share_1 = arith.floordivsi %mul_1, %c3_i32 : i32
  %max_1 = arith.maxsi %share_1, %c1_i32 : i32
  %ids_1, %alive_2 = moe.select_tokens position %scores_1 capacity(%max_1 : i32) mask(%alive_1 : tensor<?x1xi1>) : tensor<?x1xf32> -> tensor<1x?xi32>, tensor<?x1xi1>
  %plan_1 = moe.plan by_expert %ids_1 tokens(%T) : tensor<1x?xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows_2 = moe.dispatch %x_2 by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %rows_3 = moe.dispatch %map by %plan_1 : tensor<?xi32>, !moe.plan<experts = 1, slots = 1> -> tensor<?xi32>
  %size_5 = tensor.dim %rows_2, %c0 : tensor<?x16xf32>
  %empty_7 = tensor.empty(%size_5) : tensor<?xf32>
  %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?xf32>) -> tensor<?xf32>
  %sum_2 = linalg.reduce { arith.addf } ins(%rows_2 : tensor<?x16xf32>) outs(%zero_5 : tensor<?xf32>) dimensions = [1]
  %mean_2 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_2 : tensor<?xf32>) outs(%empty_7 : tensor<?xf32>) {
  ^bb0(%sum_3: f32, %out: f32):
    %mul_2 = arith.mulf %sum_3, %f0.0625 : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?xf32>
  %size_6 = tensor.dim %rows_2, %c0 : tensor<?x16xf32>
  %empty_8 = tensor.empty(%size_6) : tensor<?x16xf32>
  %centred_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_2, %mean_2 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%x_3: f32, %mean_3: f32, %out: f32):
    %sub = arith.subf %x_3, %mean_3 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_5 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2 : tensor<?x16xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul_2 = arith.mulf %c, %c : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x16xf32>
  %squares_2 = linalg.reduce { arith.addf } ins(%map_5 : tensor<?x16xf32>) outs(%zero_5 : tensor<?xf32>) dimensions = [1]
  %map_6 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2, %squares_2 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_3: f32, %out: f32):
    %mul_2 = arith.mulf %sum_3, %f0.0625 : f32
    %add_1 = arith.addf %mul_2, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add_1 : f32
    %mul_3 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_3 : f32
  } -> tensor<?x16xf32>
  %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_9 = linalg.matmul ins(%map_6, %q : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_10 = linalg.matmul ins(%map_6, %k : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_11 = linalg.matmul ins(%map_6, %v : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %size_7 = tensor.dim %matmul_9, %c0 : tensor<?x16xf32>
  %size_8 = tensor.dim %matmul_9, %c0 : tensor<?x16xf32>
  %empty_9 = tensor.empty(%size_7, %size_8) : tensor<?x?xf32>
  %zero_7 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_9, %matmul_10 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %a_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s_1, %rows_3, %rows_3 : tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_9 : tensor<?x?xf32>) {
  ^bb0(%s_2: f32, %i: i32, %j: i32, %out: f32):
    %sub = arith.subi %i, %j : i32
    %distance = arith.sitofp %sub : i32 to f32
    %ge = arith.cmpi sge, %i, %j : i32
    %mul_2 = arith.mulf %s_2, %f0.25 : f32
    %mul_3 = arith.mulf %f0.1, %distance : f32
    %sub_1 = arith.subf %mul_2, %mul_3 : f32
    %select = arith.select %ge, %sub_1, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax_1 = linalg.softmax dimension(1) ins(%a_1 : tensor<?x?xf32>) outs(%empty_9 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_12 = linalg.matmul ins(%softmax_1, %matmul_11 : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_13 = linalg.matmul ins(%matmul_12, %o : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %x_3 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_2, %matmul_13 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%a_2: f32, %b: f32, %out: f32):
    %add_1 = arith.addf %a_2, %b : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  %sum_3 = linalg.reduce { arith.addf } ins(%x_3 : tensor<?x16xf32>) outs(%zero_5 : tensor<?xf32>) dimensions = [1]
  %mean_3 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_3 : tensor<?xf32>) outs(%empty_7 : tensor<?xf32>) {
  ^bb0(%sum_4: f32, %out: f32):
    %mul_2 = arith.mulf %sum_4, %f0.0625 : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?xf32>
  %centred_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_3, %mean_3 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%x_4: f32, %mean_4: f32, %out: f32):
    %sub = arith.subf %x_4, %mean_4 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_7 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3 : tensor<?x16xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul_2 = arith.mulf %c, %c : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x16xf32>
  %squares_3 = linalg.reduce { arith.addf } ins(%map_7 : tensor<?x16xf32>) outs(%zero_5 : tensor<?xf32>) dimensions = [1]
  %map_8 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3, %squares_3 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_4: f32, %out: f32):
    %mul_2 = arith.mulf %sum_4, %f0.0625 : f32
    %add_1 = arith.addf %mul_2, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add_1 : f32
    %mul_3 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_3 : f32
  } -> tensor<?x16xf32>
  %size_9 = tensor.dim %map_8, %c0 : tensor<?x16xf32>
  %empty_10 = tensor.empty(%size_9) : tensor<?x24xf32>
  %zero_8 = linalg.fill ins(%f0.0 : f32) outs(%empty_10 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_14 = linalg.matmul ins(%map_8, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_8 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_14 : tensor<?x24xf32>) outs(%empty_10 : tensor<?x24xf32>) {
  ^bb0(%a_2: f32, %out: f32):
    %mul_2 = arith.mulf %f0.5, %a_2 : f32
    %mul_3 = arith.mulf %a_2, %f0.7071067811865476 : f32
    %erf = math.erf %mul_3 : f32
    %add_1 = arith.addf %f1.0, %erf : f32
    %mul_4 = arith.mulf %mul_2, %add_1 : f32
    linalg.yield %mul_4 : f32
  } -> tensor<?x24xf32>
  %matmul_15 = linalg.matmul ins(%gelu_1, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %add_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_3, %matmul_15 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%a_2: f32, %b: f32, %out: f32):
    %add_2 = arith.addf %a_2, %b : f32
    linalg.yield %add_2 : f32
  } -> tensor<?x16xf32>
  %x_4 = moe.combine add %add_1 by %plan_1 weights(%scores_1 : tensor<?x1xf32>) init(%x_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %matmul_16 = linalg.matmul ins(%x_4, %router.2 : tensor<?x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<?x1xf32>) -> tensor<?x1xf32>
  %scores_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_16 : tensor<?x1xf32>) outs(%empty_2 : tensor<?x1xf32>) {
  ^bb0(%s_2: f32, %out: f32):
    %neg = arith.negf %s_2 : f32
    %exp = math.exp %neg : f32
    %add_2 = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add_2 : f32
    %mul_2 = arith.mulf %f0.1, %div : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x1xf32>
  %cast_2 = arith.index_cast %T : index to i32
  %mul_2 = arith.muli %cast_2, %c1_i32 : i32
  %share_2 = arith.floordivsi %mul_2, %c3_i32 : i32
  %max_2 = arith.maxsi %share_2, %c1_i32 : i32
  %ids_2, %alive_3 = moe.select_tokens position %scores_2 capacity(%max_2 : i32) mask(%alive_2 : tensor<?x1xi1>) : tensor<?x1xf32> -> tensor<1x?xi32>, tensor<?x1xi1>
  %plan_2 = moe.plan by_expert %ids_2 tokens(%T) : tensor<1x?xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows_4 = moe.dispatch %x_4 by %plan_2 : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %rows_5 = moe.dispatch %map by %plan_2 : tensor<?xi32>, !moe.plan<experts = 1, slots = 1> -> tensor<?xi32>
  %size_10 = tensor.dim %rows_4, %c0 : tensor<?x16xf32>
  %empty_11 = tensor.empty(%size_10) : tensor<?xf32>
  %zero_9 = linalg.fill ins(%f0.0 : f32) outs(%empty_11 : tensor<?xf32>) -> tensor<?xf32>
  %sum_4 = linalg.reduce { arith.addf } ins(%rows_4 : tensor<?x16xf32>) outs(%zero_9 : tensor<?xf32>) dimensions = [1]
  %mean_4 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_4 : tensor<?xf32>) outs(%empty_11 : tensor<?xf32>) {
  ^bb0(%sum_5: f32, %out: f32):
    %mul_3 = arith.mulf %sum_5, %f0.0625 : f32
    linalg.yield %mul_3 : f32
  } -> tensor<?xf32>
  %size_11 = tensor.dim %rows_4, %c0 : tensor<?x16xf32>
  %empty_12 = tensor.empty(%size_11) : tensor<?x16xf32>
  %centred_4 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_4, %mean_4 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%x_5: f32, %mean_5: f32, %out: f32):
    %sub = arith.subf %x_5, %mean_5 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_9 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_4 : tensor<?x16xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul_3 = arith.mulf %c, %c : f32
    linalg.yield %mul_3 : f32
  } -> tensor<?x16xf32>
  %squares_4 = linalg.reduce { arith.addf } ins(%map_9 : tensor<?x16xf32>) outs(%zero_9 : tensor<?xf32>) dimensions = [1]
  %map_10 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_4, %squares_4 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_5: f32, %out: f32):
    %mul_3 = arith.mulf %sum_5, %f0.0625 : f32
    %add_2 = arith.addf %mul_3, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add_2 : f32
    %mul_4 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_4 : f32
  } -> tensor<?x16xf32>
  %zero_10 = linalg.fill ins(%f0.0 : f32) outs(%empty_12 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_17 = linalg.matmul ins(%map_10, %q : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_18 = linalg.matmul ins(%map_10, %k : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_19 = linalg.matmul ins(%map_10, %v : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %size_12 = tensor.dim %matmul_17, %c0 : tensor<?x16xf32>
  %size_13 = tensor.dim %matmul_17, %c0 : tensor<?x16xf32>
  %empty_13 = tensor.empty(%size_12, %size_13) : tensor<?x?xf32>
  %zero_11 = linalg.fill ins(%f0.0 : f32) outs(%empty_13 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_17, %matmul_18 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_11 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %a_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s_2, %rows_5, %rows_5 : tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_13 : tensor<?x?xf32>) {
  ^bb0(%s_3: f32, %i: i32, %j: i32, %out: f32):
    %sub = arith.subi %i, %j : i32
    %distance = arith.sitofp %sub : i32 to f32
    %ge = arith.cmpi sge, %i, %j : i32
    %mul_3 = arith.mulf %s_3, %f0.25 : f32
    %mul_4 = arith.mulf %f0.1, %distance : f32
    %sub_1 = arith.subf %mul_3, %mul_4 : f32
    %select = arith.select %ge, %sub_1, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax_2 = linalg.softmax dimension(1) ins(%a_2 : tensor<?x?xf32>) outs(%empty_13 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_20 = linalg.matmul ins(%softmax_2, %matmul_19 : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_21 = linalg.matmul ins(%matmul_20, %o : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %x_5 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_4, %matmul_21 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%a_3: f32, %b: f32, %out: f32):
    %add_2 = arith.addf %a_3, %b : f32
    linalg.yield %add_2 : f32
  } -> tensor<?x16xf32>
  %sum_5 = linalg.reduce { arith.addf } ins(%x_5 : tensor<?x16xf32>) outs(%zero_9 : tensor<?xf32>) dimensions = [1]
  %mean_5 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_5 : tensor<?xf32>) outs(%empty_11 : tensor<?xf32>) {
  ^bb0(%sum_6: f32, %out: f32):
    %mul_3 = arith.mulf %sum_6, %f0.0625 : f32
    linalg.yield %mul_3 : f32
  } -> tensor<?xf32>
  %centred_5 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_5, %mean_5 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%x_6: f32, %mean_6: f32, %out: f32):
    %sub = arith.subf %x_6, %mean_6 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_11 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_5 : tensor<?x16xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul_3 = arith.mulf %c, %c : f32
    linalg.yield %mul_3 : f32
  } -> tensor<?x16xf32>
  %squares_5 = linalg.reduce { arith.addf } ins(%map_11 : tensor<?x16xf32>) outs(%zero_9 : tensor<?xf32>) dimensions = [1]
  %map_12 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_5, %squares_5 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_6: f32, %out: f32):
    %mul_3 = arith.mulf %sum_6, %f0.0625 : f32
    %add_2 = arith.addf %mul_3, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add_2 : f32
    %mul_4 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_4 : f32
  } -> tensor<?x16xf32>
  %size_14 = tensor.dim %map_12, %c0 : tensor<?x16xf32>
  %empty_14 = tensor.empty(%size_14) : tensor<?x24xf32>
  %zero_12 = linalg.fill ins(%f0.0 : f32) outs(%empty_14 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_22 = linalg.matmul ins(%map_12, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_12 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_22 : tensor<?x24xf32>) outs(%empty_14 : tensor<?x24xf32>) {
  ^bb0(%a_3: f32, %out: f32):
    %mul_3 = arith.mulf %f0.5, %a_3 : f32
    %mul_4 = arith.mulf %a_3, %f0.7071067811865476 : f32
    %erf = math.erf %mul_4 : f32
    %add_2 = arith.addf %f1.0, %erf : f32
    %mul_5 = arith.mulf %mul_3, %add_2 : f32
    linalg.yield %mul_5 : f32
  } -> tensor<?x24xf32>
  %matmul_23 = linalg.matmul ins(%gelu_2, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %add_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_5, %matmul_23 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%a_3: f32, %b: f32, %out: f32):
    %add_3 = arith.addf %a_3, %b : f32
    linalg.yield %add_3 : f32
  } -> tensor<?x16xf32>
  %x_6 = moe.combine add %add_2 by %plan_2 weights(%scores_2 : tensor<?x1xf32>) init(%x_4 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  return %x_6, %alive_1, %alive_2, %alive_3 : tensor<?x16xf32>, tensor<?x1xi1>, tensor<?x1xi1>, tensor<?x1xi1>
}

func.func @token_choice(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x1xi32> {moe.name = "depth", moe.dims = ["T", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %c0_i32 = arith.constant 0 : i32
  %c-1_i32 = arith.constant -1 : i32
  %f0.0625 = arith.constant 0.0625 : f32
  %f1.0e-5 = arith.constant 1.0e-5 : f32
  %f0.25 = arith.constant 0.25 : f32
  %f0.1 = arith.constant 0.1 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %c1_i32 = arith.constant 1 : i32
  %c2_i32 = arith.constant 2 : i32
  %depth_router = ml_program.global_load_const @depth_router : tensor<16x3xf32>
  %q = ml_program.global_load_const @q : tensor<16x16xf32>
  %k = ml_program.global_load_const @k : tensor<16x16xf32>
  %v = ml_program.global_load_const @v : tensor<16x16xf32>
  %o = ml_program.global_load_const @o : tensor<16x16xf32>
  %up = ml_program.global_load_const @up : tensor<16x24xf32>
  %down = ml_program.global_load_const @down : tensor<24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %slice = tensor.extract_slice %x[0, 0] [%T, 1] [1, 1] : tensor<?x16xf32> to tensor<?xf32>
  %empty = tensor.empty(%T) : tensor<?xi32>
  %map = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%slice : tensor<?xf32>) outs(%empty : tensor<?xi32>) {
  ^bb0(%x_1: f32, %out: i32):
    %i0 = linalg.index 0 : index
    %cast = arith.index_cast %i0 : index to i32
    linalg.yield %cast : i32
  } -> tensor<?xi32>
  %empty_1 = tensor.empty(%T) : tensor<?x3xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %matmul = linalg.matmul ins(%x, %depth_router : tensor<?x16xf32>, tensor<16x3xf32>) outs(%zero : tensor<?x3xf32>) -> tensor<?x3xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x3xf32>) outs(%empty_1 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %depth = moe.select #moe.top_k<1> scores(%p : tensor<?x3xf32>) -> tensor<?x1xi32>
  %w = moe.weigh none %p, %depth : tensor<?x3xf32>, tensor<?x1xi32> -> tensor<?x1xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x1xi32>
  %ids = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%depth : tensor<?x1xi32>) outs(%empty_2 : tensor<?x1xi32>) {
  ^bb0(%depth_1: i32, %out: i32):
    %ge = arith.cmpi sge, %depth_1, %c0_i32 : i32
    %mul = arith.muli %depth_1, %c0_i32 : i32
    %select = arith.select %ge, %mul, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x1xi32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %rows_1 = moe.dispatch %map by %plan : tensor<?xi32>, !moe.plan<experts = 1, slots = 1> -> tensor<?xi32>
  %size = tensor.dim %rows, %c0 : tensor<?x16xf32>
  %empty_3 = tensor.empty(%size) : tensor<?xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce { arith.addf } ins(%rows : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %mean = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<?xf32>) outs(%empty_3 : tensor<?xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %size_1 = tensor.dim %rows, %c0 : tensor<?x16xf32>
  %empty_4 = tensor.empty(%size_1) : tensor<?x16xf32>
  %centred = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows, %mean : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %mean_1: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_1 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred : tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares = linalg.reduce { arith.addf } ins(%map_1 : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_1 = linalg.matmul ins(%map_2, %q : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%map_2, %k : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul ins(%map_2, %v : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %size_2 = tensor.dim %matmul_1, %c0 : tensor<?x16xf32>
  %size_3 = tensor.dim %matmul_1, %c0 : tensor<?x16xf32>
  %empty_5 = tensor.empty(%size_2, %size_3) : tensor<?x?xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_1, %matmul_2 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_3 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %rows_1, %rows_1 : tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_5 : tensor<?x?xf32>) {
  ^bb0(%s_1: f32, %i: i32, %j: i32, %out: f32):
    %sub = arith.subi %i, %j : i32
    %distance = arith.sitofp %sub : i32 to f32
    %ge = arith.cmpi sge, %i, %j : i32
    %mul = arith.mulf %s_1, %f0.25 : f32
    %mul_1 = arith.mulf %f0.1, %distance : f32
    %sub_1 = arith.subf %mul, %mul_1 : f32
    %select = arith.select %ge, %sub_1, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax = linalg.softmax dimension(1) ins(%a : tensor<?x?xf32>) outs(%empty_5 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_4 = linalg.matmul ins(%softmax, %matmul_3 : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_5 = linalg.matmul ins(%matmul_4, %o : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %x_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows, %matmul_5 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %b: f32, %out: f32):
    %add = arith.addf %a_1, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %sum_1 = linalg.reduce { arith.addf } ins(%x_1 : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %mean_1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_1 : tensor<?xf32>) outs(%empty_3 : tensor<?xf32>) {
  ^bb0(%sum_2: f32, %out: f32):
    %mul = arith.mulf %sum_2, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %centred_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %mean_1 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%x_2: f32, %mean_2: f32, %out: f32):
    %sub = arith.subf %x_2, %mean_2 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1 : tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_1 = linalg.reduce { arith.addf } ins(%map_3 : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
  %map_4 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_1, %squares_1 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_2: f32, %out: f32):
    %mul = arith.mulf %sum_2, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %size_4 = tensor.dim %map_4, %c0 : tensor<?x16xf32>
  %empty_6 = tensor.empty(%size_4) : tensor<?x24xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_6 = linalg.matmul ins(%map_4, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_6 : tensor<?x24xf32>) outs(%empty_6 : tensor<?x24xf32>) {
  ^bb0(%a_1: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a_1 : f32
    %mul_1 = arith.mulf %a_1, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_7 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %matmul_7 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %b: f32, %out: f32):
    %add_1 = arith.addf %a_1, %b : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  %h = moe.combine replace %add by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %ids_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%depth : tensor<?x1xi32>) outs(%empty_2 : tensor<?x1xi32>) {
  ^bb0(%depth_1: i32, %out: i32):
    %ge = arith.cmpi sge, %depth_1, %c1_i32 : i32
    %mul = arith.muli %depth_1, %c0_i32 : i32
    %select = arith.select %ge, %mul, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x1xi32>
  %plan_1 = moe.plan %ids_1 : tensor<?x1xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows_2 = moe.dispatch %h by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %rows_3 = moe.dispatch %map by %plan_1 : tensor<?xi32>, !moe.plan<experts = 1, slots = 1> -> tensor<?xi32>
  %size_5 = tensor.dim %rows_2, %c0 : tensor<?x16xf32>
  %empty_7 = tensor.empty(%size_5) : tensor<?xf32>
  %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?xf32>) -> tensor<?xf32>
  %sum_2 = linalg.reduce { arith.addf } ins(%rows_2 : tensor<?x16xf32>) outs(%zero_5 : tensor<?xf32>) dimensions = [1]
  %mean_2 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_2 : tensor<?xf32>) outs(%empty_7 : tensor<?xf32>) {
  ^bb0(%sum_3: f32, %out: f32):
    %mul = arith.mulf %sum_3, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %size_6 = tensor.dim %rows_2, %c0 : tensor<?x16xf32>
  %empty_8 = tensor.empty(%size_6) : tensor<?x16xf32>
  %centred_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_2, %mean_2 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%x_2: f32, %mean_3: f32, %out: f32):
    %sub = arith.subf %x_2, %mean_3 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_5 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2 : tensor<?x16xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_2 = linalg.reduce { arith.addf } ins(%map_5 : tensor<?x16xf32>) outs(%zero_5 : tensor<?xf32>) dimensions = [1]
  %map_6 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_2, %squares_2 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_3: f32, %out: f32):
    %mul = arith.mulf %sum_3, %f0.0625 : f32
    %add_1 = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add_1 : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_8 = linalg.matmul ins(%map_6, %q : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_9 = linalg.matmul ins(%map_6, %k : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_10 = linalg.matmul ins(%map_6, %v : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %size_7 = tensor.dim %matmul_8, %c0 : tensor<?x16xf32>
  %size_8 = tensor.dim %matmul_8, %c0 : tensor<?x16xf32>
  %empty_9 = tensor.empty(%size_7, %size_8) : tensor<?x?xf32>
  %zero_7 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_8, %matmul_9 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_7 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %a_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s_1, %rows_3, %rows_3 : tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_9 : tensor<?x?xf32>) {
  ^bb0(%s_2: f32, %i: i32, %j: i32, %out: f32):
    %sub = arith.subi %i, %j : i32
    %distance = arith.sitofp %sub : i32 to f32
    %ge = arith.cmpi sge, %i, %j : i32
    %mul = arith.mulf %s_2, %f0.25 : f32
    %mul_1 = arith.mulf %f0.1, %distance : f32
    %sub_1 = arith.subf %mul, %mul_1 : f32
    %select = arith.select %ge, %sub_1, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax_1 = linalg.softmax dimension(1) ins(%a_1 : tensor<?x?xf32>) outs(%empty_9 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_11 = linalg.matmul ins(%softmax_1, %matmul_10 : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_12 = linalg.matmul ins(%matmul_11, %o : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %x_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_2, %matmul_12 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%a_2: f32, %b: f32, %out: f32):
    %add_1 = arith.addf %a_2, %b : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  %sum_3 = linalg.reduce { arith.addf } ins(%x_2 : tensor<?x16xf32>) outs(%zero_5 : tensor<?xf32>) dimensions = [1]
  %mean_3 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_3 : tensor<?xf32>) outs(%empty_7 : tensor<?xf32>) {
  ^bb0(%sum_4: f32, %out: f32):
    %mul = arith.mulf %sum_4, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %centred_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_2, %mean_3 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%x_3: f32, %mean_4: f32, %out: f32):
    %sub = arith.subf %x_3, %mean_4 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_7 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3 : tensor<?x16xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_3 = linalg.reduce { arith.addf } ins(%map_7 : tensor<?x16xf32>) outs(%zero_5 : tensor<?xf32>) dimensions = [1]
  %map_8 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_3, %squares_3 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_4: f32, %out: f32):
    %mul = arith.mulf %sum_4, %f0.0625 : f32
    %add_1 = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add_1 : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %size_9 = tensor.dim %map_8, %c0 : tensor<?x16xf32>
  %empty_10 = tensor.empty(%size_9) : tensor<?x24xf32>
  %zero_8 = linalg.fill ins(%f0.0 : f32) outs(%empty_10 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_13 = linalg.matmul ins(%map_8, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_8 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_13 : tensor<?x24xf32>) outs(%empty_10 : tensor<?x24xf32>) {
  ^bb0(%a_2: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a_2 : f32
    %mul_1 = arith.mulf %a_2, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add_1 = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add_1 : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_14 = linalg.matmul ins(%gelu_1, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %add_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_2, %matmul_14 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_8 : tensor<?x16xf32>) {
  ^bb0(%a_2: f32, %b: f32, %out: f32):
    %add_2 = arith.addf %a_2, %b : f32
    linalg.yield %add_2 : f32
  } -> tensor<?x16xf32>
  %h_1 = moe.combine replace %add_1 by %plan_1 init(%h : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %ids_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%depth : tensor<?x1xi32>) outs(%empty_2 : tensor<?x1xi32>) {
  ^bb0(%depth_1: i32, %out: i32):
    %ge = arith.cmpi sge, %depth_1, %c2_i32 : i32
    %mul = arith.muli %depth_1, %c0_i32 : i32
    %select = arith.select %ge, %mul, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x1xi32>
  %plan_2 = moe.plan %ids_2 : tensor<?x1xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows_4 = moe.dispatch %h_1 by %plan_2 : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %rows_5 = moe.dispatch %map by %plan_2 : tensor<?xi32>, !moe.plan<experts = 1, slots = 1> -> tensor<?xi32>
  %size_10 = tensor.dim %rows_4, %c0 : tensor<?x16xf32>
  %empty_11 = tensor.empty(%size_10) : tensor<?xf32>
  %zero_9 = linalg.fill ins(%f0.0 : f32) outs(%empty_11 : tensor<?xf32>) -> tensor<?xf32>
  %sum_4 = linalg.reduce { arith.addf } ins(%rows_4 : tensor<?x16xf32>) outs(%zero_9 : tensor<?xf32>) dimensions = [1]
  %mean_4 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_4 : tensor<?xf32>) outs(%empty_11 : tensor<?xf32>) {
  ^bb0(%sum_5: f32, %out: f32):
    %mul = arith.mulf %sum_5, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %size_11 = tensor.dim %rows_4, %c0 : tensor<?x16xf32>
  %empty_12 = tensor.empty(%size_11) : tensor<?x16xf32>
  %centred_4 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_4, %mean_4 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%x_3: f32, %mean_5: f32, %out: f32):
    %sub = arith.subf %x_3, %mean_5 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_9 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_4 : tensor<?x16xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_4 = linalg.reduce { arith.addf } ins(%map_9 : tensor<?x16xf32>) outs(%zero_9 : tensor<?xf32>) dimensions = [1]
  %map_10 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_4, %squares_4 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_5: f32, %out: f32):
    %mul = arith.mulf %sum_5, %f0.0625 : f32
    %add_2 = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add_2 : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %zero_10 = linalg.fill ins(%f0.0 : f32) outs(%empty_12 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_15 = linalg.matmul ins(%map_10, %q : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_16 = linalg.matmul ins(%map_10, %k : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_17 = linalg.matmul ins(%map_10, %v : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %size_12 = tensor.dim %matmul_15, %c0 : tensor<?x16xf32>
  %size_13 = tensor.dim %matmul_15, %c0 : tensor<?x16xf32>
  %empty_13 = tensor.empty(%size_12, %size_13) : tensor<?x?xf32>
  %zero_11 = linalg.fill ins(%f0.0 : f32) outs(%empty_13 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_15, %matmul_16 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_11 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %a_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s_2, %rows_5, %rows_5 : tensor<?x?xf32>, tensor<?xi32>, tensor<?xi32>) outs(%empty_13 : tensor<?x?xf32>) {
  ^bb0(%s_3: f32, %i: i32, %j: i32, %out: f32):
    %sub = arith.subi %i, %j : i32
    %distance = arith.sitofp %sub : i32 to f32
    %ge = arith.cmpi sge, %i, %j : i32
    %mul = arith.mulf %s_3, %f0.25 : f32
    %mul_1 = arith.mulf %f0.1, %distance : f32
    %sub_1 = arith.subf %mul, %mul_1 : f32
    %select = arith.select %ge, %sub_1, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax_2 = linalg.softmax dimension(1) ins(%a_2 : tensor<?x?xf32>) outs(%empty_13 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_18 = linalg.matmul ins(%softmax_2, %matmul_17 : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_19 = linalg.matmul ins(%matmul_18, %o : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %x_3 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%rows_4, %matmul_19 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%a_3: f32, %b: f32, %out: f32):
    %add_2 = arith.addf %a_3, %b : f32
    linalg.yield %add_2 : f32
  } -> tensor<?x16xf32>
  %sum_5 = linalg.reduce { arith.addf } ins(%x_3 : tensor<?x16xf32>) outs(%zero_9 : tensor<?xf32>) dimensions = [1]
  %mean_5 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum_5 : tensor<?xf32>) outs(%empty_11 : tensor<?xf32>) {
  ^bb0(%sum_6: f32, %out: f32):
    %mul = arith.mulf %sum_6, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?xf32>
  %centred_5 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_3, %mean_5 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%x_4: f32, %mean_6: f32, %out: f32):
    %sub = arith.subf %x_4, %mean_6 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %map_11 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_5 : tensor<?x16xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %squares_5 = linalg.reduce { arith.addf } ins(%map_11 : tensor<?x16xf32>) outs(%zero_9 : tensor<?xf32>) dimensions = [1]
  %map_12 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred_5, %squares_5 : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %sum_6: f32, %out: f32):
    %mul = arith.mulf %sum_6, %f0.0625 : f32
    %add_2 = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add_2 : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %size_14 = tensor.dim %map_12, %c0 : tensor<?x16xf32>
  %empty_14 = tensor.empty(%size_14) : tensor<?x24xf32>
  %zero_12 = linalg.fill ins(%f0.0 : f32) outs(%empty_14 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_20 = linalg.matmul ins(%map_12, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_12 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_20 : tensor<?x24xf32>) outs(%empty_14 : tensor<?x24xf32>) {
  ^bb0(%a_3: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a_3 : f32
    %mul_1 = arith.mulf %a_3, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add_2 = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add_2 : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_21 = linalg.matmul ins(%gelu_2, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_10 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %add_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_3, %matmul_21 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_12 : tensor<?x16xf32>) {
  ^bb0(%a_3: f32, %b: f32, %out: f32):
    %add_3 = arith.addf %a_3, %b : f32
    linalg.yield %add_3 : f32
  } -> tensor<?x16xf32>
  %h_2 = moe.combine replace %add_2 by %plan_2 init(%h_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %empty_15 = tensor.empty(%T) : tensor<?x16xf32>
  %y = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %w, %h_2 : tensor<?x16xf32>, tensor<?x1xf32>, tensor<?x16xf32>) outs(%empty_15 : tensor<?x16xf32>) {
  ^bb0(%x_4: f32, %w_1: f32, %h_3: f32, %out: f32):
    %mul = arith.mulf %w_1, %h_3 : f32
    %add_3 = arith.addf %x_4, %mul : f32
    linalg.yield %add_3 : f32
  } -> tensor<?x16xf32>
  return %y, %depth : tensor<?x16xf32>, tensor<?x1xi32>
}
