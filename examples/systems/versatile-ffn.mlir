// VersatileFFN: one feed-forward network used in two ways. Depth: a token passes it 1
// to 4 times, as its router says. Width: slices of its hidden units are 8 experts, of
// which it takes 2. The harder a token, the more it is depth: both are blended by the
// number of passes, and the deepest tokens skip the width.
//
// The bank of 8 slices and the whole network are two views of the same two parameters.
//
// Source: VersatileFFN, Achieving Parameter Efficiency in LLMs via Adaptive
// Wide-and-Deep Reuse; the code of huawei-noah.

#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>

ml_program.global private @up(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<8x4x16xf32>
ml_program.global private @down(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<8x4x16xf32>
ml_program.global private @depth_router(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @width_router(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x8xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x1xi32> {moe.name = "q", moe.dims = ["T", "1"]},
        tensor<?x2xi32> {moe.name = "width_ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %c0_i32 = arith.constant 0 : i32
  %c-1_i32 = arith.constant -1 : i32
  %f0.0625 = arith.constant 0.0625 : f32
  %f1.0e-5 = arith.constant 1.0e-5 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %c1_i32 = arith.constant 1 : i32
  %c2_i32 = arith.constant 2 : i32
  %c3_i32 = arith.constant 3 : i32
  %f0.25 = arith.constant 0.25 : f32
  %up = ml_program.global_load_const @up : tensor<8x4x16xf32>
  %down = ml_program.global_load_const @down : tensor<8x4x16xf32>
  %depth_router = ml_program.global_load_const @depth_router : tensor<16x4xf32>
  %width_router = ml_program.global_load_const @width_router : tensor<16x8xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %whole_up = tensor.collapse_shape %up [[0, 1], [2]] : tensor<8x4x16xf32> into tensor<32x16xf32>
  %whole_down = tensor.collapse_shape %down [[0, 1], [2]] : tensor<8x4x16xf32> into tensor<32x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %depth_router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %q = moe.select #moe.top_k<1> scores(%matmul : tensor<?x4xf32>) -> tensor<?x1xi32>
  %empty_1 = tensor.empty(%T) : tensor<?x1xi32>
  %ids = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%q : tensor<?x1xi32>) outs(%empty_1 : tensor<?x1xi32>) {
  ^bb0(%q_1: i32, %out: i32):
    %ge = arith.cmpi sge, %q_1, %c0_i32 : i32
    %mul = arith.muli %q_1, %c0_i32 : i32
    %select = arith.select %ge, %mul, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x1xi32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) : !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1 : tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %out: f32):
      %mul = arith.mulf %x_2, %x_2 : f32
      linalg.yield %mul : f32
    } -> tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
    %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
    %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_2 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %sum: f32, %out: f32):
      %mul = arith.mulf %sum, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %x_2, %rsqrt : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x16xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x32xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_1, %whole_up : tensor<?x16xf32>, tensor<32x16xf32>) outs(%zero_2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x32xf32>) outs(%empty_4 : tensor<?x32xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x32xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %whole_down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %deep = moe.combine add %outs by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %ids_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%q : tensor<?x1xi32>) outs(%empty_1 : tensor<?x1xi32>) {
  ^bb0(%q_1: i32, %out: i32):
    %ge = arith.cmpi sge, %q_1, %c1_i32 : i32
    %mul = arith.muli %q_1, %c0_i32 : i32
    %select = arith.select %ge, %mul, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x1xi32>
  %plan_1 = moe.plan %ids_1 : tensor<?x1xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows_1 = moe.dispatch %deep by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) : !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1 : tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %out: f32):
      %mul = arith.mulf %x_2, %x_2 : f32
      linalg.yield %mul : f32
    } -> tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
    %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
    %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_2 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %sum: f32, %out: f32):
      %mul = arith.mulf %sum, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %x_2, %rsqrt : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x16xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x32xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_1, %whole_up : tensor<?x16xf32>, tensor<32x16xf32>) outs(%zero_2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x32xf32>) outs(%empty_4 : tensor<?x32xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x32xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %whole_down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %deep_1 = moe.combine add %outs_1 by %plan_1 init(%deep : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %ids_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%q : tensor<?x1xi32>) outs(%empty_1 : tensor<?x1xi32>) {
  ^bb0(%q_1: i32, %out: i32):
    %ge = arith.cmpi sge, %q_1, %c2_i32 : i32
    %mul = arith.muli %q_1, %c0_i32 : i32
    %select = arith.select %ge, %mul, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x1xi32>
  %plan_2 = moe.plan %ids_2 : tensor<?x1xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows_2 = moe.dispatch %deep_1 by %plan_2 : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %outs_2 = moe.experts %plan_2 rows(%rows_2 : tensor<?x16xf32>) : !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1 : tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %out: f32):
      %mul = arith.mulf %x_2, %x_2 : f32
      linalg.yield %mul : f32
    } -> tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
    %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
    %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_2 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %sum: f32, %out: f32):
      %mul = arith.mulf %sum, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %x_2, %rsqrt : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x16xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x32xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_1, %whole_up : tensor<?x16xf32>, tensor<32x16xf32>) outs(%zero_2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x32xf32>) outs(%empty_4 : tensor<?x32xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x32xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %whole_down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %deep_2 = moe.combine add %outs_2 by %plan_2 init(%deep_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %ids_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%q : tensor<?x1xi32>) outs(%empty_1 : tensor<?x1xi32>) {
  ^bb0(%q_1: i32, %out: i32):
    %ge = arith.cmpi sge, %q_1, %c3_i32 : i32
    %mul = arith.muli %q_1, %c0_i32 : i32
    %select = arith.select %ge, %mul, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x1xi32>
  %plan_3 = moe.plan %ids_3 : tensor<?x1xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows_3 = moe.dispatch %deep_2 by %plan_3 : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %outs_3 = moe.experts %plan_3 rows(%rows_3 : tensor<?x16xf32>) : !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1 : tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %out: f32):
      %mul = arith.mulf %x_2, %x_2 : f32
      linalg.yield %mul : f32
    } -> tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
    %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero_1 : tensor<?xf32>) dimensions = [1]
    %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_2 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %sum: f32, %out: f32):
      %mul = arith.mulf %sum, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %x_2, %rsqrt : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x16xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x32xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_1, %whole_up : tensor<?x16xf32>, tensor<32x16xf32>) outs(%zero_2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x32xf32>) outs(%empty_4 : tensor<?x32xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x32xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %whole_down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %deep_3 = moe.combine add %outs_3 by %plan_3 init(%deep_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x8xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%x, %width_router : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %chosen = moe.select #moe.top_k<2> scores(%s : tensor<?x8xf32>) -> tensor<?x2xi32>
  %empty_3 = tensor.empty(%T) : tensor<?x2xi32>
  %width_ids = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%chosen, %q : tensor<?x2xi32>, tensor<?x1xi32>) outs(%empty_3 : tensor<?x2xi32>) {
  ^bb0(%id: i32, %q_1: i32, %out: i32):
    %lt = arith.cmpi slt, %q_1, %c3_i32 : i32
    %select = arith.select %lt, %id, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x2xi32>
  %w = moe.weigh softmax %s, %width_ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_4 = moe.plan %width_ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %rows_4 = moe.dispatch %x by %plan_4 : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %outs_4 = moe.experts %plan_4 rows(%rows_4 : tensor<?x16xf32>) params(%up, %down : tensor<8x4x16xf32>, tensor<8x4x16xf32>) : !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<4x16xf32>, %down_1: tensor<4x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1 : tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %out: f32):
      %mul = arith.mulf %x_2, %x_2 : f32
      linalg.yield %mul : f32
    } -> tensor<?x16xf32>
    %empty_5 = tensor.empty(%count) : tensor<?xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?xf32>) -> tensor<?xf32>
    %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
    %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %sum: f32, %out: f32):
      %mul = arith.mulf %sum, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %x_2, %rsqrt : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x16xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x4xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_1, %up_1 : tensor<?x16xf32>, tensor<4x16xf32>) outs(%zero_3 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x4xf32>) outs(%empty_6 : tensor<?x4xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x4xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %down_1 : tensor<?x4xf32>, tensor<4x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %matmul_2 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add_1 = arith.addf %a, %b : f32
      linalg.yield %add_1 : f32
    } -> tensor<?x16xf32>
    moe.yield %add : tensor<?x16xf32>
  }
  %empty_4 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %wide = moe.combine add %outs_4 by %plan_4 weights(%w : tensor<?x2xf32>) init(%zero_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %y = linalg.generic {indexing_maps = [#ij_i0, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%q, %deep_3, %wide : tensor<?x1xi32>, tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
  ^bb0(%q_1: i32, %deep_4: f32, %wide_1: f32, %out: f32):
    %cast = arith.sitofp %q_1 : i32 to f32
    %add = arith.addf %cast, %f1.0 : f32
    %mul = arith.mulf %add, %f0.25 : f32
    %share = arith.subf %f1.0, %mul : f32
    %sub = arith.subf %f1.0, %share : f32
    %mul_1 = arith.mulf %sub, %deep_4 : f32
    %mul_2 = arith.mulf %share, %wide_1 : f32
    %add_1 = arith.addf %mul_1, %mul_2 : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  return %y, %q, %width_ids : tensor<?x16xf32>, tensor<?x1xi32>, tensor<?x2xi32>
}
