// UniMoE-Audio: a token takes as many experts as it needs to reach a probability of P;
// among them may be null experts. The selected ones share their part of the weight by a
// sequential softmax; how large that part is, against the shared expert's, decides a
// softmax over the selected and the shared logits together.
//
// @main drops nothing; in @by_position and @by_probability an expert takes ceil(cf T/E)
// tokens, the first ones or the likeliest. Null experts have no region and no rows that
// cost anything.
//
// Source: UniMoE-Audio, Unified Speech and Music Generation with Dynamic-Capacity MoE;
// UniMoE_Audio_core.py of github.com/HITsz-TMG.

#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x6xf32>
ml_program.global private @shared.router(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x1xf32>
ml_program.global private @shared.gate(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @shared.up(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @shared.down(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @gate(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @up(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @down(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<4x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x6xi32> {moe.name = "ids", moe.dims = ["T", "6"]},
        tensor<?x6xf32> {moe.name = "w", moe.dims = ["T", "6"]},
        tensor<?x1xf32> {moe.name = "shared_w", moe.dims = ["T", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x6xf32>
  %shared.router = ml_program.global_load_const @shared.router : tensor<16x1xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<16x24xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<16x24xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<24x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x6xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x1xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x1xf32>) -> tensor<?x1xf32>
  %shared_s = linalg.matmul ins(%x, %shared.router : tensor<?x16xf32>, tensor<16x1xf32>) outs(%zero_1 : tensor<?x1xf32>) -> tensor<?x1xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids = moe.select #moe.top_p<0.6, inclusive, min = 1, max = 6> scores(%p : tensor<?x6xf32>) -> tensor<?x6xi32>
  %multiplier = moe.weigh sparse_mixer %s, %ids {jitter = 0.1 : f64} : tensor<?x6xf32>, tensor<?x6xi32> -> tensor<?x6xf32>
  %logits = moe.weigh none %s, %ids {fill = 0xFFF0000000000000 : f64} : tensor<?x6xf32>, tensor<?x6xi32> -> tensor<?x6xf32>
  %concat = tensor.concat dim(1) %logits, %shared_s : (tensor<?x6xf32>, tensor<?x1xf32>) -> tensor<?x7xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x7xf32>
  %parts = linalg.softmax dimension(1) ins(%concat : tensor<?x7xf32>) outs(%empty_2 : tensor<?x7xf32>) -> tensor<?x7xf32>
  %slice = tensor.extract_slice %parts[0, 0] [%T, 6] [1, 1] : tensor<?x7xf32> to tensor<?x6xf32>
  %empty_3 = tensor.empty(%T) : tensor<?xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
  %dynamic = linalg.reduce { arith.addf } ins(%slice : tensor<?x6xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
  %total = linalg.reduce { arith.addf } ins(%multiplier : tensor<?x6xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
  %w = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%multiplier, %total, %dynamic : tensor<?x6xf32>, tensor<?xf32>, tensor<?xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%m: f32, %total_1: f32, %part: f32, %out: f32):
    %div = arith.divf %m, %total_1 : f32
    %mul = arith.mulf %div, %part : f32
    linalg.yield %mul : f32
  } -> tensor<?x6xf32>
  %shared_w = tensor.extract_slice %parts[0, 6] [%T, 1] [1, 1] : tensor<?x7xf32> to tensor<?x1xf32>
  %plan = moe.plan %ids : tensor<?x6xi32> -> !moe.plan<experts = 6, slots = 6>
  %empty_4 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%x, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_4 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %empty_5 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%a, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) members = [0, 0, 0, 0, -1, -1] slot = [0, 1, 2, 3, 0, 0] : !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3, %matmul_4 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_6 : tensor<?x24xf32>) {
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
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_5 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_5 : tensor<?x16xf32>
  }
  %map = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %shared_w : tensor<?x16xf32>, tensor<?x1xf32>) outs(%empty_5 : tensor<?x16xf32>) {
  ^bb0(%y: f32, %w_1: f32, %out: f32):
    %mul = arith.mulf %y, %w_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x6xf32>) init(%map : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32>
  return %y, %ids, %w, %shared_w : tensor<?x16xf32>, tensor<?x6xi32>, tensor<?x6xf32>, tensor<?x1xf32>
}

func.func @by_position(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x6xi32> {moe.name = "ids", moe.dims = ["T", "6"]},
        tensor<?x6xf32> {moe.name = "w", moe.dims = ["T", "6"]},
        tensor<?x1xf32> {moe.name = "shared_w", moe.dims = ["T", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.16666666666666666 = arith.constant 0.16666666666666666 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x6xf32>
  %shared.router = ml_program.global_load_const @shared.router : tensor<16x1xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<16x24xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<16x24xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<24x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x6xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x1xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x1xf32>) -> tensor<?x1xf32>
  %shared_s = linalg.matmul ins(%x, %shared.router : tensor<?x16xf32>, tensor<16x1xf32>) outs(%zero_1 : tensor<?x1xf32>) -> tensor<?x1xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids = moe.select #moe.top_p<0.6, inclusive, min = 1, max = 6> scores(%p : tensor<?x6xf32>) -> tensor<?x6xi32>
  %multiplier = moe.weigh sparse_mixer %s, %ids {jitter = 0.1 : f64} : tensor<?x6xf32>, tensor<?x6xi32> -> tensor<?x6xf32>
  %logits = moe.weigh none %s, %ids {fill = 0xFFF0000000000000 : f64} : tensor<?x6xf32>, tensor<?x6xi32> -> tensor<?x6xf32>
  %concat = tensor.concat dim(1) %logits, %shared_s : (tensor<?x6xf32>, tensor<?x1xf32>) -> tensor<?x7xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x7xf32>
  %parts = linalg.softmax dimension(1) ins(%concat : tensor<?x7xf32>) outs(%empty_2 : tensor<?x7xf32>) -> tensor<?x7xf32>
  %slice = tensor.extract_slice %parts[0, 0] [%T, 6] [1, 1] : tensor<?x7xf32> to tensor<?x6xf32>
  %empty_3 = tensor.empty(%T) : tensor<?xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
  %dynamic = linalg.reduce { arith.addf } ins(%slice : tensor<?x6xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
  %total = linalg.reduce { arith.addf } ins(%multiplier : tensor<?x6xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
  %w = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%multiplier, %total, %dynamic : tensor<?x6xf32>, tensor<?xf32>, tensor<?xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%m: f32, %total_1: f32, %part: f32, %out: f32):
    %div = arith.divf %m, %total_1 : f32
    %mul = arith.mulf %div, %part : f32
    linalg.yield %mul : f32
  } -> tensor<?x6xf32>
  %shared_w = tensor.extract_slice %parts[0, 6] [%T, 1] [1, 1] : tensor<?x7xf32> to tensor<?x1xf32>
  %cast = arith.index_cast %T : index to i32
  %cast_1 = arith.sitofp %cast : i32 to f32
  %mul = arith.mulf %cast_1, %f0.16666666666666666 : f32
  %ceil = math.ceil %mul : f32
  %capacity = arith.fptosi %ceil : f32 to i32
  %kept = moe.limit token %ids capacity(%capacity) experts = 6 : tensor<?x6xi32> -> tensor<?x6xi32>
  %plan = moe.plan %kept : tensor<?x6xi32> -> !moe.plan<experts = 6, slots = 6>
  %empty_4 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%x, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_4 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul_1 = arith.mulf %gate_1, %div : f32
    %mul_2 = arith.mulf %mul_1, %up_1 : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %empty_5 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%a, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) members = [0, 0, 0, 0, -1, -1] slot = [0, 1, 2, 3, 0, 0] : !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3, %matmul_4 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_6 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul_1 = arith.mulf %gate_2, %div : f32
      %mul_2 = arith.mulf %mul_1, %up_2 : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_7 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_5 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_5 : tensor<?x16xf32>
  }
  %map = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %shared_w : tensor<?x16xf32>, tensor<?x1xf32>) outs(%empty_5 : tensor<?x16xf32>) {
  ^bb0(%y: f32, %w_1: f32, %out: f32):
    %mul_1 = arith.mulf %y, %w_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x6xf32>) init(%map : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32>
  return %y, %kept, %w, %shared_w : tensor<?x16xf32>, tensor<?x6xi32>, tensor<?x6xf32>, tensor<?x1xf32>
}

func.func @by_probability(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x6xi32> {moe.name = "ids", moe.dims = ["T", "6"]},
        tensor<?x6xf32> {moe.name = "w", moe.dims = ["T", "6"]},
        tensor<?x1xf32> {moe.name = "shared_w", moe.dims = ["T", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.16666666666666666 = arith.constant 0.16666666666666666 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x6xf32>
  %shared.router = ml_program.global_load_const @shared.router : tensor<16x1xf32>
  %shared.gate = ml_program.global_load_const @shared.gate : tensor<16x24xf32>
  %shared.up = ml_program.global_load_const @shared.up : tensor<16x24xf32>
  %shared.down = ml_program.global_load_const @shared.down : tensor<24x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x6xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x1xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x1xf32>) -> tensor<?x1xf32>
  %shared_s = linalg.matmul ins(%x, %shared.router : tensor<?x16xf32>, tensor<16x1xf32>) outs(%zero_1 : tensor<?x1xf32>) -> tensor<?x1xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids = moe.select #moe.top_p<0.6, inclusive, min = 1, max = 6> scores(%p : tensor<?x6xf32>) -> tensor<?x6xi32>
  %multiplier = moe.weigh sparse_mixer %s, %ids {jitter = 0.1 : f64} : tensor<?x6xf32>, tensor<?x6xi32> -> tensor<?x6xf32>
  %logits = moe.weigh none %s, %ids {fill = 0xFFF0000000000000 : f64} : tensor<?x6xf32>, tensor<?x6xi32> -> tensor<?x6xf32>
  %concat = tensor.concat dim(1) %logits, %shared_s : (tensor<?x6xf32>, tensor<?x1xf32>) -> tensor<?x7xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x7xf32>
  %parts = linalg.softmax dimension(1) ins(%concat : tensor<?x7xf32>) outs(%empty_2 : tensor<?x7xf32>) -> tensor<?x7xf32>
  %slice = tensor.extract_slice %parts[0, 0] [%T, 6] [1, 1] : tensor<?x7xf32> to tensor<?x6xf32>
  %empty_3 = tensor.empty(%T) : tensor<?xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?xf32>) -> tensor<?xf32>
  %dynamic = linalg.reduce { arith.addf } ins(%slice : tensor<?x6xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
  %total = linalg.reduce { arith.addf } ins(%multiplier : tensor<?x6xf32>) outs(%zero_2 : tensor<?xf32>) dimensions = [1]
  %w = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%multiplier, %total, %dynamic : tensor<?x6xf32>, tensor<?xf32>, tensor<?xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%m: f32, %total_1: f32, %part: f32, %out: f32):
    %div = arith.divf %m, %total_1 : f32
    %mul = arith.mulf %div, %part : f32
    linalg.yield %mul : f32
  } -> tensor<?x6xf32>
  %shared_w = tensor.extract_slice %parts[0, 6] [%T, 1] [1, 1] : tensor<?x7xf32> to tensor<?x1xf32>
  %cast = arith.index_cast %T : index to i32
  %cast_1 = arith.sitofp %cast : i32 to f32
  %mul = arith.mulf %cast_1, %f0.16666666666666666 : f32
  %ceil = math.ceil %mul : f32
  %capacity = arith.fptosi %ceil : f32 to i32
  %priority = moe.weigh none %p, %ids : tensor<?x6xf32>, tensor<?x6xi32> -> tensor<?x6xf32>
  %kept = moe.limit score %ids capacity(%capacity) priority(%priority : tensor<?x6xf32>) experts = 6 : tensor<?x6xi32> -> tensor<?x6xi32>
  %plan = moe.plan %kept : tensor<?x6xi32> -> !moe.plan<experts = 6, slots = 6>
  %empty_4 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%x, %shared.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %shared.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_4 : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul_1 = arith.mulf %gate_1, %div : f32
    %mul_2 = arith.mulf %mul_1, %up_1 : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x24xf32>
  %empty_5 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%a, %shared.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) members = [0, 0, 0, 0, -1, -1] slot = [0, 1, 2, 3, 0, 0] : !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3, %matmul_4 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_6 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul_1 = arith.mulf %gate_2, %div : f32
      %mul_2 = arith.mulf %mul_1, %up_2 : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_7 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_6 = linalg.fill ins(%f0.0 : f32) outs(%empty_7 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_5 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_5 : tensor<?x16xf32>
  }
  %map = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %shared_w : tensor<?x16xf32>, tensor<?x1xf32>) outs(%empty_5 : tensor<?x16xf32>) {
  ^bb0(%y: f32, %w_1: f32, %out: f32):
    %mul_1 = arith.mulf %y, %w_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x6xf32>) init(%map : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32>
  return %y, %kept, %w, %shared_w : tensor<?x16xf32>, tensor<?x6xi32>, tensor<?x6xf32>, tensor<?x1xf32>
}
