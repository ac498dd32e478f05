// Rewiring Experts on the Fly: while a model generates, vectors that are added to the
// router logits of some layers are adapted to the text so far. Everything else stays as
// it is. Two layers, top-2 of 6, weights sum to 1, and an output layer.
//
// The vectors are parameters that the host sets between calls, without another
// compilation; how it finds them (steps down the text's loss) is the host's business.
//
// Source: Rewiring Experts on the Fly, Continuous Rerouting for Better Online Adaptation
// in Mixture-of-Expert models. The rule of the update is not verified.

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @"0.router"(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x6xf32>
ml_program.global private mutable @"0.delta"(#moe.random<seed = 2, std = 0.1 : f64>) : tensor<6xf32>
ml_program.global private @"0.up"(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<6x16x24xf32>
ml_program.global private @"0.down"(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<6x24x16xf32>
ml_program.global private @"1.router"(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x6xf32>
ml_program.global private mutable @"1.delta"(#moe.random<seed = 6, std = 0.1 : f64>) : tensor<6xf32>
ml_program.global private @"1.up"(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<6x16x24xf32>
ml_program.global private @"1.down"(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<6x24x16xf32>
ml_program.global private @words(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<16x20xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x20xf32> {moe.name = "logits", moe.dims = ["T", "20"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %p0.router = ml_program.global_load_const @"0.router" : tensor<16x6xf32>
  %p0.delta = ml_program.global_load @"0.delta" : tensor<6xf32>
  %p0.up = ml_program.global_load_const @"0.up" : tensor<6x16x24xf32>
  %p0.down = ml_program.global_load_const @"0.down" : tensor<6x24x16xf32>
  %p1.router = ml_program.global_load_const @"1.router" : tensor<16x6xf32>
  %p1.delta = ml_program.global_load @"1.delta" : tensor<6xf32>
  %p1.up = ml_program.global_load_const @"1.up" : tensor<6x16x24xf32>
  %p1.down = ml_program.global_load_const @"1.down" : tensor<6x24x16xf32>
  %words = ml_program.global_load_const @words : tensor<16x20xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x6xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s = linalg.matmul ins(%x, %p0.router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s_1 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s, %p0.delta : tensor<?x6xf32>, tensor<6xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x6xf32>
  %p = linalg.softmax dimension(1) ins(%s_1 : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x6xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%p0.up, %p0.down : tensor<6x16x24xf32>, tensor<6x24x16xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul ins(%x_1, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %x_1 = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %s_2 = linalg.matmul ins(%x_1, %p1.router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s_3 = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%s_2, %p1.delta : tensor<?x6xf32>, tensor<6xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x6xf32>
  %p_1 = linalg.softmax dimension(1) ins(%s_3 : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids_1 = moe.select #moe.top_k<2> scores(%p_1 : tensor<?x6xf32>) -> tensor<?x2xi32>
  %w_1 = moe.weigh sum %p_1, %ids_1 : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows_1 = moe.dispatch %x_1 by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%p1.up, %p1.down : tensor<6x16x24xf32>, tensor<6x24x16xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_2: tensor<?x16xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_2, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul ins(%x_2, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %x_2 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x2xf32>) init(%x_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x20xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %matmul = linalg.matmul ins(%x_2, %words : tensor<?x16xf32>, tensor<16x20xf32>) outs(%zero_1 : tensor<?x20xf32>) -> tensor<?x20xf32>
  return %matmul : tensor<?x20xf32>
}

func.func @plain(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x20xf32> {moe.name = "logits", moe.dims = ["T", "20"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %p0.router = ml_program.global_load_const @"0.router" : tensor<16x6xf32>
  %p0.up = ml_program.global_load_const @"0.up" : tensor<6x16x24xf32>
  %p0.down = ml_program.global_load_const @"0.down" : tensor<6x24x16xf32>
  %p1.router = ml_program.global_load_const @"1.router" : tensor<16x6xf32>
  %p1.up = ml_program.global_load_const @"1.up" : tensor<6x16x24xf32>
  %p1.down = ml_program.global_load_const @"1.down" : tensor<6x24x16xf32>
  %words = ml_program.global_load_const @words : tensor<16x20xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x6xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s = linalg.matmul ins(%x, %p0.router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x6xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%p0.up, %p0.down : tensor<6x16x24xf32>, tensor<6x24x16xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul ins(%x_1, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %x_1 = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %s_1 = linalg.matmul ins(%x_1, %p1.router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p_1 = linalg.softmax dimension(1) ins(%s_1 : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids_1 = moe.select #moe.top_k<2> scores(%p_1 : tensor<?x6xf32>) -> tensor<?x2xi32>
  %w_1 = moe.weigh sum %p_1, %ids_1 : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows_1 = moe.dispatch %x_1 by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%p1.up, %p1.down : tensor<6x16x24xf32>, tensor<6x24x16xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_2: tensor<?x16xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_2, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul ins(%x_2, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %x_2 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x2xf32>) init(%x_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x20xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %matmul = linalg.matmul ins(%x_2, %words : tensor<?x16xf32>, tensor<16x20xf32>) outs(%zero_1 : tensor<?x20xf32>) -> tensor<?x20xf32>
  return %matmul : tensor<?x20xf32>
}
