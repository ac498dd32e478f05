// Hydra: a proposal of a long-context model. Here are its two routed parts: experts
// chosen for chunks of 4 tokens by the chunk's mean (@chunks), and a product-key
// memory (@memory), which finds the best 4 of 64 values by two tables of 8 keys.
//
// Chunks are computed on a tensor of ceil(T / 4) rows and looked up by token; the last
// one may be shorter. The memory's values are a bank of 64 experts that give their own
// vector.
//
// Source: Hydra, a 1.6B-parameter state-space language model with sparse attention,
// mixture-of-experts, and memory. How chunks are pooled is not verified.

#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#i = affine_map<(i) -> (i)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x6xf32>
ml_program.global private @up(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<6x16x24xf32>
ml_program.global private @down(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<6x24x16xf32>
ml_program.global private @query(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x12xf32>
ml_program.global private @left_keys(#moe.random<seed = 5, std = 1.0 : f64>) : tensor<8x6xf32>
ml_program.global private @right_keys(#moe.random<seed = 6, std = 1.0 : f64>) : tensor<8x6xf32>
ml_program.global private @values(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<64x16xf32>

func.func @chunks(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x6xf32>
  %up = ml_program.global_load_const @up : tensor<6x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<6x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %chunks = arith.ceildivsi %T, %c4 : index
  %empty = tensor.empty(%chunks, %T) : tensor<?x?xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x?xf32>) -> tensor<?x?xf32>
  %belongs = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%zero : tensor<?x?xf32>) outs(%empty : tensor<?x?xf32>) {
  ^bb0(%z: f32, %out: f32):
    %i0 = linalg.index 0 : index
    %i1 = linalg.index 1 : index
    %div = arith.floordivsi %i1, %c4 : index
    %eq = arith.cmpi eq, %i0, %div : index
    %cast = arith.uitofp %eq : i1 to f32
    linalg.yield %cast : f32
  } -> tensor<?x?xf32>
  %empty_1 = tensor.empty(%chunks) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul = linalg.matmul ins(%belongs, %x : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%chunks) : tensor<?xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce { arith.addf } ins(%belongs : tensor<?x?xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
  %mean = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %sum : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%sum_1: f32, %count: f32, %out: f32):
    %div = arith.divf %sum_1, %count : f32
    linalg.yield %div : f32
  } -> tensor<?x16xf32>
  %empty_3 = tensor.empty(%chunks) : tensor<?x6xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %matmul_1 = linalg.matmul ins(%mean, %router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero_3 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.softmax dimension(1) ins(%matmul_1 : tensor<?x6xf32>) outs(%empty_3 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %chunk_ids = moe.select #moe.top_k<2> scores(%p : tensor<?x6xf32>) -> tensor<?x2xi32>
  %chunk_w = moe.weigh sum %p, %chunk_ids : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %slice = tensor.extract_slice %x[0, 0] [%T, 1] [1, 1] : tensor<?x16xf32> to tensor<?xf32>
  %empty_4 = tensor.empty(%T) : tensor<?xi32>
  %chunk = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%slice : tensor<?xf32>) outs(%empty_4 : tensor<?xi32>) {
  ^bb0(%x_1: f32, %out: i32):
    %i0 = linalg.index 0 : index
    %div = arith.floordivsi %i0, %c4 : index
    %cast = arith.index_cast %div : index to i32
    linalg.yield %cast : i32
  } -> tensor<?xi32>
  %ids = tensor.expand_shape %chunk [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty_5 = tensor.empty(%T) : tensor<?x2xi32>
  %ids_1 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%ids : tensor<?x1xi32>) outs(%empty_5 : tensor<?x2xi32>) {
  ^bb0(%id: i32, %out: i32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %chunk_ids[%cast, %i1] : tensor<?x2xi32>
    linalg.yield %element : i32
  } -> tensor<?x2xi32>
  %w = tensor.expand_shape %chunk [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty_6 = tensor.empty(%T) : tensor<?x2xf32>
  %w_1 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%w : tensor<?x1xi32>) outs(%empty_6 : tensor<?x2xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %chunk_w[%cast, %i1] : tensor<?x2xf32>
    linalg.yield %element : f32
  } -> tensor<?x2xf32>
  %plan = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up, %down : tensor<6x16x24xf32>, tensor<6x24x16xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_7 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x24xf32>) outs(%empty_7 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_8 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%gelu, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %empty_7 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w_1 : tensor<?x2xf32>) init(%zero_4 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  return %y, %ids_1 : tensor<?x16xf32>, tensor<?x2xi32>
}

func.func @memory(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xi32> {moe.name = "ids", moe.dims = ["T", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %query = ml_program.global_load_const @query : tensor<16x12xf32>
  %left_keys = ml_program.global_load_const @left_keys : tensor<8x6xf32>
  %right_keys = ml_program.global_load_const @right_keys : tensor<8x6xf32>
  %values = ml_program.global_load_const @values : tensor<64x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x12xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x12xf32>) -> tensor<?x12xf32>
  %query_1 = linalg.matmul ins(%x, %query : tensor<?x16xf32>, tensor<16x12xf32>) outs(%zero : tensor<?x12xf32>) -> tensor<?x12xf32>
  %slice = tensor.extract_slice %query_1[0, 0] [%T, 6] [1, 1] : tensor<?x12xf32> to tensor<?x6xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x8xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %left = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%slice, %left_keys : tensor<?x6xf32>, tensor<8x6xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %slice_1 = tensor.extract_slice %query_1[0, 6] [%T, 6] [1, 1] : tensor<?x12xf32> to tensor<?x6xf32>
  %right = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%slice_1, %right_keys : tensor<?x6xf32>, tensor<8x6xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids, %scores = moe.select #moe.product_key<4, side = 8> scores(%left, %right : tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x4xi32>, tensor<?x4xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x4xf32>
  %w = linalg.softmax dimension(1) ins(%scores : tensor<?x4xf32>) outs(%empty_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %plan = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 64, slots = 4>
  %slice_2 = tensor.extract_slice %x[0, 0] [%T, 1] [1, 1] : tensor<?x16xf32> to tensor<?x1xf32>
  %rows = moe.dispatch %slice_2 by %plan : tensor<?x1xf32>, !moe.plan<experts = 64, slots = 4> -> tensor<?x1xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x1xf32>) params(%values : tensor<64x16xf32>) : !moe.plan<experts = 64, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x1xf32>, %value: tensor<16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x1xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %map = linalg.generic {indexing_maps = [#ij_i0, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %value : tensor<?x1xf32>, tensor<16xf32>) outs(%empty_3 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %v: f32, %out: f32):
      linalg.yield %v : f32
    } -> tensor<?x16xf32>
    moe.yield %map : tensor<?x16xf32>
  }
  %empty_3 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x4xf32>) init(%zero_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 64, slots = 4> -> tensor<?x16xf32>
  return %y, %ids : tensor<?x16xf32>, tensor<?x4xi32>
}
