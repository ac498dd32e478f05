// Chain-of-Experts: inside a layer, tokens pass the same experts several times, routed
// anew each time by a gate of the pass. An inner residual adds a pass's input to its
// output, an outer one the layer's input to its output.
//
// @inner_outer, @inner, @outer and @none are the four combinations with two passes,
// @once is a single pass. All of them name the same parameters.
//
// Source: Chain-of-Experts; github.com/ZihanWang314/CoE.

#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @router0(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @shared.gate(#moe.random<seed = 2, std = 0.2 : f64>) : tensor<16x24xf32>
ml_program.global private @shared.up(#moe.random<seed = 3, std = 0.2 : f64>) : tensor<16x24xf32>
ml_program.global private @shared.down(#moe.random<seed = 4, std = 0.2 : f64>) : tensor<24x16xf32>
ml_program.global private @gate(#moe.random<seed = 5, std = 0.2 : f64>) : tensor<4x16x24xf32>
ml_program.global private @up(#moe.random<seed = 6, std = 0.2 : f64>) : tensor<4x16x24xf32>
ml_program.global private @down(#moe.random<seed = 7, std = 0.2 : f64>) : tensor<4x24x16xf32>
ml_program.global private @router1(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<16x4xf32>

func.func @inner_outer(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router0 = ml_program.global_load_const @router0 : tensor<16x4xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<16x24xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<16x24xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<24x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %router1 = ml_program.global_load_const @router1 : tensor<16x4xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router0 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh none %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %empty_1 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_2 = linalg.matmul ins(%x, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul ins(%a, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_5 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_4, %matmul_5 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
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
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_6 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_6 : tensor<?x16xf32>
  }
  %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %matmul_3 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %b: f32, %out: f32):
    %add_1 = arith.addf %a_1, %b : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%add : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %matmul_4 = linalg.matmul ins(%y, %router1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p_1 = linalg.softmax dimension(1) ins(%matmul_4 : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids_1 = moe.select #moe.top_k<2> scores(%p_1 : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w_1 = moe.weigh none %p_1, %ids_1 : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %matmul_5 = linalg.matmul ins(%y, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_6 = linalg.matmul ins(%y, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_5, %matmul_6 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add_1 = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add_1 : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %matmul_7 = linalg.matmul ins(%a_1, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows_1 = moe.dispatch %y by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_8 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_9 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_8, %matmul_9 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add_1 = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add_1 : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_10 = linalg.matmul ins(%a_2, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_10 : tensor<?x16xf32>
  }
  %add_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%y, %matmul_7 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%a_2: f32, %b: f32, %out: f32):
    %add_2 = arith.addf %a_2, %b : f32
    linalg.yield %add_2 : f32
  } -> tensor<?x16xf32>
  %y_1 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x2xf32>) init(%add_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %add_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %y_1 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%a_2: f32, %b: f32, %out: f32):
    %add_3 = arith.addf %a_2, %b : f32
    linalg.yield %add_3 : f32
  } -> tensor<?x16xf32>
  return %add_2 : tensor<?x16xf32>
}

func.func @inner(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router0 = ml_program.global_load_const @router0 : tensor<16x4xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<16x24xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<16x24xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<24x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %router1 = ml_program.global_load_const @router1 : tensor<16x4xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router0 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh none %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %empty_1 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_2 = linalg.matmul ins(%x, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul ins(%a, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_5 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_4, %matmul_5 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
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
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_6 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_6 : tensor<?x16xf32>
  }
  %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %matmul_3 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %b: f32, %out: f32):
    %add_1 = arith.addf %a_1, %b : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%add : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %matmul_4 = linalg.matmul ins(%y, %router1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p_1 = linalg.softmax dimension(1) ins(%matmul_4 : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids_1 = moe.select #moe.top_k<2> scores(%p_1 : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w_1 = moe.weigh none %p_1, %ids_1 : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %matmul_5 = linalg.matmul ins(%y, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_6 = linalg.matmul ins(%y, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_5, %matmul_6 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add_1 = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add_1 : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %matmul_7 = linalg.matmul ins(%a_1, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows_1 = moe.dispatch %y by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_8 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_9 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_8, %matmul_9 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add_1 = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add_1 : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_10 = linalg.matmul ins(%a_2, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_10 : tensor<?x16xf32>
  }
  %add_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%y, %matmul_7 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%a_2: f32, %b: f32, %out: f32):
    %add_2 = arith.addf %a_2, %b : f32
    linalg.yield %add_2 : f32
  } -> tensor<?x16xf32>
  %y_1 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x2xf32>) init(%add_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %y_1 : tensor<?x16xf32>
}

func.func @outer(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router0 = ml_program.global_load_const @router0 : tensor<16x4xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<16x24xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<16x24xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<24x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %router1 = ml_program.global_load_const @router1 : tensor<16x4xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router0 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh none %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %empty_1 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_2 = linalg.matmul ins(%x, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul ins(%a, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_5 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_4, %matmul_5 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
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
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_6 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_6 : tensor<?x16xf32>
  }
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%matmul_3 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %matmul_4 = linalg.matmul ins(%y, %router1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p_1 = linalg.softmax dimension(1) ins(%matmul_4 : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids_1 = moe.select #moe.top_k<2> scores(%p_1 : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w_1 = moe.weigh none %p_1, %ids_1 : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %matmul_5 = linalg.matmul ins(%y, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_6 = linalg.matmul ins(%y, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_5, %matmul_6 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %matmul_7 = linalg.matmul ins(%a_1, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows_1 = moe.dispatch %y by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_8 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_9 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_8, %matmul_9 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
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
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_10 = linalg.matmul ins(%a_2, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_10 : tensor<?x16xf32>
  }
  %y_1 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x2xf32>) init(%matmul_7 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %y_1 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%a_2: f32, %b: f32, %out: f32):
    %add_1 = arith.addf %a_2, %b : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  return %add : tensor<?x16xf32>
}

func.func @none(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router0 = ml_program.global_load_const @router0 : tensor<16x4xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<16x24xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<16x24xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<24x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %router1 = ml_program.global_load_const @router1 : tensor<16x4xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router0 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh none %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %empty_1 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_2 = linalg.matmul ins(%x, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul ins(%a, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_5 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_4, %matmul_5 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
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
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_6 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_6 : tensor<?x16xf32>
  }
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%matmul_3 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %matmul_4 = linalg.matmul ins(%y, %router1 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p_1 = linalg.softmax dimension(1) ins(%matmul_4 : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids_1 = moe.select #moe.top_k<2> scores(%p_1 : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w_1 = moe.weigh none %p_1, %ids_1 : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %matmul_5 = linalg.matmul ins(%y, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_6 = linalg.matmul ins(%y, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_5, %matmul_6 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %matmul_7 = linalg.matmul ins(%a_1, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows_1 = moe.dispatch %y by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_8 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_9 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_8, %matmul_9 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
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
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_10 = linalg.matmul ins(%a_2, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_10 : tensor<?x16xf32>
  }
  %y_1 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x2xf32>) init(%matmul_7 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %y_1 : tensor<?x16xf32>
}

func.func @once(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router0 = ml_program.global_load_const @router0 : tensor<16x4xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<16x24xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<16x24xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<24x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router0 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh none %p, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %empty_1 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_2 = linalg.matmul ins(%x, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul ins(%a, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_5 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_4, %matmul_5 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
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
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_6 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_6 : tensor<?x16xf32>
  }
  %add = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %matmul_3 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %b: f32, %out: f32):
    %add_1 = arith.addf %a_1, %b : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%add : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
