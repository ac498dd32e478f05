// SCMoE: decoding that contrasts two routings of one model. Strong: the two best
// experts. Weak: the second best alone. Logits move away from the weak ones where the
// strong model is confident, and the best token of the rest wins.
//
// Experts are selected by their rank. Three functions of one artifact share all
// weights: @strong, @weak, and @main, which has both.
//
// Source: Unchosen Experts Can Contribute Too, Unleashing MoE Models' Power by
// Self-Contrast; github.com/DavidFanzz/SCMoE.

#ij_i0 = affine_map<(i, j) -> (i, 0)>
#ij = affine_map<(i, j) -> (i, j)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
#ij_i = affine_map<(i, j) -> (i)>

ml_program.global private @embedding(#moe.random<seed = 1, std = 1.0 : f64>) : tensor<13x16xf32>
ml_program.global private @router(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @gate(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x24x16xf32>
ml_program.global private @up(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<4x24x16xf32>
ml_program.global private @down(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @head(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x13xf32>

func.func @strong(%tokens: tensor<?xi32> {moe.name = "tokens", moe.dims = ["T"]})
    -> (tensor<?x13xf32> {moe.name = "logits", moe.dims = ["T", "13"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %embedding = ml_program.global_load_const @embedding : tensor<13x16xf32>
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x24x16xf32>
  %up = ml_program.global_load_const @up : tensor<4x24x16xf32>
  %down = ml_program.global_load_const @down : tensor<4x16x24xf32>
  %head = ml_program.global_load_const @head : tensor<16x13xf32>
  %T = tensor.dim %tokens, %c0 : tensor<?xi32>
  %h = tensor.expand_shape %tokens [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %h_1 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%h : tensor<?x1xi32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %embedding[%cast, %i1] : tensor<13x16xf32>
    linalg.yield %element : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = linalg.matmul ins(%h_1, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.ranks<[0, 1]> scores(%s : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh softmax %s, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows = moe.dispatch %h_1 by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x24x16xf32>, tensor<4x24x16xf32>, tensor<4x16x24xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x: tensor<?x16xf32>, %gate_1: tensor<24x16xf32>, %up_1: tensor<24x16xf32>, %down_1: tensor<16x24xf32>, %expert: index):
    %count = tensor.dim %x, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %gate_1 : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %up_1 : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_2 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%a, %down_1 : tensor<?x24xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%h_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x13xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x13xf32>) -> tensor<?x13xf32>
  %matmul = linalg.matmul ins(%combined, %head : tensor<?x16xf32>, tensor<16x13xf32>) outs(%zero_1 : tensor<?x13xf32>) -> tensor<?x13xf32>
  return %matmul : tensor<?x13xf32>
}

func.func @weak(%tokens: tensor<?xi32> {moe.name = "tokens", moe.dims = ["T"]})
    -> (tensor<?x13xf32> {moe.name = "logits", moe.dims = ["T", "13"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %embedding = ml_program.global_load_const @embedding : tensor<13x16xf32>
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x24x16xf32>
  %up = ml_program.global_load_const @up : tensor<4x24x16xf32>
  %down = ml_program.global_load_const @down : tensor<4x16x24xf32>
  %head = ml_program.global_load_const @head : tensor<16x13xf32>
  %T = tensor.dim %tokens, %c0 : tensor<?xi32>
  %h = tensor.expand_shape %tokens [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %h_1 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%h : tensor<?x1xi32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %embedding[%cast, %i1] : tensor<13x16xf32>
    linalg.yield %element : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = linalg.matmul ins(%h_1, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.ranks<[1]> scores(%s : tensor<?x4xf32>) -> tensor<?x1xi32>
  %w = moe.weigh softmax %s, %ids : tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x1xf32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 4, slots = 1>
  %rows = moe.dispatch %h_1 by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x24x16xf32>, tensor<4x24x16xf32>, tensor<4x16x24xf32>) : !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x: tensor<?x16xf32>, %gate_1: tensor<24x16xf32>, %up_1: tensor<24x16xf32>, %down_1: tensor<16x24xf32>, %expert: index):
    %count = tensor.dim %x, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %gate_1 : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %up_1 : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_2 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%a, %down_1 : tensor<?x24xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x1xf32>) init(%h_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x13xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x13xf32>) -> tensor<?x13xf32>
  %matmul = linalg.matmul ins(%combined, %head : tensor<?x16xf32>, tensor<16x13xf32>) outs(%zero_1 : tensor<?x13xf32>) -> tensor<?x13xf32>
  return %matmul : tensor<?x13xf32>
}

func.func @main(%tokens: tensor<?xi32> {moe.name = "tokens", moe.dims = ["T"]},
    %beta: tensor<f32> {moe.name = "beta", moe.dims = []})
    -> (tensor<?x13xf32> {moe.name = "z", moe.dims = ["T", "13"]},
        tensor<?x1xi32> {moe.name = "token", moe.dims = ["T", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %f-2.3025850929940455 = arith.constant -2.3025850929940455 : f32
  %embedding = ml_program.global_load_const @embedding : tensor<13x16xf32>
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x24x16xf32>
  %up = ml_program.global_load_const @up : tensor<4x24x16xf32>
  %down = ml_program.global_load_const @down : tensor<4x16x24xf32>
  %head = ml_program.global_load_const @head : tensor<16x13xf32>
  %T = tensor.dim %tokens, %c0 : tensor<?xi32>
  %beta_1 = tensor.extract %beta[] : tensor<f32>
  %h = tensor.expand_shape %tokens [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %h_1 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%h : tensor<?x1xi32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %embedding[%cast, %i1] : tensor<13x16xf32>
    linalg.yield %element : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = linalg.matmul ins(%h_1, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.ranks<[0, 1]> scores(%s : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh softmax %s, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows = moe.dispatch %h_1 by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x24x16xf32>, tensor<4x24x16xf32>, tensor<4x16x24xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x: tensor<?x16xf32>, %gate_1: tensor<24x16xf32>, %up_1: tensor<24x16xf32>, %down_1: tensor<16x24xf32>, %expert: index):
    %count = tensor.dim %x, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %gate_1 : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %up_1 : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_2 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%a, %down_1 : tensor<?x24xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%h_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x13xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x13xf32>) -> tensor<?x13xf32>
  %matmul = linalg.matmul ins(%combined, %head : tensor<?x16xf32>, tensor<16x13xf32>) outs(%zero_1 : tensor<?x13xf32>) -> tensor<?x13xf32>
  %h_2 = tensor.expand_shape %tokens [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %h_3 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%h_2 : tensor<?x1xi32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %embedding[%cast, %i1] : tensor<13x16xf32>
    linalg.yield %element : f32
  } -> tensor<?x16xf32>
  %s_1 = linalg.matmul ins(%h_3, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids_1 = moe.select #moe.ranks<[1]> scores(%s_1 : tensor<?x4xf32>) -> tensor<?x1xi32>
  %w_1 = moe.weigh softmax %s_1, %ids_1 : tensor<?x4xf32>, tensor<?x1xi32> -> tensor<?x1xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x1xi32> -> !moe.plan<experts = 4, slots = 1>
  %rows_1 = moe.dispatch %h_3 by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x24x16xf32>, tensor<4x24x16xf32>, tensor<4x16x24xf32>) : !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%x: tensor<?x16xf32>, %gate_1: tensor<24x16xf32>, %up_1: tensor<24x16xf32>, %down_1: tensor<16x24xf32>, %expert: index):
    %count = tensor.dim %x, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %gate_1 : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%x, %up_1 : tensor<?x16xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%a, %down_1 : tensor<?x24xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %combined_1 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x1xf32>) init(%h_3 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 1> -> tensor<?x16xf32>
  %matmul_1 = linalg.matmul ins(%combined_1, %head : tensor<?x16xf32>, tensor<16x13xf32>) outs(%zero_1 : tensor<?x13xf32>) -> tensor<?x13xf32>
  %empty_3 = tensor.empty(%T) : tensor<?xf32>
  %filled = linalg.fill ins(%f0xFF800000 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
  %best = linalg.reduce { arith.maximumf } ins(%matmul : tensor<?x13xf32>) outs(%filled : tensor<?xf32>) dimensions = [1]
  %z = linalg.generic {indexing_maps = [#ij, #ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1, %best : tensor<?x13xf32>, tensor<?x13xf32>, tensor<?xf32>) outs(%empty_2 : tensor<?x13xf32>) {
  ^bb0(%s_2: f32, %w_2: f32, %best_1: f32, %out: f32):
    %add = arith.addf %best_1, %f-2.3025850929940455 : f32
    %ge = arith.cmpf oge, %s_2, %add : f32
    %add_1 = arith.addf %f1.0, %beta_1 : f32
    %mul = arith.mulf %add_1, %s_2 : f32
    %mul_1 = arith.mulf %beta_1, %w_2 : f32
    %sub = arith.subf %mul, %mul_1 : f32
    %select = arith.select %ge, %sub, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x13xf32>
  %token = moe.select #moe.top_k<1> scores(%z : tensor<?x13xf32>) -> tensor<?x1xi32>
  return %z, %token : tensor<?x13xf32>, tensor<?x1xi32>
}
