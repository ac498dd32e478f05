// SMoRA: every rank of a low-rank adapter is an expert. A sigmoid gate plus a bias
// that keeps the load even picks 4 of 16 ranks; weights are the biased gates divided
// by their sum, times 4. Only the selected ranks are computed. @all_ranks selects all 16.
//
// An expert is a row of A and a column of B: a rank-1 product.
//
// Source: SMoRA, Each Rank Could be an Expert; github.com/StyxXuan/smora.

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>
#ij_i = affine_map<(i, j) -> (i)>

ml_program.global private @base(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x20xf32>
ml_program.global private @router(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private mutable @bias(#moe.random<seed = 3, std = 0.02 : f64>) : tensor<16xf32>
ml_program.global private @a(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @b(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x20xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x20xf32> {moe.name = "y", moe.dims = ["T", "20"]},
        tensor<i32> {moe.name = "ranks", moe.dims = []}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %base = ml_program.global_load_const @base : tensor<16x20xf32>
  %router = ml_program.global_load_const @router : tensor<16x16xf32>
  %bias = ml_program.global_load @bias : tensor<16xf32>
  %a = ml_program.global_load_const @a : tensor<16x16xf32>
  %b = ml_program.global_load_const @b : tensor<16x20xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x20xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x20xf32>) -> tensor<?x20xf32>
  %base_1 = linalg.matmul ins(%x, %base : tensor<?x16xf32>, tensor<16x20xf32>) outs(%zero : tensor<?x20xf32>) -> tensor<?x20xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %logits = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%logits, %bias : tensor<?x16xf32>, tensor<16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%logit: f32, %bias_1: f32, %out: f32):
    %neg = arith.negf %logit : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %add_1 = arith.addf %div, %bias_1 : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  %ids = moe.select #moe.top_k<4> scores(%s : tensor<?x16xf32>) -> tensor<?x4xi32>
  %w = moe.weigh sum %s, %ids {scale = 8.0 : f64} : tensor<?x16xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %plan = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 16, slots = 4>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 16, slots = 4> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%a, %b : tensor<16x16xf32>, tensor<16x20xf32>) : !moe.plan<experts = 16, slots = 4> -> tensor<?x20xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %a_1: tensor<16xf32>, %b_1: tensor<20xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %map = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %a_1 : tensor<?x16xf32>, tensor<16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %a_2: f32, %out: f32):
      %mul = arith.mulf %x_2, %a_2 : f32
      linalg.yield %mul : f32
    } -> tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
    %inner = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
    %empty_4 = tensor.empty(%count) : tensor<?x20xf32>
    %map_1 = linalg.generic {indexing_maps = [#ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%inner, %b_1 : tensor<?xf32>, tensor<20xf32>) outs(%empty_4 : tensor<?x20xf32>) {
    ^bb0(%inner_1: f32, %b_2: f32, %out: f32):
      %mul = arith.mulf %inner_1, %b_2 : f32
      linalg.yield %mul : f32
    } -> tensor<?x20xf32>
    moe.yield %map_1 : tensor<?x20xf32>
  }
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x4xf32>) init(%base_1 : tensor<?x20xf32>) : tensor<?x20xf32>, !moe.plan<experts = 16, slots = 4> -> tensor<?x20xf32>
  %rows_1 = moe.rows %plan : !moe.plan<experts = 16, slots = 4>
  %cast = arith.index_cast %rows_1 : index to i32
  %tensor = tensor.from_elements %cast : tensor<i32>
  return %y, %tensor : tensor<?x20xf32>, tensor<i32>
}

func.func @all_ranks(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x20xf32> {moe.name = "y", moe.dims = ["T", "20"]},
        tensor<i32> {moe.name = "ranks", moe.dims = []}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %base = ml_program.global_load_const @base : tensor<16x20xf32>
  %router = ml_program.global_load_const @router : tensor<16x16xf32>
  %bias = ml_program.global_load @bias : tensor<16xf32>
  %a = ml_program.global_load_const @a : tensor<16x16xf32>
  %b = ml_program.global_load_const @b : tensor<16x20xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x20xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x20xf32>) -> tensor<?x20xf32>
  %base_1 = linalg.matmul ins(%x, %base : tensor<?x16xf32>, tensor<16x20xf32>) outs(%zero : tensor<?x20xf32>) -> tensor<?x20xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %logits = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%logits, %bias : tensor<?x16xf32>, tensor<16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%logit: f32, %bias_1: f32, %out: f32):
    %neg = arith.negf %logit : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %add_1 = arith.addf %div, %bias_1 : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  %ids = moe.select #moe.top_k<16> scores(%s : tensor<?x16xf32>) -> tensor<?x16xi32>
  %w = moe.weigh sum %s, %ids {scale = 8.0 : f64} : tensor<?x16xf32>, tensor<?x16xi32> -> tensor<?x16xf32>
  %plan = moe.plan %ids : tensor<?x16xi32> -> !moe.plan<experts = 16, slots = 16>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 16, slots = 16> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%a, %b : tensor<16x16xf32>, tensor<16x20xf32>) : !moe.plan<experts = 16, slots = 16> -> tensor<?x20xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %a_1: tensor<16xf32>, %b_1: tensor<20xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %map = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %a_1 : tensor<?x16xf32>, tensor<16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %a_2: f32, %out: f32):
      %mul = arith.mulf %x_2, %a_2 : f32
      linalg.yield %mul : f32
    } -> tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
    %inner = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
    %empty_4 = tensor.empty(%count) : tensor<?x20xf32>
    %map_1 = linalg.generic {indexing_maps = [#ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%inner, %b_1 : tensor<?xf32>, tensor<20xf32>) outs(%empty_4 : tensor<?x20xf32>) {
    ^bb0(%inner_1: f32, %b_2: f32, %out: f32):
      %mul = arith.mulf %inner_1, %b_2 : f32
      linalg.yield %mul : f32
    } -> tensor<?x20xf32>
    moe.yield %map_1 : tensor<?x20xf32>
  }
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x16xf32>) init(%base_1 : tensor<?x20xf32>) : tensor<?x20xf32>, !moe.plan<experts = 16, slots = 16> -> tensor<?x20xf32>
  %rows_1 = moe.rows %plan : !moe.plan<experts = 16, slots = 16>
  %cast = arith.index_cast %rows_1 : index to i32
  %tensor = tensor.from_elements %cast : tensor<i32>
  return %y, %tensor : tensor<?x20xf32>, tensor<i32>
}
