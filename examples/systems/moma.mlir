// MoMa: experts of each modality choose their tokens (expert choice inside typed
// groups); a token's result is weighted by the sigmoid of its score. @depths first
// chooses the half of the tokens that take part. Expert choice looks at later tokens;
// @causal, for inference, lets an auxiliary router decide token by token, with the
// same weights.
//
// Capacity is computed for each expert: its modality's tokens, divided by its
// modality's experts. Weights of a plan by expert are [T, E].
//
// Source: MoMa, Efficient Early-Fusion Pre-training with Mixture of Modality-Aware
// Experts.

#ij_i = affine_map<(i, j) -> (i)>
#ij_j = affine_map<(i, j) -> (j)>
#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i) -> (i)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @gate(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<4x24x16xf32>
ml_program.global private @depth_router(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x1xf32>
ml_program.global private @auxiliary1(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x12xf32>
ml_program.global private @auxiliary2(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<12x4xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %modality: tensor<?xi32> {moe.name = "modality", moe.dims = ["T"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xi1> {moe.name = "chosen", moe.dims = ["T", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %c0_i32 = arith.constant 0 : i32
  %c2_i32 = arith.constant 2 : i32
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %constant = arith.constant dense<[0, 0, 1, 1]> : tensor<4xi32>
  %empty = tensor.empty(%T) : tensor<?x4xi1>
  %own = linalg.generic {indexing_maps = [#ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%modality, %constant : tensor<?xi32>, tensor<4xi32>) outs(%empty : tensor<?x4xi1>) {
  ^bb0(%m: i32, %e: i32, %out: i1):
    %eq = arith.cmpi eq, %m, %e : i32
    linalg.yield %eq : i1
  } -> tensor<?x4xi1>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %scores = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x4xf32>) outs(%empty_1 : tensor<?x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %neg = arith.negf %a : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    linalg.yield %div : f32
  } -> tensor<?x4xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x4xi32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%own : tensor<?x4xi1>) outs(%empty_2 : tensor<?x4xi32>) {
  ^bb0(%own_1: i1, %out: i32):
    %cast = arith.extui %own_1 : i1 to i32
    linalg.yield %cast : i32
  } -> tensor<?x4xi32>
  %empty_3 = tensor.empty() : tensor<4xi32>
  %zero_1 = linalg.fill ins(%c0_i32 : i32) outs(%empty_3 : tensor<4xi32>) -> tensor<4xi32>
  %count = linalg.reduce { arith.addi } ins(%map : tensor<?x4xi32>) outs(%zero_1 : tensor<4xi32>) dimensions = [0]
  %capacity = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%count : tensor<4xi32>) outs(%empty_3 : tensor<4xi32>) {
  ^bb0(%n: i32, %out: i32):
    %div = arith.ceildivsi %n, %c2_i32 : i32
    linalg.yield %div : i32
  } -> tensor<4xi32>
  %ids, %chosen = moe.select_tokens position %scores capacity(%capacity : tensor<4xi32>) mask(%own : tensor<?x4xi1>) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  %plan = moe.plan by_expert %ids tokens(%T) : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 4>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count_1 = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_4 = tensor.empty(%count_1) : tensor<?x24xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_4 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_5 = tensor.empty(%count_1) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%a, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %combined = moe.combine add %outs by %plan weights(%scores : tensor<?x4xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  return %combined, %chosen : tensor<?x16xf32>, tensor<?x4xi1>
}

func.func @depths(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %modality: tensor<?xi32> {moe.name = "modality", moe.dims = ["T"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xi1> {moe.name = "chosen", moe.dims = ["T", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %c2 = arith.constant 2 : index
  %c0_i32 = arith.constant 0 : i32
  %c2_i32 = arith.constant 2 : i32
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %depth_router = ml_program.global_load_const @depth_router : tensor<16x1xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %constant = arith.constant dense<[0, 0, 1, 1]> : tensor<4xi32>
  %empty = tensor.empty(%T) : tensor<?x4xi1>
  %own = linalg.generic {indexing_maps = [#ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%modality, %constant : tensor<?xi32>, tensor<4xi32>) outs(%empty : tensor<?x4xi1>) {
  ^bb0(%m: i32, %e: i32, %out: i1):
    %eq = arith.cmpi eq, %m, %e : i32
    linalg.yield %eq : i1
  } -> tensor<?x4xi1>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %scores = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x4xf32>) outs(%empty_1 : tensor<?x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %neg = arith.negf %a : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    linalg.yield %div : f32
  } -> tensor<?x4xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x1xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x1xf32>) -> tensor<?x1xf32>
  %depth = linalg.matmul ins(%x, %depth_router : tensor<?x16xf32>, tensor<16x1xf32>) outs(%zero_1 : tensor<?x1xf32>) -> tensor<?x1xf32>
  %div = arith.ceildivsi %T, %c2 : index
  %half = arith.index_cast %div : index to i32
  %_, %takes_part = moe.select_tokens position %depth capacity(%half : i32) : tensor<?x1xf32> -> tensor<1x?xi32>, tensor<?x1xi1>
  %alive = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%own, %takes_part : tensor<?x4xi1>, tensor<?x1xi1>) outs(%empty : tensor<?x4xi1>) {
  ^bb0(%own_1: i1, %part: i1, %out: i1):
    %and = arith.andi %own_1, %part : i1
    linalg.yield %and : i1
  } -> tensor<?x4xi1>
  %empty_3 = tensor.empty(%T) : tensor<?x4xi32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%alive : tensor<?x4xi1>) outs(%empty_3 : tensor<?x4xi32>) {
  ^bb0(%own_1: i1, %out: i32):
    %cast = arith.extui %own_1 : i1 to i32
    linalg.yield %cast : i32
  } -> tensor<?x4xi32>
  %empty_4 = tensor.empty() : tensor<4xi32>
  %zero_2 = linalg.fill ins(%c0_i32 : i32) outs(%empty_4 : tensor<4xi32>) -> tensor<4xi32>
  %count = linalg.reduce { arith.addi } ins(%map : tensor<?x4xi32>) outs(%zero_2 : tensor<4xi32>) dimensions = [0]
  %capacity = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%count : tensor<4xi32>) outs(%empty_4 : tensor<4xi32>) {
  ^bb0(%n: i32, %out: i32):
    %div_1 = arith.ceildivsi %n, %c2_i32 : i32
    linalg.yield %div_1 : i32
  } -> tensor<4xi32>
  %ids, %chosen = moe.select_tokens position %scores capacity(%capacity : tensor<4xi32>) mask(%alive : tensor<?x4xi1>) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  %plan = moe.plan by_expert %ids tokens(%T) : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 4>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count_1 = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_5 = tensor.empty(%count_1) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_5 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div_1 = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div_1 : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_6 = tensor.empty(%count_1) : tensor<?x16xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%a, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %combined = moe.combine add %outs by %plan weights(%scores : tensor<?x4xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  return %combined, %chosen : tensor<?x16xf32>, tensor<?x4xi1>
}

func.func @causal(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %modality: tensor<?xi32> {moe.name = "modality", moe.dims = ["T"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x4xi32> {moe.name = "ids", moe.dims = ["T", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %c-1_i32 = arith.constant -1 : i32
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %auxiliary1 = ml_program.global_load_const @auxiliary1 : tensor<16x12xf32>
  %auxiliary2 = ml_program.global_load_const @auxiliary2 : tensor<12x4xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %constant = arith.constant dense<[0, 0, 1, 1]> : tensor<4xi32>
  %empty = tensor.empty(%T) : tensor<?x4xi1>
  %own = linalg.generic {indexing_maps = [#ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%modality, %constant : tensor<?xi32>, tensor<4xi32>) outs(%empty : tensor<?x4xi1>) {
  ^bb0(%m: i32, %e: i32, %out: i1):
    %eq = arith.cmpi eq, %m, %e : i32
    linalg.yield %eq : i1
  } -> tensor<?x4xi1>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %scores = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x4xf32>) outs(%empty_1 : tensor<?x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %neg = arith.negf %a : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    linalg.yield %div : f32
  } -> tensor<?x4xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x12xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x12xf32>) -> tensor<?x12xf32>
  %matmul_1 = linalg.matmul ins(%x, %auxiliary1 : tensor<?x16xf32>, tensor<16x12xf32>) outs(%zero_1 : tensor<?x12xf32>) -> tensor<?x12xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1 : tensor<?x12xf32>) outs(%empty_2 : tensor<?x12xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x12xf32>
  %auxiliary = linalg.matmul ins(%gelu, %auxiliary2 : tensor<?x12xf32>, tensor<12x4xf32>) outs(%zero : tensor<?x4xf32>) -> tensor<?x4xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x4xi32>
  %ids = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%auxiliary, %own : tensor<?x4xf32>, tensor<?x4xi1>) outs(%empty_3 : tensor<?x4xi32>) {
  ^bb0(%a: f32, %own_1: i1, %out: i32):
    %neg = arith.negf %a : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %gt = arith.cmpf ogt, %div, %f0.5 : f32
    %and = arith.andi %gt, %own_1 : i1
    %i1 = linalg.index 1 : index
    %cast = arith.index_cast %i1 : index to i32
    %select = arith.select %and, %cast, %c-1_i32 : i32
    linalg.yield %select : i32
  } -> tensor<?x4xi32>
  %y = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 4, slots = 4>
  %rows = moe.dispatch %x by %y : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  %outs = moe.experts %y rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %matmul_3 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_4 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_4 = linalg.matmul ins(%a, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_4 : tensor<?x16xf32>
  }
  %combined = moe.combine add %outs by %y weights(%scores : tensor<?x4xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 4> -> tensor<?x16xf32>
  return %combined, %ids : tensor<?x16xf32>, tensor<?x4xi32>
}
