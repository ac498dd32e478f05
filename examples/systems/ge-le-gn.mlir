// GE/LE/GN: on a device, a small network (GN) decides
// for each sample whether the big global network (GE) or a small local one (LE)
// answers. Only the chosen one runs.
//
// The bank is heterogeneous: expert 0 is a convolution with a pooled classifier,
// expert 1 one linear layer. Samples are the tokens, images are their rows.
//
// Source: Mixture of Experts for low-cost customization of deep neural networks.

#ij = affine_map<(i, j) -> (i, j)>
#ijkl_ijk0 = affine_map<(i, j, k, l) -> (i, j, k, 0)>
#ijkl_l = affine_map<(i, j, k, l) -> (l)>
#ijkl = affine_map<(i, j, k, l) -> (i, j, k, l)>

ml_program.global private @gate.w1(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<64x6xf32>
ml_program.global private @gate.w2(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<6x2xf32>
ml_program.global private @big.kernel(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<1x3x3x4xf32>
ml_program.global private @big.classes(#moe.random<seed = 4, std = 0.1 : f64>) : tensor<1x144x5xf32>
ml_program.global private @small.linear(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<1x64x5xf32>

func.func @main(%x: tensor<?x8x8xf32> {moe.name = "x", moe.dims = ["B", "8", "8"]})
    -> (tensor<?x5xf32> {moe.name = "y", moe.dims = ["B", "5"]},
        tensor<?x1xi32> {moe.name = "ids", moe.dims = ["B", "1"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %gate.w1 = ml_program.global_load_const @gate.w1 : tensor<64x6xf32>
  %gate.w2 = ml_program.global_load_const @gate.w2 : tensor<6x2xf32>
  %big.kernel = ml_program.global_load_const @big.kernel : tensor<1x3x3x4xf32>
  %big.classes = ml_program.global_load_const @big.classes : tensor<1x144x5xf32>
  %small.linear = ml_program.global_load_const @small.linear : tensor<1x64x5xf32>
  %B = tensor.dim %x, %c0 : tensor<?x8x8xf32>
  %collapsed = tensor.collapse_shape %x [[0], [1, 2]] : tensor<?x8x8xf32> into tensor<?x64xf32>
  %empty = tensor.empty(%B) : tensor<?x6xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %matmul = linalg.matmul ins(%collapsed, %gate.w1 : tensor<?x64xf32>, tensor<64x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %relu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%a: f32, %out: f32):
    %max = arith.maximumf %a, %f0.0 : f32
    linalg.yield %max : f32
  } -> tensor<?x6xf32>
  %empty_1 = tensor.empty(%B) : tensor<?x2xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %s = linalg.matmul ins(%relu, %gate.w2 : tensor<?x6xf32>, tensor<6x2xf32>) outs(%zero_1 : tensor<?x2xf32>) -> tensor<?x2xf32>
  %ids = moe.select #moe.top_k<1> scores(%s : tensor<?x2xf32>) -> tensor<?x1xi32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 2, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x8x8xf32>, !moe.plan<experts = 2, slots = 1> -> tensor<?x8x8xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x8x8xf32>) params(%big.kernel, %big.classes, %small.linear : tensor<1x3x3x4xf32>, tensor<1x144x5xf32>, tensor<1x64x5xf32>) members = [0, 1] slot = [0, 0] : !moe.plan<experts = 2, slots = 1> -> tensor<?x5xf32> {
  ^bb0(%x_1: tensor<?x8x8xf32>, %kernel: tensor<3x3x4xf32>, %classes: tensor<144x5xf32>, %slice: tensor<64x5xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x8x8xf32>
    %slice_1 = tensor.extract_slice %x_1[0, 0, 0] [%count, 6, 6] [1, 1, 1] : tensor<?x8x8xf32> to tensor<?x6x6xf32>
    %window = tensor.expand_shape %slice_1 [[0], [1], [2, 3]] output_shape [%count, 6, 6, 1] : tensor<?x6x6xf32> into tensor<?x6x6x1xf32>
    %slice_2 = tensor.extract_slice %kernel[0, 0, 0] [1, 1, 4] [1, 1, 1] : tensor<3x3x4xf32> to tensor<4xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x6x6x4xf32>
    %term = linalg.generic {indexing_maps = [#ijkl_ijk0, #ijkl_l, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%window, %slice_2 : tensor<?x6x6x1xf32>, tensor<4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%x_2: f32, %w: f32, %out: f32):
      %mul = arith.mulf %x_2, %w : f32
      linalg.yield %mul : f32
    } -> tensor<?x6x6x4xf32>
    %slice_3 = tensor.extract_slice %x_1[0, 0, 1] [%count, 6, 6] [1, 1, 1] : tensor<?x8x8xf32> to tensor<?x6x6xf32>
    %window_1 = tensor.expand_shape %slice_3 [[0], [1], [2, 3]] output_shape [%count, 6, 6, 1] : tensor<?x6x6xf32> into tensor<?x6x6x1xf32>
    %slice_4 = tensor.extract_slice %kernel[0, 1, 0] [1, 1, 4] [1, 1, 1] : tensor<3x3x4xf32> to tensor<4xf32>
    %term_1 = linalg.generic {indexing_maps = [#ijkl_ijk0, #ijkl_l, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%window_1, %slice_4 : tensor<?x6x6x1xf32>, tensor<4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%x_2: f32, %w: f32, %out: f32):
      %mul = arith.mulf %x_2, %w : f32
      linalg.yield %mul : f32
    } -> tensor<?x6x6x4xf32>
    %out = linalg.generic {indexing_maps = [#ijkl, #ijkl, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%term, %term_1 : tensor<?x6x6x4xf32>, tensor<?x6x6x4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%a: f32, %b: f32, %out_1: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x6x6x4xf32>
    %slice_5 = tensor.extract_slice %x_1[0, 0, 2] [%count, 6, 6] [1, 1, 1] : tensor<?x8x8xf32> to tensor<?x6x6xf32>
    %window_2 = tensor.expand_shape %slice_5 [[0], [1], [2, 3]] output_shape [%count, 6, 6, 1] : tensor<?x6x6xf32> into tensor<?x6x6x1xf32>
    %slice_6 = tensor.extract_slice %kernel[0, 2, 0] [1, 1, 4] [1, 1, 1] : tensor<3x3x4xf32> to tensor<4xf32>
    %term_2 = linalg.generic {indexing_maps = [#ijkl_ijk0, #ijkl_l, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%window_2, %slice_6 : tensor<?x6x6x1xf32>, tensor<4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%x_2: f32, %w: f32, %out_1: f32):
      %mul = arith.mulf %x_2, %w : f32
      linalg.yield %mul : f32
    } -> tensor<?x6x6x4xf32>
    %out_1 = linalg.generic {indexing_maps = [#ijkl, #ijkl, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%out, %term_2 : tensor<?x6x6x4xf32>, tensor<?x6x6x4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%a: f32, %b: f32, %out_2: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x6x6x4xf32>
    %slice_7 = tensor.extract_slice %x_1[0, 1, 0] [%count, 6, 6] [1, 1, 1] : tensor<?x8x8xf32> to tensor<?x6x6xf32>
    %window_3 = tensor.expand_shape %slice_7 [[0], [1], [2, 3]] output_shape [%count, 6, 6, 1] : tensor<?x6x6xf32> into tensor<?x6x6x1xf32>
    %slice_8 = tensor.extract_slice %kernel[1, 0, 0] [1, 1, 4] [1, 1, 1] : tensor<3x3x4xf32> to tensor<4xf32>
    %term_3 = linalg.generic {indexing_maps = [#ijkl_ijk0, #ijkl_l, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%window_3, %slice_8 : tensor<?x6x6x1xf32>, tensor<4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%x_2: f32, %w: f32, %out_2: f32):
      %mul = arith.mulf %x_2, %w : f32
      linalg.yield %mul : f32
    } -> tensor<?x6x6x4xf32>
    %out_2 = linalg.generic {indexing_maps = [#ijkl, #ijkl, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%out_1, %term_3 : tensor<?x6x6x4xf32>, tensor<?x6x6x4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%a: f32, %b: f32, %out_3: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x6x6x4xf32>
    %slice_9 = tensor.extract_slice %x_1[0, 1, 1] [%count, 6, 6] [1, 1, 1] : tensor<?x8x8xf32> to tensor<?x6x6xf32>
    %window_4 = tensor.expand_shape %slice_9 [[0], [1], [2, 3]] output_shape [%count, 6, 6, 1] : tensor<?x6x6xf32> into tensor<?x6x6x1xf32>
    %slice_10 = tensor.extract_slice %kernel[1, 1, 0] [1, 1, 4] [1, 1, 1] : tensor<3x3x4xf32> to tensor<4xf32>
    %term_4 = linalg.generic {indexing_maps = [#ijkl_ijk0, #ijkl_l, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%window_4, %slice_10 : tensor<?x6x6x1xf32>, tensor<4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%x_2: f32, %w: f32, %out_3: f32):
      %mul = arith.mulf %x_2, %w : f32
      linalg.yield %mul : f32
    } -> tensor<?x6x6x4xf32>
    %out_3 = linalg.generic {indexing_maps = [#ijkl, #ijkl, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%out_2, %term_4 : tensor<?x6x6x4xf32>, tensor<?x6x6x4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%a: f32, %b: f32, %out_4: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x6x6x4xf32>
    %slice_11 = tensor.extract_slice %x_1[0, 1, 2] [%count, 6, 6] [1, 1, 1] : tensor<?x8x8xf32> to tensor<?x6x6xf32>
    %window_5 = tensor.expand_shape %slice_11 [[0], [1], [2, 3]] output_shape [%count, 6, 6, 1] : tensor<?x6x6xf32> into tensor<?x6x6x1xf32>
    %slice_12 = tensor.extract_slice %kernel[1, 2, 0] [1, 1, 4] [1, 1, 1] : tensor<3x3x4xf32> to tensor<4xf32>
    %term_5 = linalg.generic {indexing_maps = [#ijkl_ijk0, #ijkl_l, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%window_5, %slice_12 : tensor<?x6x6x1xf32>, tensor<4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%x_2: f32, %w: f32, %out_4: f32):
      %mul = arith.mulf %x_2, %w : f32
      linalg.yield %mul : f32
    } -> tensor<?x6x6x4xf32>
    %out_4 = linalg.generic {indexing_maps = [#ijkl, #ijkl, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%out_3, %term_5 : tensor<?x6x6x4xf32>, tensor<?x6x6x4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%a: f32, %b: f32, %out_5: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x6x6x4xf32>
    %slice_13 = tensor.extract_slice %x_1[0, 2, 0] [%count, 6, 6] [1, 1, 1] : tensor<?x8x8xf32> to tensor<?x6x6xf32>
    %window_6 = tensor.expand_shape %slice_13 [[0], [1], [2, 3]] output_shape [%count, 6, 6, 1] : tensor<?x6x6xf32> into tensor<?x6x6x1xf32>
    %slice_14 = tensor.extract_slice %kernel[2, 0, 0] [1, 1, 4] [1, 1, 1] : tensor<3x3x4xf32> to tensor<4xf32>
    %term_6 = linalg.generic {indexing_maps = [#ijkl_ijk0, #ijkl_l, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%window_6, %slice_14 : tensor<?x6x6x1xf32>, tensor<4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%x_2: f32, %w: f32, %out_5: f32):
      %mul = arith.mulf %x_2, %w : f32
      linalg.yield %mul : f32
    } -> tensor<?x6x6x4xf32>
    %out_5 = linalg.generic {indexing_maps = [#ijkl, #ijkl, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%out_4, %term_6 : tensor<?x6x6x4xf32>, tensor<?x6x6x4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%a: f32, %b: f32, %out_6: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x6x6x4xf32>
    %slice_15 = tensor.extract_slice %x_1[0, 2, 1] [%count, 6, 6] [1, 1, 1] : tensor<?x8x8xf32> to tensor<?x6x6xf32>
    %window_7 = tensor.expand_shape %slice_15 [[0], [1], [2, 3]] output_shape [%count, 6, 6, 1] : tensor<?x6x6xf32> into tensor<?x6x6x1xf32>
    %slice_16 = tensor.extract_slice %kernel[2, 1, 0] [1, 1, 4] [1, 1, 1] : tensor<3x3x4xf32> to tensor<4xf32>
    %term_7 = linalg.generic {indexing_maps = [#ijkl_ijk0, #ijkl_l, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%window_7, %slice_16 : tensor<?x6x6x1xf32>, tensor<4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%x_2: f32, %w: f32, %out_6: f32):
      %mul = arith.mulf %x_2, %w : f32
      linalg.yield %mul : f32
    } -> tensor<?x6x6x4xf32>
    %out_6 = linalg.generic {indexing_maps = [#ijkl, #ijkl, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%out_5, %term_7 : tensor<?x6x6x4xf32>, tensor<?x6x6x4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%a: f32, %b: f32, %out_7: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x6x6x4xf32>
    %slice_17 = tensor.extract_slice %x_1[0, 2, 2] [%count, 6, 6] [1, 1, 1] : tensor<?x8x8xf32> to tensor<?x6x6xf32>
    %window_8 = tensor.expand_shape %slice_17 [[0], [1], [2, 3]] output_shape [%count, 6, 6, 1] : tensor<?x6x6xf32> into tensor<?x6x6x1xf32>
    %slice_18 = tensor.extract_slice %kernel[2, 2, 0] [1, 1, 4] [1, 1, 1] : tensor<3x3x4xf32> to tensor<4xf32>
    %term_8 = linalg.generic {indexing_maps = [#ijkl_ijk0, #ijkl_l, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%window_8, %slice_18 : tensor<?x6x6x1xf32>, tensor<4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%x_2: f32, %w: f32, %out_7: f32):
      %mul = arith.mulf %x_2, %w : f32
      linalg.yield %mul : f32
    } -> tensor<?x6x6x4xf32>
    %out_7 = linalg.generic {indexing_maps = [#ijkl, #ijkl, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%out_6, %term_8 : tensor<?x6x6x4xf32>, tensor<?x6x6x4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%a: f32, %b: f32, %out_8: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x6x6x4xf32>
    %relu_1 = linalg.generic {indexing_maps = [#ijkl, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%out_7 : tensor<?x6x6x4xf32>) outs(%empty_2 : tensor<?x6x6x4xf32>) {
    ^bb0(%a: f32, %out_8: f32):
      %max = arith.maximumf %a, %f0.0 : f32
      linalg.yield %max : f32
    } -> tensor<?x6x6x4xf32>
    %features = tensor.collapse_shape %relu_1 [[0], [1, 2, 3]] : tensor<?x6x6x4xf32> into tensor<?x144xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x5xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x5xf32>) -> tensor<?x5xf32>
    %matmul_1 = linalg.matmul ins(%features, %classes : tensor<?x144xf32>, tensor<144x5xf32>) outs(%zero_2 : tensor<?x5xf32>) -> tensor<?x5xf32>
    moe.yield %matmul_1 : tensor<?x5xf32>
  }, {
  ^bb0(%x_1: tensor<?x8x8xf32>, %kernel: tensor<3x3x4xf32>, %classes: tensor<144x5xf32>, %linear: tensor<64x5xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x8x8xf32>
    %collapsed_1 = tensor.collapse_shape %x_1 [[0], [1, 2]] : tensor<?x8x8xf32> into tensor<?x64xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x5xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x5xf32>) -> tensor<?x5xf32>
    %matmul_1 = linalg.matmul ins(%collapsed_1, %linear : tensor<?x64xf32>, tensor<64x5xf32>) outs(%zero_2 : tensor<?x5xf32>) -> tensor<?x5xf32>
    moe.yield %matmul_1 : tensor<?x5xf32>
  }
  %empty_2 = tensor.empty(%B) : tensor<?x5xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x5xf32>) -> tensor<?x5xf32>
  %y = moe.combine add %outs by %plan init(%zero_2 : tensor<?x5xf32>) : tensor<?x5xf32>, !moe.plan<experts = 2, slots = 1> -> tensor<?x5xf32>
  return %y, %ids : tensor<?x5xf32>, tensor<?x1xi32>
}
