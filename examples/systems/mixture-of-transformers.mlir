// Mixture-of-Transformers: all weights of a block (norms, projections, feed-forward)
// exist once for each modality; attention is over the whole mixed sequence.
//
// The routes are given: a token's type is its expert. One plan serves every bank of
// the block, so tokens are sorted by modality once.
//
// Source: Mixture-of-Transformers, A Sparse and Scalable Architecture for Multi-Modal
// Foundation Models; github.com/facebookresearch/Mixture-of-Transformers.

#i = affine_map<(i) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_i = affine_map<(i, j) -> (i)>
#ij_j = affine_map<(i, j) -> (j)>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs_t = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>

ml_program.global private @norm_in(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<3x16xf32>
ml_program.global private @qkv(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<3x16x48xf32>
ml_program.global private @o(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<3x16x16xf32>
ml_program.global private @norm_attention(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<3x16xf32>
ml_program.global private @up(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<3x16x24xf32>
ml_program.global private @down(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<3x24x16xf32>
ml_program.global private @norm_ffn(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<3x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %modality: tensor<?xi32> {moe.name = "modality", moe.dims = ["T"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.0625 = arith.constant 0.0625 : f32
  %f1.0e-5 = arith.constant 1.0e-5 : f32
  %f0.25 = arith.constant 0.25 : f32
  %f0xFF800000 = arith.constant 0xFF800000 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %norm_in = ml_program.global_load_const @norm_in : tensor<3x16xf32>
  %qkv = ml_program.global_load_const @qkv : tensor<3x16x48xf32>
  %o = ml_program.global_load_const @o : tensor<3x16x16xf32>
  %norm_attention = ml_program.global_load_const @norm_attention : tensor<3x16xf32>
  %up = ml_program.global_load_const @up : tensor<3x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<3x24x16xf32>
  %norm_ffn = ml_program.global_load_const @norm_ffn : tensor<3x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %ids = tensor.expand_shape %modality [[0, 1]] output_shape [%T, 1] : tensor<?xi32> into tensor<?x1xi32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 3, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%norm_in, %qkv : tensor<3x16xf32>, tensor<3x16x48xf32>) : !moe.plan<experts = 3, slots = 1> -> tensor<?x48xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gain: tensor<16xf32>, %w: tensor<16x48xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty = tensor.empty(%count) : tensor<?xf32>
    %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
    %sum = linalg.reduce { arith.addf } ins(%x_1 : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
    %mean = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
    ^bb0(%sum_1: f32, %out: f32):
      %mul = arith.mulf %sum_1, %f0.0625 : f32
      linalg.yield %mul : f32
    } -> tensor<?xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x16xf32>
    %centred = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%x_1, %mean : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_1 : tensor<?x16xf32>) {
    ^bb0(%x_2: f32, %mean_1: f32, %out: f32):
      %sub = arith.subf %x_2, %mean_1 : f32
      linalg.yield %sub : f32
    } -> tensor<?x16xf32>
    %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred : tensor<?x16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
    ^bb0(%c: f32, %out: f32):
      %mul = arith.mulf %c, %c : f32
      linalg.yield %mul : f32
    } -> tensor<?x16xf32>
    %squares = linalg.reduce { arith.addf } ins(%map : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
    %map_1 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares, %gain : tensor<?x16xf32>, tensor<?xf32>, tensor<16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
    ^bb0(%c: f32, %sum_1: f32, %gain_1: f32, %out: f32):
      %mul = arith.mulf %sum_1, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %c, %rsqrt : f32
      %mul_2 = arith.mulf %mul_1, %gain_1 : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x48xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x48xf32>) -> tensor<?x48xf32>
    %matmul = linalg.matmul ins(%map_1, %w : tensor<?x16xf32>, tensor<16x48xf32>) outs(%zero_1 : tensor<?x48xf32>) -> tensor<?x48xf32>
    moe.yield %matmul : tensor<?x48xf32>
  }
  %empty = tensor.empty(%T) : tensor<?x48xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x48xf32>) -> tensor<?x48xf32>
  %combined = moe.combine add %outs by %plan init(%zero : tensor<?x48xf32>) : tensor<?x48xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x48xf32>
  %slice = tensor.extract_slice %combined[0, 0] [%T, 16] [1, 1] : tensor<?x48xf32> to tensor<?x16xf32>
  %slice_1 = tensor.extract_slice %combined[0, 16] [%T, 16] [1, 1] : tensor<?x48xf32> to tensor<?x16xf32>
  %slice_2 = tensor.extract_slice %combined[0, 32] [%T, 16] [1, 1] : tensor<?x48xf32> to tensor<?x16xf32>
  %empty_1 = tensor.empty(%T, %T) : tensor<?x?xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul indexing_maps = [#lhs, #rhs_t, #acc] ins(%slice, %slice_1 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%zero_1 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %map = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<?x?xf32>) outs(%empty_1 : tensor<?x?xf32>) {
  ^bb0(%s_1: f32, %out: f32):
    %i0 = linalg.index 0 : index
    %i1 = linalg.index 1 : index
    %ge = arith.cmpi sge, %i0, %i1 : index
    %mul = arith.mulf %s_1, %f0.25 : f32
    %select = arith.select %ge, %mul, %f0xFF800000 : f32
    linalg.yield %select : f32
  } -> tensor<?x?xf32>
  %softmax = linalg.softmax dimension(1) ins(%map : tensor<?x?xf32>) outs(%empty_1 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %attention = linalg.matmul ins(%softmax, %slice_2 : tensor<?x?xf32>, tensor<?x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %rows_1 = moe.dispatch %attention by %plan : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan rows(%rows_1 : tensor<?x16xf32>) params(%o, %norm_attention : tensor<3x16x16xf32>, tensor<3x16xf32>) : !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%a: tensor<?x16xf32>, %w: tensor<16x16xf32>, %gain: tensor<16xf32>, %expert: index):
    %count = tensor.dim %a, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul = linalg.matmul ins(%a, %w : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %empty_4 = tensor.empty(%count) : tensor<?xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?xf32>) -> tensor<?xf32>
    %sum = linalg.reduce { arith.addf } ins(%matmul : tensor<?x16xf32>) outs(%zero_4 : tensor<?xf32>) dimensions = [1]
    %mean = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<?xf32>) outs(%empty_4 : tensor<?xf32>) {
    ^bb0(%sum_1: f32, %out: f32):
      %mul = arith.mulf %sum_1, %f0.0625 : f32
      linalg.yield %mul : f32
    } -> tensor<?xf32>
    %centred = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %mean : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_3 : tensor<?x16xf32>) {
    ^bb0(%x_1: f32, %mean_1: f32, %out: f32):
      %sub = arith.subf %x_1, %mean_1 : f32
      linalg.yield %sub : f32
    } -> tensor<?x16xf32>
    %map_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred : tensor<?x16xf32>) outs(%empty_3 : tensor<?x16xf32>) {
    ^bb0(%c: f32, %out: f32):
      %mul = arith.mulf %c, %c : f32
      linalg.yield %mul : f32
    } -> tensor<?x16xf32>
    %squares = linalg.reduce { arith.addf } ins(%map_1 : tensor<?x16xf32>) outs(%zero_4 : tensor<?xf32>) dimensions = [1]
    %map_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares, %gain : tensor<?x16xf32>, tensor<?xf32>, tensor<16xf32>) outs(%empty_3 : tensor<?x16xf32>) {
    ^bb0(%c: f32, %sum_1: f32, %gain_1: f32, %out: f32):
      %mul = arith.mulf %sum_1, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %c, %rsqrt : f32
      %mul_2 = arith.mulf %mul_1, %gain_1 : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x16xf32>
    moe.yield %map_2 : tensor<?x16xf32>
  }
  %combined_1 = moe.combine add %outs_1 by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %rows_2 = moe.dispatch %combined_1 by %plan : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  %outs_2 = moe.experts %plan rows(%rows_2 : tensor<?x16xf32>) params(%up, %down, %norm_ffn : tensor<3x16x24xf32>, tensor<3x24x16xf32>, tensor<3x16xf32>) : !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32> {
  ^bb0(%h: tensor<?x16xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %gain: tensor<16xf32>, %expert: index):
    %count = tensor.dim %h, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul ins(%h, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %empty_5 = tensor.empty(%count) : tensor<?xf32>
    %zero_5 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?xf32>) -> tensor<?xf32>
    %sum = linalg.reduce { arith.addf } ins(%matmul_1 : tensor<?x16xf32>) outs(%zero_5 : tensor<?xf32>) dimensions = [1]
    %mean = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]} ins(%sum : tensor<?xf32>) outs(%empty_5 : tensor<?xf32>) {
    ^bb0(%sum_1: f32, %out: f32):
      %mul = arith.mulf %sum_1, %f0.0625 : f32
      linalg.yield %mul : f32
    } -> tensor<?xf32>
    %centred = linalg.generic {indexing_maps = [#ij, #ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %mean : tensor<?x16xf32>, tensor<?xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%x_1: f32, %mean_1: f32, %out: f32):
      %sub = arith.subf %x_1, %mean_1 : f32
      linalg.yield %sub : f32
    } -> tensor<?x16xf32>
    %map_1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred : tensor<?x16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%c: f32, %out: f32):
      %mul = arith.mulf %c, %c : f32
      linalg.yield %mul : f32
    } -> tensor<?x16xf32>
    %squares = linalg.reduce { arith.addf } ins(%map_1 : tensor<?x16xf32>) outs(%zero_5 : tensor<?xf32>) dimensions = [1]
    %map_2 = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares, %gain : tensor<?x16xf32>, tensor<?xf32>, tensor<16xf32>) outs(%empty_4 : tensor<?x16xf32>) {
    ^bb0(%c: f32, %sum_1: f32, %gain_1: f32, %out: f32):
      %mul = arith.mulf %sum_1, %f0.0625 : f32
      %add = arith.addf %mul, %f1.0e-5 : f32
      %rsqrt = math.rsqrt %add : f32
      %mul_1 = arith.mulf %c, %rsqrt : f32
      %mul_2 = arith.mulf %mul_1, %gain_1 : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x16xf32>
    moe.yield %map_2 : tensor<?x16xf32>
  }
  %combined_2 = moe.combine add %outs_2 by %plan init(%combined_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 3, slots = 1> -> tensor<?x16xf32>
  return %combined_2 : tensor<?x16xf32>
}
