// Innovator: a dense model becomes a mixture of fine-grained science experts. The
// network of each discipline is cut along its hidden units into 4 experts; the general
// network stays as the shared expert. Top-8 of 16, softmax over the selected.
//
// Experts are views of the disciplines' matrices; nothing is copied.
//
// Source: Innovator, Scientific Continued Pretraining with Fine-grained MoE Upcycling.
// How the router normalises is not verified.

#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @general.gate(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x32xf32>
ml_program.global private @general.up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x32xf32>
ml_program.global private @general.down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<32x16xf32>
ml_program.global private @gate(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<4x16x32xf32>
ml_program.global private @up(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<4x16x32xf32>
ml_program.global private @down(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<4x32x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x8xi32> {moe.name = "ids", moe.dims = ["T", "8"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x16xf32>
  %general.gate = ml_program.global_load_const @general.gate : tensor<16x32xf32>
  %general.up = ml_program.global_load_const @general.up : tensor<16x32xf32>
  %general.down = ml_program.global_load_const @general.down : tensor<32x16xf32>
  %gate = ml_program.global_load_const @gate : tensor<4x16x32xf32>
  %up = ml_program.global_load_const @up : tensor<4x16x32xf32>
  %down = ml_program.global_load_const @down : tensor<4x32x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %s = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %ids = moe.select #moe.top_k<8> scores(%s : tensor<?x16xf32>) -> tensor<?x8xi32>
  %w = moe.weigh softmax %s, %ids : tensor<?x16xf32>, tensor<?x8xi32> -> tensor<?x8xf32>
  %plan = moe.plan %ids : tensor<?x8xi32> -> !moe.plan<experts = 16, slots = 8>
  %empty_1 = tensor.empty(%T) : tensor<?x32xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
  %matmul = linalg.matmul ins(%x, %general.gate : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
  %matmul_1 = linalg.matmul ins(%x, %general.up : tensor<?x16xf32>, tensor<16x32xf32>) outs(%zero_1 : tensor<?x32xf32>) -> tensor<?x32xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%empty_1 : tensor<?x32xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x32xf32>
  %matmul_2 = linalg.matmul ins(%a, %general.down : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %outs = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 16, slots = 8> -> tensor<?x16xf32>
  %parts = tensor.expand_shape %gate [[0], [1], [2, 3]] output_shape [4, 16, 4, 8] : tensor<4x16x32xf32> into tensor<4x16x4x8xf32>
  %empty_2 = tensor.empty() : tensor<4x4x16x8xf32>
  %transposed = linalg.transpose ins(%parts : tensor<4x16x4x8xf32>) outs(%empty_2 : tensor<4x4x16x8xf32>) permutation = [0, 2, 1, 3]
  %collapsed = tensor.collapse_shape %transposed [[0, 1], [2], [3]] : tensor<4x4x16x8xf32> into tensor<16x16x8xf32>
  %parts_1 = tensor.expand_shape %up [[0], [1], [2, 3]] output_shape [4, 16, 4, 8] : tensor<4x16x32xf32> into tensor<4x16x4x8xf32>
  %transposed_1 = linalg.transpose ins(%parts_1 : tensor<4x16x4x8xf32>) outs(%empty_2 : tensor<4x4x16x8xf32>) permutation = [0, 2, 1, 3]
  %collapsed_1 = tensor.collapse_shape %transposed_1 [[0, 1], [2], [3]] : tensor<4x4x16x8xf32> into tensor<16x16x8xf32>
  %parts_2 = tensor.expand_shape %down [[0], [1, 2], [3]] output_shape [4, 4, 8, 16] : tensor<4x32x16xf32> into tensor<4x4x8x16xf32>
  %collapsed_2 = tensor.collapse_shape %parts_2 [[0, 1], [2], [3]] : tensor<4x4x8x16xf32> into tensor<16x8x16xf32>
  %outs_1 = moe.experts %plan rows(%outs : tensor<?x16xf32>) params(%collapsed, %collapsed_1, %collapsed_2 : tensor<16x16x8xf32>, tensor<16x16x8xf32>, tensor<16x8x16xf32>) : !moe.plan<experts = 16, slots = 8> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x8xf32>, %up_1: tensor<16x8xf32>, %down_1: tensor<8x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x8xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_3 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_2 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3, %matmul_4 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%empty_3 : tensor<?x8xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x8xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_5 = linalg.matmul ins(%a_1, %down_1 : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_5 : tensor<?x16xf32>
  }
  %y = moe.combine add %outs_1 by %plan weights(%w : tensor<?x8xf32>) init(%matmul_2 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 16, slots = 8> -> tensor<?x16xf32>
  return %y, %ids : tensor<?x16xf32>, tensor<?x8xi32>
}
