// MoIIE: experts of one modality each, and a shared pool of experts for both. A token
// chooses among the experts of its own modality and the pool; each modality has its
// own router over the same bank.
//
// Which experts a modality may use is a table, looked up by token type and given to
// the softmax and to the selection as a mask.
//
// Source: MoIIE, Mixture of Intra- and Inter-Modality Experts;
// github.com/AlenjandroWang/MoIIE.

#ij_i0 = affine_map<(i, j) -> (i, 0)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>

ml_program.global private @text_router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x6xf32>
ml_program.global private @vision_router(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x6xf32>
ml_program.global private @up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<6x16x24xf32>
ml_program.global private @down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<6x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %modality: tensor<?xi32> {moe.name = "modality", moe.dims = ["T"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %c0_i32 = arith.constant 0 : i32
  %f0.0 = arith.constant 0.0 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %text_router = ml_program.global_load_const @text_router : tensor<16x6xf32>
  %vision_router = ml_program.global_load_const @vision_router : tensor<16x6xf32>
  %up = ml_program.global_load_const @up : tensor<6x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<6x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %constant = arith.constant dense<[[1, 1, 0, 0, 1, 1], [0, 0, 1, 1, 1, 1]]> : tensor<2x6xi32>
  %allowed = tensor.expand_shape %modality [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty = tensor.empty(%T) : tensor<?x6xi32>
  %allowed_1 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%allowed : tensor<?x1xi32>) outs(%empty : tensor<?x6xi32>) {
  ^bb0(%id: i32, %out: i32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %constant[%cast, %i1] : tensor<2x6xi32>
    linalg.yield %element : i32
  } -> tensor<?x6xi32>
  %empty_1 = tensor.empty(%T) : tensor<?x6xi1>
  %mask = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%allowed_1 : tensor<?x6xi32>) outs(%empty_1 : tensor<?x6xi1>) {
  ^bb0(%allowed_2: i32, %out: i1):
    %ne = arith.cmpi ne, %allowed_2, %c0_i32 : i32
    linalg.yield %ne : i1
  } -> tensor<?x6xi1>
  %empty_2 = tensor.empty(%T) : tensor<?x6xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %text = linalg.matmul ins(%x, %text_router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %vision = linalg.matmul ins(%x, %vision_router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s = linalg.generic {indexing_maps = [#ij_i, #ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%modality, %mask, %text, %vision : tensor<?xi32>, tensor<?x6xi1>, tensor<?x6xf32>, tensor<?x6xf32>) outs(%empty_2 : tensor<?x6xf32>) {
  ^bb0(%m: i32, %ok: i1, %text_1: f32, %vision_1: f32, %out: f32):
    %eq = arith.cmpi eq, %m, %c0_i32 : i32
    %select = arith.select %eq, %text_1, %vision_1 : f32
    %select_1 = arith.select %ok, %select, %f0xFF800000 : f32
    linalg.yield %select_1 : f32
  } -> tensor<?x6xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<?x6xf32>) outs(%empty_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x6xf32>) mask(%mask : tensor<?x6xi1>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up, %down : tensor<6x16x24xf32>, tensor<6x24x16xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
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
    %matmul_1 = linalg.matmul ins(%gelu, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %empty_3 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  return %y, %ids : tensor<?x16xf32>, tensor<?x2xi32>
}
