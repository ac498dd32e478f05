// MoDE: a diffusion policy whose router sees nothing but the noise level. All tokens of
// a step have the same two experts, so that for each of the 4 levels both can be fused
// into one network once: @main routes, @fused reads the level's network from a table.
//
// The fused network has the hidden units of both experts side by side, their weights in
// its last matrix. The tables are parameters that a packer computes.
//
// Source: Efficient Diffusion Transformer Policies with Mixture of Expert Denoisers;
// github.com/intuitive-robots/MoDE_Diffusion_Policy.

#ij_i0 = affine_map<(i, j) -> (i, 0)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_0j = affine_map<(i, j) -> (0, j)>

ml_program.global private @noise(#moe.random<seed = 1, std = 1.0 : f64>) : tensor<4x8xf32>
ml_program.global private @router.w1(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<8x12xf32>
ml_program.global private @router.w2(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<12x4xf32>
ml_program.global private @gate(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @up(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<4x16x24xf32>
ml_program.global private @down(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<4x24x16xf32>
ml_program.global private @fused.gate(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<4x16x48xf32>
ml_program.global private @fused.up(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<4x16x48xf32>
ml_program.global private @fused.down(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<4x48x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %level: tensor<1xi32> {moe.name = "level", moe.dims = ["1"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<1x2xi32> {moe.name = "ids", moe.dims = ["1", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %noise = ml_program.global_load_const @noise : tensor<4x8xf32>
  %router.w1 = ml_program.global_load_const @router.w1 : tensor<8x12xf32>
  %router.w2 = ml_program.global_load_const @router.w2 : tensor<12x4xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<4x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %embedding = tensor.expand_shape %level [[0, 1]] output_shape [1, 1] : tensor<1xi32> into tensor<1x1xi32>
  %empty = tensor.empty() : tensor<1x8xf32>
  %embedding_1 = linalg.generic {indexing_maps = [#ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%embedding : tensor<1x1xi32>) outs(%empty : tensor<1x8xf32>) {
  ^bb0(%id: i32, %out: f32):
    %cast = arith.index_cast %id : i32 to index
    %i1 = linalg.index 1 : index
    %element = tensor.extract %noise[%cast, %i1] : tensor<4x8xf32>
    linalg.yield %element : f32
  } -> tensor<1x8xf32>
  %empty_1 = tensor.empty() : tensor<1x12xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<1x12xf32>) -> tensor<1x12xf32>
  %matmul = linalg.matmul ins(%embedding_1, %router.w1 : tensor<1x8xf32>, tensor<8x12xf32>) outs(%zero : tensor<1x12xf32>) -> tensor<1x12xf32>
  %silu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<1x12xf32>) outs(%empty_1 : tensor<1x12xf32>) {
  ^bb0(%a: f32, %out: f32):
    %neg = arith.negf %a : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %a, %div : f32
    linalg.yield %mul : f32
  } -> tensor<1x12xf32>
  %empty_2 = tensor.empty() : tensor<1x4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<1x4xf32>) -> tensor<1x4xf32>
  %s = linalg.matmul ins(%silu, %router.w2 : tensor<1x12xf32>, tensor<12x4xf32>) outs(%zero_1 : tensor<1x4xf32>) -> tensor<1x4xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<1x4xf32>) outs(%empty_2 : tensor<1x4xf32>) -> tensor<1x4xf32>
  %common = moe.select #moe.top_k<2> scores(%p : tensor<1x4xf32>) -> tensor<1x2xi32>
  %share = moe.weigh sum %p, %common : tensor<1x4xf32>, tensor<1x2xi32> -> tensor<1x2xf32>
  %slice = tensor.extract_slice %x[0, 0] [%T, 2] [1, 1] : tensor<?x16xf32> to tensor<?x2xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x2xi32>
  %ids = linalg.generic {indexing_maps = [#ij, #ij_0j, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice, %common : tensor<?x2xf32>, tensor<1x2xi32>) outs(%empty_3 : tensor<?x2xi32>) {
  ^bb0(%x_1: f32, %id: i32, %out: i32):
    linalg.yield %id : i32
  } -> tensor<?x2xi32>
  %slice_1 = tensor.extract_slice %x[0, 0] [%T, 2] [1, 1] : tensor<?x16xf32> to tensor<?x2xf32>
  %empty_4 = tensor.empty(%T) : tensor<?x2xf32>
  %w = linalg.generic {indexing_maps = [#ij, #ij_0j, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice_1, %share : tensor<?x2xf32>, tensor<1x2xf32>) outs(%empty_4 : tensor<?x2xf32>) {
  ^bb0(%x_1: f32, %share_1: f32, %out: f32):
    linalg.yield %share_1 : f32
  } -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<4x16x24xf32>, tensor<4x16x24xf32>, tensor<4x24x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_5 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_6 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_6 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%a, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %y, %common : tensor<?x16xf32>, tensor<1x2xi32>
}

func.func @fused(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %level: tensor<1xi32> {moe.name = "level", moe.dims = ["1"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %fused.gate = ml_program.global_load_const @fused.gate : tensor<4x16x48xf32>
  %fused.up = ml_program.global_load_const @fused.up : tensor<4x16x48xf32>
  %fused.down = ml_program.global_load_const @fused.down : tensor<4x48x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %level_1 = tensor.extract %level[%c0] : tensor<1xi32>
  %y = arith.index_cast %level_1 : i32 to index
  %y_1 = tensor.extract_slice %fused.gate[%y, 0, 0] [1, 16, 48] [1, 1, 1] : tensor<4x16x48xf32> to tensor<16x48xf32>
  %cast = arith.index_cast %level_1 : i32 to index
  %slice = tensor.extract_slice %fused.up[%cast, 0, 0] [1, 16, 48] [1, 1, 1] : tensor<4x16x48xf32> to tensor<16x48xf32>
  %cast_1 = arith.index_cast %level_1 : i32 to index
  %slice_1 = tensor.extract_slice %fused.down[%cast_1, 0, 0] [1, 48, 16] [1, 1, 1] : tensor<4x48x16xf32> to tensor<48x16xf32>
  %empty = tensor.empty(%T) : tensor<?x48xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x48xf32>) -> tensor<?x48xf32>
  %matmul = linalg.matmul ins(%x, %y_1 : tensor<?x16xf32>, tensor<16x48xf32>) outs(%zero : tensor<?x48xf32>) -> tensor<?x48xf32>
  %matmul_1 = linalg.matmul ins(%x, %slice : tensor<?x16xf32>, tensor<16x48xf32>) outs(%zero : tensor<?x48xf32>) -> tensor<?x48xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x48xf32>, tensor<?x48xf32>) outs(%empty : tensor<?x48xf32>) {
  ^bb0(%gate: f32, %up: f32, %out: f32):
    %neg = arith.negf %gate : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate, %div : f32
    %mul_1 = arith.mulf %mul, %up : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x48xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%a, %slice_1 : tensor<?x48xf32>, tensor<48x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y_2 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %matmul_2 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %b: f32, %out: f32):
    %add = arith.addf %a_1, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  return %y_2 : tensor<?x16xf32>
}
