// EMO: tokens of a document may only use experts of the document's pool. The pool is
// the 4 experts with the largest sum of probabilities over the document; in it, each
// token takes its best 2. Probabilities are masked after the softmax.
//
// Two selections: one of documents, whose ids become a mask, and one of tokens under
// the mask that their document looks up.
//
// Source: EMO, emergent modularity; github.com/allenai/EMO.

#ij_i = affine_map<(i, j) -> (i)>
#ij_j = affine_map<(i, j) -> (j)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @gate(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<8x16x24xf32>
ml_program.global private @up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<8x16x24xf32>
ml_program.global private @down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<8x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %document: tensor<?xi32> {moe.name = "document", moe.dims = ["T"]},
    %documents: tensor<?xi32> {moe.name = "documents", moe.dims = ["D"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %c0_i32 = arith.constant 0 : i32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x8xf32>
  %gate = ml_program.global_load_const @gate : tensor<8x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<8x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<8x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %D = tensor.dim %documents, %c0 : tensor<?xi32>
  %empty = tensor.empty(%T) : tensor<?x8xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %empty_1 = tensor.empty(%D, %T) : tensor<?x?xf32>
  %belongs = linalg.generic {indexing_maps = [#ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%documents, %document : tensor<?xi32>, tensor<?xi32>) outs(%empty_1 : tensor<?x?xf32>) {
  ^bb0(%d: i32, %t: i32, %out: f32):
    %eq = arith.cmpi eq, %d, %t : i32
    %cast = arith.uitofp %eq : i1 to f32
    linalg.yield %cast : f32
  } -> tensor<?x?xf32>
  %empty_2 = tensor.empty(%D) : tensor<?x8xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %v = linalg.matmul ins(%belongs, %p : tensor<?x?xf32>, tensor<?x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %pool_ids = moe.select #moe.top_k<4> scores(%v : tensor<?x8xf32>) -> tensor<?x4xi32>
  %empty_3 = tensor.empty(%D) : tensor<?x8xi32>
  %expert = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%v : tensor<?x8xf32>) outs(%empty_3 : tensor<?x8xi32>) {
  ^bb0(%v_1: f32, %out: i32):
    %i1 = linalg.index 1 : index
    %cast = arith.index_cast %i1 : index to i32
    linalg.yield %cast : i32
  } -> tensor<?x8xi32>
  %slice = tensor.extract_slice %pool_ids[0, 0] [%D, 1] [1, 1] : tensor<?x4xi32> to tensor<?x1xi32>
  %map = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%expert, %slice : tensor<?x8xi32>, tensor<?x1xi32>) outs(%empty_3 : tensor<?x8xi32>) {
  ^bb0(%e: i32, %id: i32, %out: i32):
    %eq = arith.cmpi eq, %e, %id : i32
    %cast = arith.extui %eq : i1 to i32
    linalg.yield %cast : i32
  } -> tensor<?x8xi32>
  %slice_1 = tensor.extract_slice %pool_ids[0, 1] [%D, 1] [1, 1] : tensor<?x4xi32> to tensor<?x1xi32>
  %pool = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%expert, %slice_1 : tensor<?x8xi32>, tensor<?x1xi32>) outs(%empty_3 : tensor<?x8xi32>) {
  ^bb0(%e: i32, %id: i32, %out: i32):
    %eq = arith.cmpi eq, %e, %id : i32
    %cast = arith.extui %eq : i1 to i32
    linalg.yield %cast : i32
  } -> tensor<?x8xi32>
  %pool_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%map, %pool : tensor<?x8xi32>, tensor<?x8xi32>) outs(%empty_3 : tensor<?x8xi32>) {
  ^bb0(%a: i32, %b: i32, %out: i32):
    %add = arith.addi %a, %b : i32
    linalg.yield %add : i32
  } -> tensor<?x8xi32>
  %slice_2 = tensor.extract_slice %pool_ids[0, 2] [%D, 1] [1, 1] : tensor<?x4xi32> to tensor<?x1xi32>
  %pool_2 = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%expert, %slice_2 : tensor<?x8xi32>, tensor<?x1xi32>) outs(%empty_3 : tensor<?x8xi32>) {
  ^bb0(%e: i32, %id: i32, %out: i32):
    %eq = arith.cmpi eq, %e, %id : i32
    %cast = arith.extui %eq : i1 to i32
    linalg.yield %cast : i32
  } -> tensor<?x8xi32>
  %pool_3 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%pool_1, %pool_2 : tensor<?x8xi32>, tensor<?x8xi32>) outs(%empty_3 : tensor<?x8xi32>) {
  ^bb0(%a: i32, %b: i32, %out: i32):
    %add = arith.addi %a, %b : i32
    linalg.yield %add : i32
  } -> tensor<?x8xi32>
  %slice_3 = tensor.extract_slice %pool_ids[0, 3] [%D, 1] [1, 1] : tensor<?x4xi32> to tensor<?x1xi32>
  %pool_4 = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%expert, %slice_3 : tensor<?x8xi32>, tensor<?x1xi32>) outs(%empty_3 : tensor<?x8xi32>) {
  ^bb0(%e: i32, %id: i32, %out: i32):
    %eq = arith.cmpi eq, %e, %id : i32
    %cast = arith.extui %eq : i1 to i32
    linalg.yield %cast : i32
  } -> tensor<?x8xi32>
  %pool_5 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%pool_3, %pool_4 : tensor<?x8xi32>, tensor<?x8xi32>) outs(%empty_3 : tensor<?x8xi32>) {
  ^bb0(%a: i32, %b: i32, %out: i32):
    %add = arith.addi %a, %b : i32
    linalg.yield %add : i32
  } -> tensor<?x8xi32>
  %mask = tensor.expand_shape %document [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty_4 = tensor.empty(%T) : tensor<?x8xi32>
  %pick = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%mask : tensor<?x1xi32>) outs(%empty_4 : tensor<?x8xi32>) {
  ^bb0(%id: i32, %out: i32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %pool_5[%cast, %i1] : tensor<?x8xi32>
    linalg.yield %element : i32
  } -> tensor<?x8xi32>
  %empty_5 = tensor.empty(%T) : tensor<?x8xi1>
  %mask_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%pick : tensor<?x8xi32>) outs(%empty_5 : tensor<?x8xi1>) {
  ^bb0(%n: i32, %out: i1):
    %ne = arith.cmpi ne, %n, %c0_i32 : i32
    linalg.yield %ne : i1
  } -> tensor<?x8xi1>
  %masked = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%p, %mask_1 : tensor<?x8xf32>, tensor<?x8xi1>) outs(%empty : tensor<?x8xf32>) {
  ^bb0(%p_1: f32, %ok: i1, %out: f32):
    %select = arith.select %ok, %p_1, %f0.0 : f32
    linalg.yield %select : f32
  } -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%masked : tensor<?x8xf32>) mask(%mask_1 : tensor<?x8xi1>) -> tensor<?x2xi32>
  %w = moe.weigh sum %masked, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<8x16x24xf32>, tensor<8x16x24xf32>, tensor<8x24x16xf32>) : !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert_1: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_6 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_7 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%a, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %empty_6 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  return %y, %ids : tensor<?x16xf32>, tensor<?x2xi32>
}
