// ProMoE: two-step routing for diffusion transformers. Unconditional tokens, those
// without a label, all go to one expert of their own. The others are compared to the
// experts' prototypes by cosine; the best two experts get the activated cosine as their
// weight, not renormalised. A shared expert sees every token.
//
// One function for each activation: @softmax, @sigmoid, @identity. Both steps write
// into the same list of ids, so that there is one bank.
//
// Source: ProMoE, Routing Matters in MoE, Scaling Diffusion Transformers with Explicit
// Routing Guidance; the port of Bili-Sakura.

#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

ml_program.global private @prototypes(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<4x16xf32>
ml_program.global private @shared.gate(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @shared.up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @shared.down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @gate(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<5x16x24xf32>
ml_program.global private @up(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<5x16x24xf32>
ml_program.global private @down(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<5x24x16xf32>

func.func @softmax(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %unconditional: tensor<?xi1> {moe.name = "unconditional", moe.dims = ["T"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0e-12 = arith.constant 1.0e-12 : f32
  %c0_i32 = arith.constant 0 : i32
  %c1_i32 = arith.constant 1 : i32
  %c4_i32 = arith.constant 4 : i32
  %f1.0 = arith.constant 1.0 : f32
  %prototypes = ml_program.global_load_const @prototypes : tensor<4x16xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<16x24xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<16x24xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<24x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<5x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<5x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<5x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %empty_2 = tensor.empty() : tensor<4x16xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%prototypes : tensor<4x16xf32>) outs(%empty_2 : tensor<4x16xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<4x16xf32>
  %empty_3 = tensor.empty() : tensor<4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<4xf32>) -> tensor<4xf32>
  %squares_1 = linalg.reduce { arith.addf } ins(%map_2 : tensor<4x16xf32>) outs(%zero_1 : tensor<4xf32>) dimensions = [1]
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%prototypes, %squares_1 : tensor<4x16xf32>, tensor<4xf32>) outs(%empty_2 : tensor<4x16xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<4x16xf32>
  %empty_4 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_1, %map_3 : tensor<?x16xf32>, tensor<4x16xf32>) outs(%zero_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<?x4xf32>) outs(%empty_4 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %best = moe.select #moe.top_k<2> scores(%s : tensor<?x4xf32>) -> tensor<?x2xi32>
  %weights = moe.weigh none %p, %best : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %empty_5 = tensor.empty(%T) : tensor<?x2xi32>
  %empty_6 = tensor.empty(%T) : tensor<?x2xf32>
  %ids:2 = linalg.generic {indexing_maps = [#ij, #ij, #ij_i, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%best, %weights, %unconditional : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?xi1>) outs(%empty_5, %empty_6 : tensor<?x2xi32>, tensor<?x2xf32>) {
  ^bb0(%id: i32, %w: f32, %none: i1, %out: i32, %out_1: f32):
    %i1 = linalg.index 1 : index
    %eq = arith.cmpi eq, %i1, %c0 : index
    %mul = arith.muli %id, %c0_i32 : i32
    %sub = arith.subi %mul, %c1_i32 : i32
    %select = arith.select %eq, %c4_i32, %sub : i32
    %select_1 = arith.select %none, %select, %id : i32
    %mul_1 = arith.mulf %w, %f0.0 : f32
    %add = arith.addf %mul_1, %f1.0 : f32
    %select_2 = arith.select %none, %add, %w : f32
    linalg.yield %select_1, %select_2 : i32, f32
  } -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %plan = moe.plan %ids#0 : tensor<?x2xi32> -> !moe.plan<experts = 5, slots = 2>
  %empty_7 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%x, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_7 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%a, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<5x16x24xf32>, tensor<5x16x24xf32>, tensor<5x24x16xf32>) : !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_8 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3, %matmul_4 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_8 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_9 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_5 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_5 : tensor<?x16xf32>
  }
  %y = moe.combine add %outs by %plan weights(%ids#1 : tensor<?x2xf32>) init(%matmul_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32>
  return %y, %ids#0 : tensor<?x16xf32>, tensor<?x2xi32>
}

func.func @sigmoid(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %unconditional: tensor<?xi1> {moe.name = "unconditional", moe.dims = ["T"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0e-12 = arith.constant 1.0e-12 : f32
  %f1.0 = arith.constant 1.0 : f32
  %c0_i32 = arith.constant 0 : i32
  %c1_i32 = arith.constant 1 : i32
  %c4_i32 = arith.constant 4 : i32
  %prototypes = ml_program.global_load_const @prototypes : tensor<4x16xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<16x24xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<16x24xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<24x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<5x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<5x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<5x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %empty_2 = tensor.empty() : tensor<4x16xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%prototypes : tensor<4x16xf32>) outs(%empty_2 : tensor<4x16xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<4x16xf32>
  %empty_3 = tensor.empty() : tensor<4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<4xf32>) -> tensor<4xf32>
  %squares_1 = linalg.reduce { arith.addf } ins(%map_2 : tensor<4x16xf32>) outs(%zero_1 : tensor<4xf32>) dimensions = [1]
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%prototypes, %squares_1 : tensor<4x16xf32>, tensor<4xf32>) outs(%empty_2 : tensor<4x16xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<4x16xf32>
  %empty_4 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_1, %map_3 : tensor<?x16xf32>, tensor<4x16xf32>) outs(%zero_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<?x4xf32>) outs(%empty_4 : tensor<?x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %neg = arith.negf %a : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    linalg.yield %div : f32
  } -> tensor<?x4xf32>
  %best = moe.select #moe.top_k<2> scores(%s : tensor<?x4xf32>) -> tensor<?x2xi32>
  %weights = moe.weigh none %p, %best : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %empty_5 = tensor.empty(%T) : tensor<?x2xi32>
  %empty_6 = tensor.empty(%T) : tensor<?x2xf32>
  %ids:2 = linalg.generic {indexing_maps = [#ij, #ij, #ij_i, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%best, %weights, %unconditional : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?xi1>) outs(%empty_5, %empty_6 : tensor<?x2xi32>, tensor<?x2xf32>) {
  ^bb0(%id: i32, %w: f32, %none: i1, %out: i32, %out_1: f32):
    %i1 = linalg.index 1 : index
    %eq = arith.cmpi eq, %i1, %c0 : index
    %mul = arith.muli %id, %c0_i32 : i32
    %sub = arith.subi %mul, %c1_i32 : i32
    %select = arith.select %eq, %c4_i32, %sub : i32
    %select_1 = arith.select %none, %select, %id : i32
    %mul_1 = arith.mulf %w, %f0.0 : f32
    %add = arith.addf %mul_1, %f1.0 : f32
    %select_2 = arith.select %none, %add, %w : f32
    linalg.yield %select_1, %select_2 : i32, f32
  } -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %plan = moe.plan %ids#0 : tensor<?x2xi32> -> !moe.plan<experts = 5, slots = 2>
  %empty_7 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%x, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_7 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%a, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<5x16x24xf32>, tensor<5x16x24xf32>, tensor<5x24x16xf32>) : !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_8 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3, %matmul_4 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_8 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_9 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_5 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_5 : tensor<?x16xf32>
  }
  %y = moe.combine add %outs by %plan weights(%ids#1 : tensor<?x2xf32>) init(%matmul_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32>
  return %y, %ids#0 : tensor<?x16xf32>, tensor<?x2xi32>
}

func.func @identity(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %unconditional: tensor<?xi1> {moe.name = "unconditional", moe.dims = ["T"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0e-12 = arith.constant 1.0e-12 : f32
  %c0_i32 = arith.constant 0 : i32
  %c1_i32 = arith.constant 1 : i32
  %c4_i32 = arith.constant 4 : i32
  %f1.0 = arith.constant 1.0 : f32
  %prototypes = ml_program.global_load_const @prototypes : tensor<4x16xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<16x24xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<16x24xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<24x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<5x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<5x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<5x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?xf32>) -> tensor<?xf32>
  %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %squares : tensor<?x16xf32>, tensor<?xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %empty_2 = tensor.empty() : tensor<4x16xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%prototypes : tensor<4x16xf32>) outs(%empty_2 : tensor<4x16xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<4x16xf32>
  %empty_3 = tensor.empty() : tensor<4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<4xf32>) -> tensor<4xf32>
  %squares_1 = linalg.reduce { arith.addf } ins(%map_2 : tensor<4x16xf32>) outs(%zero_1 : tensor<4xf32>) dimensions = [1]
  %map_3 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%prototypes, %squares_1 : tensor<4x16xf32>, tensor<4xf32>) outs(%empty_2 : tensor<4x16xf32>) {
  ^bb0(%x_1: f32, %sum: f32, %out: f32):
    %add = arith.addf %sum, %f1.0e-12 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul = arith.mulf %x_1, %rsqrt : f32
    linalg.yield %mul : f32
  } -> tensor<4x16xf32>
  %empty_4 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%map_1, %map_3 : tensor<?x16xf32>, tensor<4x16xf32>) outs(%zero_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %best = moe.select #moe.top_k<2> scores(%s : tensor<?x4xf32>) -> tensor<?x2xi32>
  %weights = moe.weigh none %s, %best : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %empty_5 = tensor.empty(%T) : tensor<?x2xi32>
  %empty_6 = tensor.empty(%T) : tensor<?x2xf32>
  %ids:2 = linalg.generic {indexing_maps = [#ij, #ij, #ij_i, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%best, %weights, %unconditional : tensor<?x2xi32>, tensor<?x2xf32>, tensor<?xi1>) outs(%empty_5, %empty_6 : tensor<?x2xi32>, tensor<?x2xf32>) {
  ^bb0(%id: i32, %w: f32, %none: i1, %out: i32, %out_1: f32):
    %i1 = linalg.index 1 : index
    %eq = arith.cmpi eq, %i1, %c0 : index
    %mul = arith.muli %id, %c0_i32 : i32
    %sub = arith.subi %mul, %c1_i32 : i32
    %select = arith.select %eq, %c4_i32, %sub : i32
    %select_1 = arith.select %none, %select, %id : i32
    %mul_1 = arith.mulf %w, %f0.0 : f32
    %add = arith.addf %mul_1, %f1.0 : f32
    %select_2 = arith.select %none, %add, %w : f32
    linalg.yield %select_1, %select_2 : i32, f32
  } -> (tensor<?x2xi32>, tensor<?x2xf32>)
  %plan = moe.plan %ids#0 : tensor<?x2xi32> -> !moe.plan<experts = 5, slots = 2>
  %empty_7 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%x, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_7 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%a, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<5x16x24xf32>, tensor<5x16x24xf32>, tensor<5x24x16xf32>) : !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_8 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_8 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3, %matmul_4 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_8 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_9 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_9 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_5 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_5 : tensor<?x16xf32>
  }
  %y = moe.combine add %outs by %plan weights(%ids#1 : tensor<?x2xf32>) init(%matmul_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 5, slots = 2> -> tensor<?x16xf32>
  return %y, %ids#0 : tensor<?x16xf32>, tensor<?x2xi32>
}
