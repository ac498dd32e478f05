// ReXMoE: routers may use the experts of a neighbouring layer. Four layers in groups of
// two; the layers of a group have one bank of 4 + 4 experts, and each its own router
// over all 8. Top-2, weights sum to 1, SwiGLU experts, residual.
//
// A bank is a parameter that several layers name, so that it is stored once. The mask
// says for each layer which experts it may use: all, or only its own four.
//
// Source: ReXMoE, Reusing Experts with Minimal Overhead in Mixture-of-Experts.

#ij_j = affine_map<(i, j) -> (j)>
#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @"0.router"(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @pool0.gate(#moe.random<seed = 2, std = 0.2 : f64>) : tensor<8x16x32xf32>
ml_program.global private @pool0.up(#moe.random<seed = 3, std = 0.2 : f64>) : tensor<8x16x32xf32>
ml_program.global private @pool0.down(#moe.random<seed = 4, std = 0.2 : f64>) : tensor<8x32x16xf32>
ml_program.global private @"1.router"(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @"2.router"(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @pool1.gate(#moe.random<seed = 7, std = 0.2 : f64>) : tensor<8x16x32xf32>
ml_program.global private @pool1.up(#moe.random<seed = 8, std = 0.2 : f64>) : tensor<8x16x32xf32>
ml_program.global private @pool1.down(#moe.random<seed = 9, std = 0.2 : f64>) : tensor<8x32x16xf32>
ml_program.global private @"3.router"(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<16x8xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %allowed: tensor<4x8xi1> {moe.name = "allowed", moe.dims = ["4", "8"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x2xi32> {moe.name = "ids_0", moe.dims = ["T", "2"]},
        tensor<?x2xi32> {moe.name = "ids_1", moe.dims = ["T", "2"]},
        tensor<?x2xi32> {moe.name = "ids_2", moe.dims = ["T", "2"]},
        tensor<?x2xi32> {moe.name = "ids_3", moe.dims = ["T", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %p0.router = ml_program.global_load_const @"0.router" : tensor<16x8xf32>
  %pool0.gate = ml_program.global_load_const @pool0.gate : tensor<8x16x32xf32>
  %pool0.up = ml_program.global_load_const @pool0.up : tensor<8x16x32xf32>
  %pool0.down = ml_program.global_load_const @pool0.down : tensor<8x32x16xf32>
  %p1.router = ml_program.global_load_const @"1.router" : tensor<16x8xf32>
  %p2.router = ml_program.global_load_const @"2.router" : tensor<16x8xf32>
  %pool1.gate = ml_program.global_load_const @pool1.gate : tensor<8x16x32xf32>
  %pool1.up = ml_program.global_load_const @pool1.up : tensor<8x16x32xf32>
  %pool1.down = ml_program.global_load_const @pool1.down : tensor<8x32x16xf32>
  %p3.router = ml_program.global_load_const @"3.router" : tensor<16x8xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x8xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%x, %p0.router : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %slice = tensor.extract_slice %allowed[0, 0] [1, 8] [1, 1] : tensor<4x8xi1> to tensor<8xi1>
  %empty_1 = tensor.empty(%T) : tensor<?x8xi1>
  %mask = linalg.generic {indexing_maps = [#ij_j, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice, %s : tensor<8xi1>, tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xi1>) {
  ^bb0(%allowed_1: i1, %s_1: f32, %out: i1):
    linalg.yield %allowed_1 : i1
  } -> tensor<?x8xi1>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) mask(%mask : tensor<?x8xi1>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%pool0.gate, %pool0.up, %pool0.down : tensor<8x16x32xf32>, tensor<8x16x32xf32>, tensor<8x32x16xf32>) : !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate: tensor<16x32xf32>, %up: tensor<16x32xf32>, %down: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x32xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul = linalg.matmul ins(%x_1, %gate : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %up : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%empty_2 : tensor<?x32xf32>) {
    ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
      %neg = arith.negf %gate_1 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_1, %div : f32
      %mul_1 = arith.mulf %mul, %up_1 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x32xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%a, %down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %x_1 = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %s_1 = linalg.matmul ins(%x_1, %p1.router : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p_1 = linalg.softmax dimension(1) ins(%s_1 : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %slice_1 = tensor.extract_slice %allowed[1, 0] [1, 8] [1, 1] : tensor<4x8xi1> to tensor<8xi1>
  %mask_1 = linalg.generic {indexing_maps = [#ij_j, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice_1, %s_1 : tensor<8xi1>, tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xi1>) {
  ^bb0(%allowed_1: i1, %s_2: f32, %out: i1):
    linalg.yield %allowed_1 : i1
  } -> tensor<?x8xi1>
  %ids_1 = moe.select #moe.top_k<2> scores(%p_1 : tensor<?x8xf32>) mask(%mask_1 : tensor<?x8xi1>) -> tensor<?x2xi32>
  %w_1 = moe.weigh sum %p_1, %ids_1 : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %rows_1 = moe.dispatch %x_1 by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%pool0.gate, %pool0.up, %pool0.down : tensor<8x16x32xf32>, tensor<8x16x32xf32>, tensor<8x32x16xf32>) : !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_2: tensor<?x16xf32>, %gate: tensor<16x32xf32>, %up: tensor<16x32xf32>, %down: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_2, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x32xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul = linalg.matmul ins(%x_2, %gate : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul_1 = linalg.matmul ins(%x_2, %up : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%empty_2 : tensor<?x32xf32>) {
    ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
      %neg = arith.negf %gate_1 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_1, %div : f32
      %mul_1 = arith.mulf %mul, %up_1 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x32xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%a, %down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %x_2 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x2xf32>) init(%x_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %s_2 = linalg.matmul ins(%x_2, %p2.router : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p_2 = linalg.softmax dimension(1) ins(%s_2 : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %slice_2 = tensor.extract_slice %allowed[2, 0] [1, 8] [1, 1] : tensor<4x8xi1> to tensor<8xi1>
  %mask_2 = linalg.generic {indexing_maps = [#ij_j, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice_2, %s_2 : tensor<8xi1>, tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xi1>) {
  ^bb0(%allowed_1: i1, %s_3: f32, %out: i1):
    linalg.yield %allowed_1 : i1
  } -> tensor<?x8xi1>
  %ids_2 = moe.select #moe.top_k<2> scores(%p_2 : tensor<?x8xf32>) mask(%mask_2 : tensor<?x8xi1>) -> tensor<?x2xi32>
  %w_2 = moe.weigh sum %p_2, %ids_2 : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_2 = moe.plan %ids_2 : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %rows_2 = moe.dispatch %x_2 by %plan_2 : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %outs_2 = moe.experts %plan_2 rows(%rows_2 : tensor<?x16xf32>) params(%pool1.gate, %pool1.up, %pool1.down : tensor<8x16x32xf32>, tensor<8x16x32xf32>, tensor<8x32x16xf32>) : !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_3: tensor<?x16xf32>, %gate: tensor<16x32xf32>, %up: tensor<16x32xf32>, %down: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_3, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x32xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul = linalg.matmul ins(%x_3, %gate : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul_1 = linalg.matmul ins(%x_3, %up : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%empty_2 : tensor<?x32xf32>) {
    ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
      %neg = arith.negf %gate_1 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_1, %div : f32
      %mul_1 = arith.mulf %mul, %up_1 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x32xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%a, %down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %x_3 = moe.combine add %outs_2 by %plan_2 weights(%w_2 : tensor<?x2xf32>) init(%x_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %s_3 = linalg.matmul ins(%x_3, %p3.router : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p_3 = linalg.softmax dimension(1) ins(%s_3 : tensor<?x8xf32>) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %slice_3 = tensor.extract_slice %allowed[3, 0] [1, 8] [1, 1] : tensor<4x8xi1> to tensor<8xi1>
  %mask_3 = linalg.generic {indexing_maps = [#ij_j, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice_3, %s_3 : tensor<8xi1>, tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xi1>) {
  ^bb0(%allowed_1: i1, %s_4: f32, %out: i1):
    linalg.yield %allowed_1 : i1
  } -> tensor<?x8xi1>
  %ids_3 = moe.select #moe.top_k<2> scores(%p_3 : tensor<?x8xf32>) mask(%mask_3 : tensor<?x8xi1>) -> tensor<?x2xi32>
  %w_3 = moe.weigh sum %p_3, %ids_3 : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_3 = moe.plan %ids_3 : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %rows_3 = moe.dispatch %x_3 by %plan_3 : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %outs_3 = moe.experts %plan_3 rows(%rows_3 : tensor<?x16xf32>) params(%pool1.gate, %pool1.up, %pool1.down : tensor<8x16x32xf32>, tensor<8x16x32xf32>, tensor<8x32x16xf32>) : !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_4: tensor<?x16xf32>, %gate: tensor<16x32xf32>, %up: tensor<16x32xf32>, %down: tensor<32x16xf32>, %expert: index):
    %count = tensor.dim %x_4, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x32xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul = linalg.matmul ins(%x_4, %gate : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %matmul_1 = linalg.matmul ins(%x_4, %up : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%empty_2 : tensor<?x32xf32>) {
    ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
      %neg = arith.negf %gate_1 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_1, %div : f32
      %mul_1 = arith.mulf %mul, %up_1 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x32xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%a, %down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %x_4 = moe.combine add %outs_3 by %plan_3 weights(%w_3 : tensor<?x2xf32>) init(%x_3 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  return %x_4, %ids, %ids_1, %ids_2, %ids_3 : tensor<?x16xf32>, tensor<?x2xi32>, tensor<?x2xi32>, tensor<?x2xi32>, tensor<?x2xi32>
}
