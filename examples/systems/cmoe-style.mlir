// CMoE: convolutional experts for underwater acoustic signals. A routing layer reads the
// mean of a feature map; the best 2 of 3 convolutions are mixed by a softmax and added
// to the map.
//
// The rows of the plan are whole maps [8, 8, 4], so that each convolution runs on those
// that selected it; its results are combined as vectors of 256. A 3 by 3 convolution is
// a product with nine shifted copies.
//
// Source: CMoE, a convolutional mixture-of-experts for underwater acoustic target
// recognition. Details of the network are not verified.

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>
#ijkl = affine_map<(i, j, k, l) -> (i, j, k, l)>

ml_program.global private @router(#moe.random<seed = 1, std = 1.0 : f64>) : tensor<4x3xf32>
ml_program.global private @kernel(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<3x3x3x4x4xf32>
ml_program.global private @bias(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<3x4xf32>

func.func @main(%x: tensor<?x8x8x4xf32> {moe.name = "x", moe.dims = ["B", "8", "8", "4"]})
    -> (tensor<?x8x8x4xf32> {moe.name = "y", moe.dims = ["B", "8", "8", "4"]},
        tensor<?x2xi32> {moe.name = "ids", moe.dims = ["B", "2"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.015625 = arith.constant 0.015625 : f32
  %c8 = arith.constant 8 : index
  %router = ml_program.global_load_const @router : tensor<4x3xf32>
  %kernel = ml_program.global_load_const @kernel : tensor<3x3x3x4x4xf32>
  %bias = ml_program.global_load_const @bias : tensor<3x4xf32>
  %B = tensor.dim %x, %c0 : tensor<?x8x8x4xf32>
  %collapsed = tensor.collapse_shape %x [[0], [1, 2], [3]] : tensor<?x8x8x4xf32> into tensor<?x64x4xf32>
  %empty = tensor.empty(%B) : tensor<?x4xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  %sum = linalg.reduce { arith.addf } ins(%collapsed : tensor<?x64x4xf32>) outs(%zero : tensor<?x4xf32>) dimensions = [1]
  %pooled = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.015625 : f32
    linalg.yield %mul : f32
  } -> tensor<?x4xf32>
  %empty_1 = tensor.empty(%B) : tensor<?x3xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %s = linalg.matmul ins(%pooled, %router : tensor<?x4xf32>, tensor<4x3xf32>) outs(%zero_1 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x3xf32>) -> tensor<?x2xi32>
  %w = moe.weigh softmax %s, %ids : tensor<?x3xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 3, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x8x8x4xf32>, !moe.plan<experts = 3, slots = 2> -> tensor<?x8x8x4xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x8x8x4xf32>) params(%kernel, %bias : tensor<3x3x3x4x4xf32>, tensor<3x4xf32>) : !moe.plan<experts = 3, slots = 2> -> tensor<?x256xf32> {
  ^bb0(%x_1: tensor<?x8x8x4xf32>, %kernel_1: tensor<3x3x4x4xf32>, %bias_1: tensor<4xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x8x8x4xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x10x10x4xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x10x10x4xf32>) -> tensor<?x10x10x4xf32>
    %padded = tensor.insert_slice %x_1 into %zero_2[0, 1, 1, 0] [%count, 8, 8, 4] [1, 1, 1, 1] : tensor<?x8x8x4xf32> into tensor<?x10x10x4xf32>
    %shifted = tensor.extract_slice %padded[0, 0, 0, 0] [%count, 8, 8, 4] [1, 1, 1, 1] : tensor<?x10x10x4xf32> to tensor<?x8x8x4xf32>
    %shifted_1 = tensor.extract_slice %padded[0, 0, 1, 0] [%count, 8, 8, 4] [1, 1, 1, 1] : tensor<?x10x10x4xf32> to tensor<?x8x8x4xf32>
    %shifted_2 = tensor.extract_slice %padded[0, 0, 2, 0] [%count, 8, 8, 4] [1, 1, 1, 1] : tensor<?x10x10x4xf32> to tensor<?x8x8x4xf32>
    %shifted_3 = tensor.extract_slice %padded[0, 1, 0, 0] [%count, 8, 8, 4] [1, 1, 1, 1] : tensor<?x10x10x4xf32> to tensor<?x8x8x4xf32>
    %shifted_4 = tensor.extract_slice %padded[0, 1, 1, 0] [%count, 8, 8, 4] [1, 1, 1, 1] : tensor<?x10x10x4xf32> to tensor<?x8x8x4xf32>
    %slice = tensor.extract_slice %padded[0, 1, 2, 0] [%count, 8, 8, 4] [1, 1, 1, 1] : tensor<?x10x10x4xf32> to tensor<?x8x8x4xf32>
    %shifted_5 = tensor.extract_slice %padded[0, 2, 0, 0] [%count, 8, 8, 4] [1, 1, 1, 1] : tensor<?x10x10x4xf32> to tensor<?x8x8x4xf32>
    %shifted_6 = tensor.extract_slice %padded[0, 2, 1, 0] [%count, 8, 8, 4] [1, 1, 1, 1] : tensor<?x10x10x4xf32> to tensor<?x8x8x4xf32>
    %shifted_7 = tensor.extract_slice %padded[0, 2, 2, 0] [%count, 8, 8, 4] [1, 1, 1, 1] : tensor<?x10x10x4xf32> to tensor<?x8x8x4xf32>
    %concat = tensor.concat dim(3) %shifted, %shifted_1, %shifted_2, %shifted_3, %shifted_4, %slice, %shifted_5, %shifted_6, %shifted_7 : (tensor<?x8x8x4xf32>, tensor<?x8x8x4xf32>, tensor<?x8x8x4xf32>, tensor<?x8x8x4xf32>, tensor<?x8x8x4xf32>, tensor<?x8x8x4xf32>, tensor<?x8x8x4xf32>, tensor<?x8x8x4xf32>, tensor<?x8x8x4xf32>) -> tensor<?x8x8x36xf32>
    %columns = arith.muli %count, %c8 : index
    %columns_1 = arith.muli %columns, %c8 : index
    %columns_2 = tensor.collapse_shape %concat [[0, 1, 2], [3]] : tensor<?x8x8x36xf32> into tensor<?x36xf32>
    %collapsed_1 = tensor.collapse_shape %kernel_1 [[0, 1, 2], [3]] : tensor<3x3x4x4xf32> into tensor<36x4xf32>
    %empty_3 = tensor.empty(%columns_1) : tensor<?x4xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %matmul = linalg.matmul ins(%columns_2, %collapsed_1 : tensor<?x36xf32>, tensor<36x4xf32>) outs(%zero_3 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %flat = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %bias_1 : tensor<?x4xf32>, tensor<4xf32>) outs(%empty_3 : tensor<?x4xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %add = arith.addf %a, %b : f32
      linalg.yield %add : f32
    } -> tensor<?x4xf32>
    %expanded = tensor.expand_shape %flat [[0, 1, 2], [3]] output_shape [%count, 8, 8, 4] : tensor<?x4xf32> into tensor<?x8x8x4xf32>
    %collapsed_2 = tensor.collapse_shape %expanded [[0], [1, 2, 3]] : tensor<?x8x8x4xf32> into tensor<?x256xf32>
    moe.yield %collapsed_2 : tensor<?x256xf32>
  }
  %empty_2 = tensor.empty(%B) : tensor<?x256xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x256xf32>) -> tensor<?x256xf32>
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_2 : tensor<?x256xf32>) : tensor<?x256xf32>, !moe.plan<experts = 3, slots = 2> -> tensor<?x256xf32>
  %expanded = tensor.expand_shape %combined [[0], [1, 2, 3]] output_shape [%B, 8, 8, 4] : tensor<?x256xf32> into tensor<?x8x8x4xf32>
  %empty_3 = tensor.empty(%B) : tensor<?x8x8x4xf32>
  %y = linalg.generic {indexing_maps = [#ijkl, #ijkl, #ijkl], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x, %expanded : tensor<?x8x8x4xf32>, tensor<?x8x8x4xf32>) outs(%empty_3 : tensor<?x8x8x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add = arith.addf %a, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x8x8x4xf32>
  return %y, %ids : tensor<?x8x8x4xf32>, tensor<?x2xi32>
}
