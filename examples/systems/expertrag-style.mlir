// ExpertRAG: a gate decides for each query whether to retrieve, then experts work on
// the query and on what was retrieved (nothing, if nothing was).
//
// Retrieval is an expert that runs on the gated queries only; here it is the value of
// the nearest key of a memory, in place of a call of an external service. The number
// of its rows is a result, so that the cost can be accounted for.
//
// Source: ExpertRAG, Efficient RAG with Mixture of Experts. The factorisation is not
// verified.

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>

ml_program.global private @gate(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x1xf32>
ml_program.global private mutable @tau(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<1xf32>
ml_program.global private @keys(#moe.random<seed = 3, std = 1.0 : f64>) : tensor<20x16xf32>
ml_program.global private @values(#moe.random<seed = 4, std = 1.0 : f64>) : tensor<20x8xf32>
ml_program.global private @router(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<24x4xf32>
ml_program.global private @up(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<4x24x24xf32>
ml_program.global private @down(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<4x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<i32> {moe.name = "calls", moe.dims = []}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %c-1_i32 = arith.constant -1 : i32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %gate = ml_program.global_load_const @gate : tensor<16x1xf32>
  %tau = ml_program.global_load @tau : tensor<1xf32>
  %keys = ml_program.global_load_const @keys : tensor<20x16xf32>
  %values = ml_program.global_load_const @values : tensor<20x8xf32>
  %router = ml_program.global_load_const @router : tensor<24x4xf32>
  %up = ml_program.global_load_const @up : tensor<4x24x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x1xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x1xf32>) -> tensor<?x1xf32>
  %matmul = linalg.matmul ins(%x, %gate : tensor<?x16xf32>, tensor<16x1xf32>) outs(%zero : tensor<?x1xf32>) -> tensor<?x1xf32>
  %gate_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x1xf32>) outs(%empty : tensor<?x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %neg = arith.negf %a : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    linalg.yield %div : f32
  } -> tensor<?x1xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x1xi32>
  %retrieve = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%gate_1, %tau : tensor<?x1xf32>, tensor<1xf32>) outs(%empty_1 : tensor<?x1xi32>) {
  ^bb0(%g: f32, %tau_1: f32, %out: i32):
    %gt = arith.cmpf ogt, %g, %tau_1 : f32
    %mul = arith.mulf %g, %f0.0 : f32
    %cast = arith.fptosi %mul : f32 to i32
    %select = arith.select %gt, %cast, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x1xi32>
  %calls = moe.plan %retrieve : tensor<?x1xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows = moe.dispatch %x by %calls : tensor<?x16xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x16xf32>
  %found = moe.experts %calls rows(%rows : tensor<?x16xf32>) : !moe.plan<experts = 1, slots = 1> -> tensor<?x8xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x20xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x20xf32>) -> tensor<?x20xf32>
    %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x_1, %keys : tensor<?x16xf32>, tensor<20x16xf32>) outs(%zero_1 : tensor<?x20xf32>) -> tensor<?x20xf32>
    %ids = moe.select #moe.top_k<1> scores(%s : tensor<?x20xf32>) -> tensor<?x1xi32>
    %collapsed = tensor.collapse_shape %ids [[0, 1]] : tensor<?x1xi32> into tensor<?xi32>
    %expanded = tensor.expand_shape %collapsed [[0, 1]] output_shape [%count, 1] : tensor<?xi32> into tensor<?x1xi32>
    %empty_3 = tensor.empty(%count) : tensor<?x8xf32>
    %pick = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%expanded : tensor<?x1xi32>) outs(%empty_3 : tensor<?x8xf32>) {
    ^bb0(%id: i32, %out: f32):
      %cast = arith.index_cast %id : i32 to index
      %i1 = linalg.index 1 : index
      %element = tensor.extract %values[%cast, %i1] : tensor<20x8xf32>
      linalg.yield %element : f32
    } -> tensor<?x8xf32>
    moe.yield %pick : tensor<?x8xf32>
  }
  %empty_2 = tensor.empty(%T) : tensor<?x8xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %z = moe.combine add %found by %calls init(%zero_1 : tensor<?x8xf32>) : tensor<?x8xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x8xf32>
  %concat = tensor.concat dim(1) %x, %z : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x24xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_1 = linalg.matmul ins(%concat, %router : tensor<?x24xf32>, tensor<24x4xf32>) outs(%zero_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul_1 : tensor<?x4xf32>) outs(%empty_3 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows_1 = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %rows_2 = moe.dispatch %z by %plan : tensor<?x8xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x8xf32>
  %outs = moe.experts %plan rows(%rows_1, %rows_2 : tensor<?x16xf32>, tensor<?x8xf32>) params(%up, %down : tensor<4x24x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %z_1: tensor<?x8xf32>, %up_1: tensor<24x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %concat_1 = tensor.concat dim(1) %x_1, %z_1 : (tensor<?x16xf32>, tensor<?x8xf32>) -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%concat_1, %up_1 : tensor<?x24xf32>, tensor<24x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x24xf32>) outs(%empty_4 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%gelu, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %empty_4 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_3 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %rows_3 = moe.rows %calls : !moe.plan<experts = 1, slots = 1>
  %cast = arith.index_cast %rows_3 : index to i32
  %tensor = tensor.from_elements %cast : tensor<i32>
  return %y, %tensor : tensor<?x16xf32>, tensor<i32>
}
