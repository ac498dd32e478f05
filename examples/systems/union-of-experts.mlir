// Union of Experts: a transformer cut into equal experts as if for tensor parallelism.
// @expert_selection gives a whole sample the best 2 of 4 partitions of a feed-forward
// network, whose partial sums are added without weights. In @data_selection each
// partition takes its best tokens of those that chose it. In @attention each head
// attends only among the tokens that it takes.
//
// Partitions are views of the two matrices of one network. Heads and partitions take
// tokens in position order; the number that each takes and the number of partitions
// that a sample gets are arguments of the call.
//
// Source: Union of Experts, Adapting Hierarchical Routing to Equivalently Decomposed
// Transformer; github.com/YujiaoYang-work/UoE.

#ij = affine_map<(i, j) -> (i, j)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

ml_program.global private @sample_router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<64x4xf32>
ml_program.global private @up(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x32xf32>
ml_program.global private @down(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<32x16xf32>
ml_program.global private @token_router(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @head_router(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @q(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<4x16x4xf32>
ml_program.global private @k(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<4x16x4xf32>
ml_program.global private @v(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<4x16x4xf32>
ml_program.global private @o(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<4x4x16xf32>

func.func @expert_selection(%x: tensor<?x4x16xf32> {moe.name = "x", moe.dims = ["B", "4", "16"]},
    %k: tensor<1xi32> {moe.name = "k", moe.dims = ["1"]})
    -> (tensor<?x4x16xf32> {moe.name = "y", moe.dims = ["B", "4", "16"]},
        tensor<?x4xi32> {moe.name = "ids", moe.dims = ["B", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %c4 = arith.constant 4 : index
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %sample_router = ml_program.global_load_const @sample_router : tensor<64x4xf32>
  %up = ml_program.global_load_const @up : tensor<16x32xf32>
  %down = ml_program.global_load_const @down : tensor<32x16xf32>
  %B = tensor.dim %x, %c0 : tensor<?x4x16xf32>
  %k_1 = tensor.extract %k[%c0] : tensor<1xi32>
  %collapsed = tensor.collapse_shape %x [[0], [1, 2]] : tensor<?x4x16xf32> into tensor<?x64xf32>
  %empty = tensor.empty(%B) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%collapsed, %sample_router : tensor<?x64xf32>, tensor<64x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<?, max = 4> scores(%p : tensor<?x4xf32>) params(%k_1 : i32) -> tensor<?x4xi32>
  %plan = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 4, slots = 4>
  %outs = moe.dispatch %x by %plan : tensor<?x4x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x4x16xf32>
  %expanded = tensor.expand_shape %up [[0], [1, 2]] output_shape [16, 4, 8] : tensor<16x32xf32> into tensor<16x4x8xf32>
  %empty_1 = tensor.empty() : tensor<4x16x8xf32>
  %transposed = linalg.transpose ins(%expanded : tensor<16x4x8xf32>) outs(%empty_1 : tensor<4x16x8xf32>) permutation = [1, 0, 2]
  %expanded_1 = tensor.expand_shape %down [[0, 1], [2]] output_shape [4, 8, 16] : tensor<32x16xf32> into tensor<4x8x16xf32>
  %outs_1 = moe.experts %plan rows(%outs : tensor<?x4x16xf32>) params(%transposed, %expanded_1 : tensor<4x16x8xf32>, tensor<4x8x16xf32>) : !moe.plan<experts = 4, slots = 4> -> tensor<?x4x16xf32> {
  ^bb0(%x_1: tensor<?x4x16xf32>, %up_1: tensor<16x8xf32>, %down_1: tensor<8x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x4x16xf32>
    %flat = arith.muli %count, %c4 : index
    %collapsed_1 = tensor.collapse_shape %x_1 [[0, 1], [2]] : tensor<?x4x16xf32> into tensor<?x16xf32>
    %empty_2 = tensor.empty(%flat) : tensor<?x8xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_1 = linalg.matmul ins(%collapsed_1, %up_1 : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x8xf32>) outs(%empty_2 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x8xf32>
    %empty_3 = tensor.empty(%flat) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %flat_1 = linalg.matmul ins(%gelu, %down_1 : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %expanded_2 = tensor.expand_shape %flat_1 [[0, 1], [2]] output_shape [%count, 4, 16] : tensor<?x16xf32> into tensor<?x4x16xf32>
    moe.yield %expanded_2 : tensor<?x4x16xf32>
  }
  %empty_2 = tensor.empty(%B) : tensor<?x4x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  %y = moe.combine add %outs_1 by %plan init(%zero_1 : tensor<?x4x16xf32>) : tensor<?x4x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x4x16xf32>
  return %y, %ids : tensor<?x4x16xf32>, tensor<?x4xi32>
}

func.func @data_selection(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %capacity: tensor<1xi32> {moe.name = "capacity", moe.dims = ["1"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xi1> {moe.name = "taken", moe.dims = ["T", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %token_router = ml_program.global_load_const @token_router : tensor<16x4xf32>
  %up = ml_program.global_load_const @up : tensor<16x32xf32>
  %down = ml_program.global_load_const @down : tensor<32x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %capacity_1 = tensor.extract %capacity[%c0] : tensor<1xi32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %token_router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %chosen = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %slice = tensor.extract_slice %chosen[0, 0] [%T, 1] [1, 1] : tensor<?x2xi32> to tensor<?x1xi32>
  %slice_1 = tensor.extract_slice %chosen[0, 1] [%T, 1] [1, 1] : tensor<?x2xi32> to tensor<?x1xi32>
  %empty_1 = tensor.empty(%T) : tensor<?x4xi1>
  %wanted = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%p, %slice, %slice_1 : tensor<?x4xf32>, tensor<?x1xi32>, tensor<?x1xi32>) outs(%empty_1 : tensor<?x4xi1>) {
  ^bb0(%p_1: f32, %a: i32, %b: i32, %out: i1):
    %i1 = linalg.index 1 : index
    %cast = arith.index_cast %i1 : index to i32
    %eq = arith.cmpi eq, %a, %cast : i32
    %i1_1 = linalg.index 1 : index
    %cast_1 = arith.index_cast %i1_1 : index to i32
    %eq_1 = arith.cmpi eq, %b, %cast_1 : i32
    %or = arith.ori %eq, %eq_1 : i1
    linalg.yield %or : i1
  } -> tensor<?x4xi1>
  %ids, %taken = moe.select_tokens position %p capacity(%capacity_1 : i32) mask(%wanted : tensor<?x4xi1>) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  %plan = moe.plan by_expert %ids tokens(%T) : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 4>
  %outs = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  %expanded = tensor.expand_shape %up [[0], [1, 2]] output_shape [16, 4, 8] : tensor<16x32xf32> into tensor<16x4x8xf32>
  %empty_2 = tensor.empty() : tensor<4x16x8xf32>
  %transposed = linalg.transpose ins(%expanded : tensor<16x4x8xf32>) outs(%empty_2 : tensor<4x16x8xf32>) permutation = [1, 0, 2]
  %expanded_1 = tensor.expand_shape %down [[0, 1], [2]] output_shape [4, 8, 16] : tensor<32x16xf32> into tensor<4x8x16xf32>
  %outs_1 = moe.experts %plan rows(%outs : tensor<?x16xf32>) params(%transposed, %expanded_1 : tensor<4x16x8xf32>, tensor<4x8x16xf32>) : !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<16x8xf32>, %down_1: tensor<8x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x8xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x8xf32>) outs(%empty_3 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x8xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%gelu, %down_1 : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %empty_3 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs_1 by %plan init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  return %y, %taken : tensor<?x16xf32>, tensor<?x4xi1>
}

func.func @attention(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %capacity: tensor<1xi32> {moe.name = "capacity", moe.dims = ["1"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xi1> {moe.name = "taken", moe.dims = ["T", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %head_router = ml_program.global_load_const @head_router : tensor<16x4xf32>
  %q = ml_program.global_load_const @q : tensor<4x16x4xf32>
  %k = ml_program.global_load_const @k : tensor<4x16x4xf32>
  %v = ml_program.global_load_const @v : tensor<4x16x4xf32>
  %o = ml_program.global_load_const @o : tensor<4x4x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %capacity_1 = tensor.extract %capacity[%c0] : tensor<1xi32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %head_router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids, %taken = moe.select_tokens position %p capacity(%capacity_1 : i32) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  %plan = moe.plan by_expert %ids tokens(%T) : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 4>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%q, %k, %v, %o : tensor<4x16x4xf32>, tensor<4x16x4xf32>, tensor<4x16x4xf32>, tensor<4x4x16xf32>) : !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %q_1: tensor<16x4xf32>, %k_1: tensor<16x4xf32>, %v_1: tensor<16x4xf32>, %o_1: tensor<4x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x4xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %q_1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %matmul_2 = linalg.matmul ins(%x_1, %k_1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %empty_2 = tensor.empty(%count, %count) : tensor<?x?xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %matmul_3 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%matmul_1, %matmul_2 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%zero_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %s = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3 : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) {
    ^bb0(%s_1: f32, %out: f32):
      %mul = arith.mulf %f0.5, %s_1 : f32
      linalg.yield %mul : f32
    } -> tensor<?x?xf32>
    %softmax = linalg.softmax dimension(1) ins(%s : tensor<?x?xf32>) outs(%empty_2 : tensor<?x?xf32>) -> tensor<?x?xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %v_1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %matmul_5 = linalg.matmul ins(%softmax, %matmul_4 : tensor<?x?xf32>, tensor<?x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_6 = linalg.matmul ins(%matmul_5, %o_1 : tensor<?x4xf32>, tensor<4x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_6 : tensor<?x16xf32>
  }
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  return %y, %taken : tensor<?x16xf32>, tensor<?x4xi1>
}
