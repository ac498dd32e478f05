// SHRP: attention heads are experts with one common feed-forward network behind them.
// @routed sends each token to its best head; @masked runs all heads but those that a
// mask removes; @pruned is what is deployed: the two most used heads, no router.
//
// A head is an expert that reads its own tokens as queries and all tokens as keys. The
// pruned model is slices of the same parameters.
//
// Source: SHRP, Specialized Head Routing and Pruning. The equation of the routed form
// is not verified; how usage is counted in training is not shown.

#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_0 = affine_map<(i, j) -> (0)>

ml_program.global private @q(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<4x16x4xf32>
ml_program.global private @k(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<4x16x4xf32>
ml_program.global private @v(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x16x4xf32>
ml_program.global private @o(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<4x4x16xf32>
ml_program.global private @router(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @up(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @down(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<24x16xf32>

func.func @routed(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x1xi32> {moe.name = "head", moe.dims = ["T", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %q = ml_program.global_load_const @q : tensor<4x16x4xf32>
  %k = ml_program.global_load_const @k : tensor<4x16x4xf32>
  %v = ml_program.global_load_const @v : tensor<4x16x4xf32>
  %o = ml_program.global_load_const @o : tensor<4x4x16xf32>
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %up = ml_program.global_load_const @up : tensor<16x24xf32>
  %down = ml_program.global_load_const @down : tensor<24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %head = moe.select #moe.top_k<1> scores(%p : tensor<?x4xf32>) -> tensor<?x1xi32>
  %plan = moe.plan %head : tensor<?x1xi32> -> !moe.plan<experts = 4, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%q, %k, %v, %o : tensor<4x16x4xf32>, tensor<4x16x4xf32>, tensor<4x16x4xf32>, tensor<4x4x16xf32>) : !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%rows_1: tensor<?x16xf32>, %q_1: tensor<16x4xf32>, %k_1: tensor<16x4xf32>, %v_1: tensor<16x4xf32>, %o_1: tensor<4x16xf32>, %expert: index):
    %count = tensor.dim %rows_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x4xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %matmul_1 = linalg.matmul ins(%rows_1, %q_1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %matmul_2 = linalg.matmul ins(%x, %k_1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
    %empty_2 = tensor.empty(%count, %T) : tensor<?x?xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %matmul_3 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_1, %matmul_2 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%zero_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %s = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) {
    ^bb0(%s_1: f32, %out: f32):
      %mul = arith.mulf %f0.5, %s_1 : f32
      linalg.yield %mul : f32
    } -> tensor<?x?xf32>
    %softmax = linalg.softmax dimension(1) ins(%s : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %matmul_4 = linalg.matmul ins(%x, %v_1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
    %matmul_5 = linalg.matmul ins(%softmax, %matmul_4 : tensor<?x?xf32>, tensor<?x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_6 = linalg.matmul ins(%matmul_5, %o_1 : tensor<?x4xf32>, tensor<4x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_6 : tensor<?x16xf32>
  }
  %weights = moe.weigh none %p, %head : tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x1xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%weights : tensor<?x1xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%y, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x24xf32>) outs(%empty_2 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_2 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %matmul_2, %head : tensor<?x16xf32>, tensor<?x1xi32>
}

func.func @masked(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %mask: tensor<4xf32> {moe.name = "mask", moe.dims = ["4"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %q = ml_program.global_load_const @q : tensor<4x16x4xf32>
  %k = ml_program.global_load_const @k : tensor<4x16x4xf32>
  %v = ml_program.global_load_const @v : tensor<4x16x4xf32>
  %o = ml_program.global_load_const @o : tensor<4x4x16xf32>
  %up = ml_program.global_load_const @up : tensor<16x24xf32>
  %down = ml_program.global_load_const @down : tensor<24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %out = tensor.extract_slice %q[0, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_1 = tensor.extract_slice %k[0, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_2 = tensor.extract_slice %v[0, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_3 = tensor.extract_slice %o[0, 0, 0] [1, 4, 16] [1, 1, 1] : tensor<4x4x16xf32> to tensor<4x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %out : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_1 = linalg.matmul ins(%x, %out_1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %empty_2 = tensor.empty(%T, %T) : tensor<?x?xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul, %matmul_1 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%zero_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) {
  ^bb0(%s_1: f32, %out_4: f32):
    %mul = arith.mulf %f0.5, %s_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x?xf32>
  %softmax = linalg.softmax dimension(1) ins(%s : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_3 = linalg.matmul ins(%x, %out_2 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_4 = linalg.matmul ins(%softmax, %matmul_3 : tensor<?x?xf32>, tensor<?x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_5 = linalg.matmul ins(%matmul_4, %out_3 : tensor<?x4xf32>, tensor<4x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %slice = tensor.extract_slice %mask[0] [1] [1] : tensor<4xf32> to tensor<1xf32>
  %h = linalg.generic {indexing_maps = [#ij, #ij, #ij_0, #ij], iterator_types = ["parallel", "parallel"]} ins(%zero, %matmul_5, %slice : tensor<?x16xf32>, tensor<?x16xf32>, tensor<1xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%h_1: f32, %out_4: f32, %keep: f32, %out_5: f32):
    %mul = arith.mulf %keep, %out_4 : f32
    %add = arith.addf %h_1, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %out_4 = tensor.extract_slice %q[1, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_5 = tensor.extract_slice %k[1, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_6 = tensor.extract_slice %v[1, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_7 = tensor.extract_slice %o[1, 0, 0] [1, 4, 16] [1, 1, 1] : tensor<4x4x16xf32> to tensor<4x16xf32>
  %matmul_6 = linalg.matmul ins(%x, %out_4 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_7 = linalg.matmul ins(%x, %out_5 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_8 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_6, %matmul_7 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%zero_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_8 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) {
  ^bb0(%s_2: f32, %out_8: f32):
    %mul = arith.mulf %f0.5, %s_2 : f32
    linalg.yield %mul : f32
  } -> tensor<?x?xf32>
  %softmax_1 = linalg.softmax dimension(1) ins(%s_1 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_9 = linalg.matmul ins(%x, %out_6 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_10 = linalg.matmul ins(%softmax_1, %matmul_9 : tensor<?x?xf32>, tensor<?x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_11 = linalg.matmul ins(%matmul_10, %out_7 : tensor<?x4xf32>, tensor<4x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %slice_1 = tensor.extract_slice %mask[1] [1] [1] : tensor<4xf32> to tensor<1xf32>
  %h_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij_0, #ij], iterator_types = ["parallel", "parallel"]} ins(%h, %matmul_11, %slice_1 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<1xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%h_2: f32, %out_8: f32, %keep: f32, %out_9: f32):
    %mul = arith.mulf %keep, %out_8 : f32
    %add = arith.addf %h_2, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %out_8 = tensor.extract_slice %q[2, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_9 = tensor.extract_slice %k[2, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_10 = tensor.extract_slice %v[2, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_11 = tensor.extract_slice %o[2, 0, 0] [1, 4, 16] [1, 1, 1] : tensor<4x4x16xf32> to tensor<4x16xf32>
  %matmul_12 = linalg.matmul ins(%x, %out_8 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_13 = linalg.matmul ins(%x, %out_9 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_14 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_12, %matmul_13 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%zero_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_14 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) {
  ^bb0(%s_3: f32, %out_12: f32):
    %mul = arith.mulf %f0.5, %s_3 : f32
    linalg.yield %mul : f32
  } -> tensor<?x?xf32>
  %softmax_2 = linalg.softmax dimension(1) ins(%s_2 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_15 = linalg.matmul ins(%x, %out_10 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_16 = linalg.matmul ins(%softmax_2, %matmul_15 : tensor<?x?xf32>, tensor<?x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_17 = linalg.matmul ins(%matmul_16, %out_11 : tensor<?x4xf32>, tensor<4x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %slice_2 = tensor.extract_slice %mask[2] [1] [1] : tensor<4xf32> to tensor<1xf32>
  %h_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij_0, #ij], iterator_types = ["parallel", "parallel"]} ins(%h_1, %matmul_17, %slice_2 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<1xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%h_3: f32, %out_12: f32, %keep: f32, %out_13: f32):
    %mul = arith.mulf %keep, %out_12 : f32
    %add = arith.addf %h_3, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %out_12 = tensor.extract_slice %q[3, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_13 = tensor.extract_slice %k[3, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_14 = tensor.extract_slice %v[3, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %out_15 = tensor.extract_slice %o[3, 0, 0] [1, 4, 16] [1, 1, 1] : tensor<4x4x16xf32> to tensor<4x16xf32>
  %matmul_18 = linalg.matmul ins(%x, %out_12 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_19 = linalg.matmul ins(%x, %out_13 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_20 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_18, %matmul_19 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%zero_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s_3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_20 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) {
  ^bb0(%s_4: f32, %out_16: f32):
    %mul = arith.mulf %f0.5, %s_4 : f32
    linalg.yield %mul : f32
  } -> tensor<?x?xf32>
  %softmax_3 = linalg.softmax dimension(1) ins(%s_3 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_21 = linalg.matmul ins(%x, %out_14 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_22 = linalg.matmul ins(%softmax_3, %matmul_21 : tensor<?x?xf32>, tensor<?x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_23 = linalg.matmul ins(%matmul_22, %out_15 : tensor<?x4xf32>, tensor<4x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %slice_3 = tensor.extract_slice %mask[3] [1] [1] : tensor<4xf32> to tensor<1xf32>
  %h_3 = linalg.generic {indexing_maps = [#ij, #ij, #ij_0, #ij], iterator_types = ["parallel", "parallel"]} ins(%h_2, %matmul_23, %slice_3 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<1xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%h_4: f32, %out_16: f32, %keep: f32, %out_17: f32):
    %mul = arith.mulf %keep, %out_16 : f32
    %add = arith.addf %h_4, %mul : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_24 = linalg.matmul ins(%h_3, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_24 : tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out_16: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_25 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %matmul_25 : tensor<?x16xf32>
}

func.func @pruned(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %q = ml_program.global_load_const @q : tensor<4x16x4xf32>
  %k = ml_program.global_load_const @k : tensor<4x16x4xf32>
  %v = ml_program.global_load_const @v : tensor<4x16x4xf32>
  %o = ml_program.global_load_const @o : tensor<4x4x16xf32>
  %up = ml_program.global_load_const @up : tensor<16x24xf32>
  %down = ml_program.global_load_const @down : tensor<24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h = tensor.extract_slice %q[1, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %h_1 = tensor.extract_slice %k[1, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %h_2 = tensor.extract_slice %v[1, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %h_3 = tensor.extract_slice %o[1, 0, 0] [1, 4, 16] [1, 1, 1] : tensor<4x4x16xf32> to tensor<4x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %h : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_1 = linalg.matmul ins(%x, %h_1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %empty_2 = tensor.empty(%T, %T) : tensor<?x?xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul, %matmul_1 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%zero_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) {
  ^bb0(%s_1: f32, %out: f32):
    %mul = arith.mulf %f0.5, %s_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x?xf32>
  %softmax = linalg.softmax dimension(1) ins(%s : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_3 = linalg.matmul ins(%x, %h_2 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_4 = linalg.matmul ins(%softmax, %matmul_3 : tensor<?x?xf32>, tensor<?x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_5 = linalg.matmul ins(%matmul_4, %h_3 : tensor<?x4xf32>, tensor<4x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h_4 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%zero, %matmul_5 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %h_5 = tensor.extract_slice %q[3, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %h_6 = tensor.extract_slice %k[3, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %h_7 = tensor.extract_slice %v[3, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<4x16x4xf32> to tensor<16x4xf32>
  %h_8 = tensor.extract_slice %o[3, 0, 0] [1, 4, 16] [1, 1, 1] : tensor<4x4x16xf32> to tensor<4x16xf32>
  %matmul_6 = linalg.matmul ins(%x, %h_5 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_7 = linalg.matmul ins(%x, %h_6 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_8 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_6, %matmul_7 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%zero_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_8 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) {
  ^bb0(%s_2: f32, %out: f32):
    %mul = arith.mulf %f0.5, %s_2 : f32
    linalg.yield %mul : f32
  } -> tensor<?x?xf32>
  %softmax_1 = linalg.softmax dimension(1) ins(%s_1 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %matmul_9 = linalg.matmul ins(%x, %h_7 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_10 = linalg.matmul ins(%softmax_1, %matmul_9 : tensor<?x?xf32>, tensor<?x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_11 = linalg.matmul ins(%matmul_10, %h_8 : tensor<?x4xf32>, tensor<4x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h_9 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%h_4, %matmul_11 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_12 = linalg.matmul ins(%h_9, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_12 : tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %matmul_13 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %matmul_13 : tensor<?x16xf32>
}
