// RMoE: the router remembers. A recurrent cell (GRU), shared by all layers, carries a
// state of each token from layer to layer; a layer's scores are a projection of the
// state. Top-2, weights sum to 1, SwiGLU experts.
//
// The state is a value that one layer's router yields and the next one reads; the
// cell's weights are parameters that every layer names.
//
// Source: Layerwise Recurrent Router for Mixture-of-Experts; github.com/qiuzh20/RMoE.

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @"0.w1"(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @gru.w_gates(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<4x8xf32>
ml_program.global private @gru.b_gates(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<8xf32>
ml_program.global private @gru.u_gates(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<4x8xf32>
ml_program.global private @gru.c_gates(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<8xf32>
ml_program.global private @gru.w_new(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<4x4xf32>
ml_program.global private @gru.b_new(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<4xf32>
ml_program.global private @gru.u_new(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<4x4xf32>
ml_program.global private @gru.c_new(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<4xf32>
ml_program.global private @"0.w2"(#moe.random<seed = 10, std = 1.0 : f64>) : tensor<4x6xf32>
ml_program.global private @"0.gate"(#moe.random<seed = 11, std = 0.2 : f64>) : tensor<6x16x24xf32>
ml_program.global private @"0.up"(#moe.random<seed = 12, std = 0.2 : f64>) : tensor<6x16x24xf32>
ml_program.global private @"0.down"(#moe.random<seed = 13, std = 0.2 : f64>) : tensor<6x24x16xf32>
ml_program.global private @"1.w1"(#moe.random<seed = 14, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @"1.w2"(#moe.random<seed = 15, std = 1.0 : f64>) : tensor<4x6xf32>
ml_program.global private @"1.gate"(#moe.random<seed = 16, std = 0.2 : f64>) : tensor<6x16x24xf32>
ml_program.global private @"1.up"(#moe.random<seed = 17, std = 0.2 : f64>) : tensor<6x16x24xf32>
ml_program.global private @"1.down"(#moe.random<seed = 18, std = 0.2 : f64>) : tensor<6x24x16xf32>
ml_program.global private @"2.w1"(#moe.random<seed = 19, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @"2.w2"(#moe.random<seed = 20, std = 1.0 : f64>) : tensor<4x6xf32>
ml_program.global private @"2.gate"(#moe.random<seed = 21, std = 0.2 : f64>) : tensor<6x16x24xf32>
ml_program.global private @"2.up"(#moe.random<seed = 22, std = 0.2 : f64>) : tensor<6x16x24xf32>
ml_program.global private @"2.down"(#moe.random<seed = 23, std = 0.2 : f64>) : tensor<6x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xf32> {moe.name = "state", moe.dims = ["T", "4"]},
        tensor<?x2xi32> {moe.name = "ids_0", moe.dims = ["T", "2"]},
        tensor<?x2xi32> {moe.name = "ids_1", moe.dims = ["T", "2"]},
        tensor<?x2xi32> {moe.name = "ids_2", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %p0.w1 = ml_program.global_load_const @"0.w1" : tensor<16x4xf32>
  %gru.w_gates = ml_program.global_load_const @gru.w_gates : tensor<4x8xf32>
  %gru.b_gates = ml_program.global_load_const @gru.b_gates : tensor<8xf32>
  %gru.u_gates = ml_program.global_load_const @gru.u_gates : tensor<4x8xf32>
  %gru.c_gates = ml_program.global_load_const @gru.c_gates : tensor<8xf32>
  %gru.w_new = ml_program.global_load_const @gru.w_new : tensor<4x4xf32>
  %gru.b_new = ml_program.global_load_const @gru.b_new : tensor<4xf32>
  %gru.u_new = ml_program.global_load_const @gru.u_new : tensor<4x4xf32>
  %gru.c_new = ml_program.global_load_const @gru.c_new : tensor<4xf32>
  %p0.w2 = ml_program.global_load_const @"0.w2" : tensor<4x6xf32>
  %p0.gate = ml_program.global_load_const @"0.gate" : tensor<6x16x24xf32>
  %p0.up = ml_program.global_load_const @"0.up" : tensor<6x16x24xf32>
  %p0.down = ml_program.global_load_const @"0.down" : tensor<6x24x16xf32>
  %p1.w1 = ml_program.global_load_const @"1.w1" : tensor<16x4xf32>
  %p1.w2 = ml_program.global_load_const @"1.w2" : tensor<4x6xf32>
  %p1.gate = ml_program.global_load_const @"1.gate" : tensor<6x16x24xf32>
  %p1.up = ml_program.global_load_const @"1.up" : tensor<6x16x24xf32>
  %p1.down = ml_program.global_load_const @"1.down" : tensor<6x24x16xf32>
  %p2.w1 = ml_program.global_load_const @"2.w1" : tensor<16x4xf32>
  %p2.w2 = ml_program.global_load_const @"2.w2" : tensor<4x6xf32>
  %p2.gate = ml_program.global_load_const @"2.gate" : tensor<6x16x24xf32>
  %p2.up = ml_program.global_load_const @"2.up" : tensor<6x16x24xf32>
  %p2.down = ml_program.global_load_const @"2.down" : tensor<6x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %u = linalg.matmul ins(%x, %p0.w1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x8xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul = linalg.matmul ins(%u, %gru.w_gates : tensor<?x4xf32>, tensor<4x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul_1 = linalg.matmul ins(%zero, %gru.u_gates : tensor<?x4xf32>, tensor<4x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %gates = linalg.generic {indexing_maps = [#ij, #ij_j, #ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %gru.b_gates, %matmul_1, %gru.c_gates : tensor<?x8xf32>, tensor<8xf32>, tensor<?x8xf32>, tensor<8xf32>) outs(%empty_1 : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    %add_1 = arith.addf %add, %c : f32
    %add_2 = arith.addf %add_1, %d : f32
    %neg = arith.negf %add_2 : f32
    %exp = math.exp %neg : f32
    %add_3 = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add_3 : f32
    linalg.yield %div : f32
  } -> tensor<?x8xf32>
  %slice = tensor.extract_slice %gates[0, 0] [%T, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %slice_1 = tensor.extract_slice %gates[0, 4] [%T, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %matmul_2 = linalg.matmul ins(%u, %gru.w_new : tensor<?x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_3 = linalg.matmul ins(%zero, %gru.u_new : tensor<?x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij_j, #ij, #ij_j, #ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %gru.b_new, %matmul_3, %gru.c_new, %slice, %slice_1, %zero : tensor<?x4xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %r: f32, %z: f32, %h: f32, %out: f32):
    %sub = arith.subf %f1.0, %z : f32
    %add = arith.addf %a, %b : f32
    %add_1 = arith.addf %c, %d : f32
    %mul = arith.mulf %r, %add_1 : f32
    %add_2 = arith.addf %add, %mul : f32
    %tanh = math.tanh %add_2 : f32
    %mul_1 = arith.mulf %sub, %tanh : f32
    %mul_2 = arith.mulf %z, %h : f32
    %add_3 = arith.addf %mul_1, %mul_2 : f32
    linalg.yield %add_3 : f32
  } -> tensor<?x4xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x6xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %matmul_4 = linalg.matmul ins(%map, %p0.w2 : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zero_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.softmax dimension(1) ins(%matmul_4 : tensor<?x6xf32>) outs(%empty_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x6xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%p0.gate, %p0.up, %p0.down : tensor<6x16x24xf32>, tensor<6x16x24xf32>, tensor<6x24x16xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate: tensor<16x24xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_5 = linalg.matmul ins(%x_1, %gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_6 = linalg.matmul ins(%x_1, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_5, %matmul_6 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
      %neg = arith.negf %gate_1 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_1, %div : f32
      %mul_1 = arith.mulf %mul, %up_1 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_7 = linalg.matmul ins(%a, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_7 : tensor<?x16xf32>
  }
  %x_1 = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %u_1 = linalg.matmul ins(%x_1, %p1.w1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_5 = linalg.matmul ins(%u_1, %gru.w_gates : tensor<?x4xf32>, tensor<4x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul_6 = linalg.matmul ins(%map, %gru.u_gates : tensor<?x4xf32>, tensor<4x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %gates_1 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_5, %gru.b_gates, %matmul_6, %gru.c_gates : tensor<?x8xf32>, tensor<8xf32>, tensor<?x8xf32>, tensor<8xf32>) outs(%empty_1 : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    %add_1 = arith.addf %add, %c : f32
    %add_2 = arith.addf %add_1, %d : f32
    %neg = arith.negf %add_2 : f32
    %exp = math.exp %neg : f32
    %add_3 = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add_3 : f32
    linalg.yield %div : f32
  } -> tensor<?x8xf32>
  %slice_2 = tensor.extract_slice %gates_1[0, 0] [%T, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %slice_3 = tensor.extract_slice %gates_1[0, 4] [%T, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %matmul_7 = linalg.matmul ins(%u_1, %gru.w_new : tensor<?x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_8 = linalg.matmul ins(%map, %gru.u_new : tensor<?x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %map_1 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij, #ij_j, #ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_7, %gru.b_new, %matmul_8, %gru.c_new, %slice_2, %slice_3, %map : tensor<?x4xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %r: f32, %z: f32, %h: f32, %out: f32):
    %sub = arith.subf %f1.0, %z : f32
    %add = arith.addf %a, %b : f32
    %add_1 = arith.addf %c, %d : f32
    %mul = arith.mulf %r, %add_1 : f32
    %add_2 = arith.addf %add, %mul : f32
    %tanh = math.tanh %add_2 : f32
    %mul_1 = arith.mulf %sub, %tanh : f32
    %mul_2 = arith.mulf %z, %h : f32
    %add_3 = arith.addf %mul_1, %mul_2 : f32
    linalg.yield %add_3 : f32
  } -> tensor<?x4xf32>
  %matmul_9 = linalg.matmul ins(%map_1, %p1.w2 : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zero_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p_1 = linalg.softmax dimension(1) ins(%matmul_9 : tensor<?x6xf32>) outs(%empty_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids_1 = moe.select #moe.top_k<2> scores(%p_1 : tensor<?x6xf32>) -> tensor<?x2xi32>
  %w_1 = moe.weigh sum %p_1, %ids_1 : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows_1 = moe.dispatch %x_1 by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%p1.gate, %p1.up, %p1.down : tensor<6x16x24xf32>, tensor<6x16x24xf32>, tensor<6x24x16xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_2: tensor<?x16xf32>, %gate: tensor<16x24xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_2, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_10 = linalg.matmul ins(%x_2, %gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_11 = linalg.matmul ins(%x_2, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_10, %matmul_11 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
      %neg = arith.negf %gate_1 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_1, %div : f32
      %mul_1 = arith.mulf %mul, %up_1 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_12 = linalg.matmul ins(%a, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_12 : tensor<?x16xf32>
  }
  %x_2 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x2xf32>) init(%x_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %u_2 = linalg.matmul ins(%x_2, %p2.w1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_10 = linalg.matmul ins(%u_2, %gru.w_gates : tensor<?x4xf32>, tensor<4x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %matmul_11 = linalg.matmul ins(%map_1, %gru.u_gates : tensor<?x4xf32>, tensor<4x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
  %gates_2 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_10, %gru.b_gates, %matmul_11, %gru.c_gates : tensor<?x8xf32>, tensor<8xf32>, tensor<?x8xf32>, tensor<8xf32>) outs(%empty_1 : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    %add_1 = arith.addf %add, %c : f32
    %add_2 = arith.addf %add_1, %d : f32
    %neg = arith.negf %add_2 : f32
    %exp = math.exp %neg : f32
    %add_3 = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add_3 : f32
    linalg.yield %div : f32
  } -> tensor<?x8xf32>
  %slice_4 = tensor.extract_slice %gates_2[0, 0] [%T, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %slice_5 = tensor.extract_slice %gates_2[0, 4] [%T, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %matmul_12 = linalg.matmul ins(%u_2, %gru.w_new : tensor<?x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_13 = linalg.matmul ins(%map_1, %gru.u_new : tensor<?x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %map_2 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij, #ij_j, #ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_12, %gru.b_new, %matmul_13, %gru.c_new, %slice_4, %slice_5, %map_1 : tensor<?x4xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %r: f32, %z: f32, %h: f32, %out: f32):
    %sub = arith.subf %f1.0, %z : f32
    %add = arith.addf %a, %b : f32
    %add_1 = arith.addf %c, %d : f32
    %mul = arith.mulf %r, %add_1 : f32
    %add_2 = arith.addf %add, %mul : f32
    %tanh = math.tanh %add_2 : f32
    %mul_1 = arith.mulf %sub, %tanh : f32
    %mul_2 = arith.mulf %z, %h : f32
    %add_3 = arith.addf %mul_1, %mul_2 : f32
    linalg.yield %add_3 : f32
  } -> tensor<?x4xf32>
  %matmul_14 = linalg.matmul ins(%map_2, %p2.w2 : tensor<?x4xf32>, tensor<4x6xf32>) outs(%zero_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p_2 = linalg.softmax dimension(1) ins(%matmul_14 : tensor<?x6xf32>) outs(%empty_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids_2 = moe.select #moe.top_k<2> scores(%p_2 : tensor<?x6xf32>) -> tensor<?x2xi32>
  %w_2 = moe.weigh sum %p_2, %ids_2 : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_2 = moe.plan %ids_2 : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows_2 = moe.dispatch %x_2 by %plan_2 : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs_2 = moe.experts %plan_2 rows(%rows_2 : tensor<?x16xf32>) params(%p2.gate, %p2.up, %p2.down : tensor<6x16x24xf32>, tensor<6x16x24xf32>, tensor<6x24x16xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_3: tensor<?x16xf32>, %gate: tensor<16x24xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_3, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_15 = linalg.matmul ins(%x_3, %gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_16 = linalg.matmul ins(%x_3, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_15, %matmul_16 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
      %neg = arith.negf %gate_1 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_1, %div : f32
      %mul_1 = arith.mulf %mul, %up_1 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_17 = linalg.matmul ins(%a, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_17 : tensor<?x16xf32>
  }
  %x_3 = moe.combine add %outs_2 by %plan_2 weights(%w_2 : tensor<?x2xf32>) init(%x_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  return %x_3, %map_2, %ids, %ids_1, %ids_2 : tensor<?x16xf32>, tensor<?x4xf32>, tensor<?x2xi32>, tensor<?x2xi32>, tensor<?x2xi32>
}
