// Yi-Lightning: fine-grained experts. Each feed-forward network is cut into 8 small
// ones, and as many more are selected: 64 experts of 8 hidden units, top-8, weights sum
// to 1, SwiGLU.
//
// Nothing but small experts in large numbers: groups of few rows and matrices of 8
// columns.
//
// Source: Yi-Lightning Technical Report. Its attention and its key-value cache are not
// shown; how weights are normalised is not verified.

#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @router(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x64xf32>
ml_program.global private @gate(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<64x16x8xf32>
ml_program.global private @up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<64x16x8xf32>
ml_program.global private @down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<64x8x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x8xi32> {moe.name = "ids", moe.dims = ["T", "8"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x64xf32>
  %gate = ml_program.global_load_const @gate : tensor<64x16x8xf32>
  %up = ml_program.global_load_const @up : tensor<64x16x8xf32>
  %down = ml_program.global_load_const @down : tensor<64x8x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x64xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x64xf32>) -> tensor<?x64xf32>
  %matmul = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x64xf32>) outs(%zero : tensor<?x64xf32>) -> tensor<?x64xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x64xf32>) outs(%empty : tensor<?x64xf32>) -> tensor<?x64xf32>
  %ids = moe.select #moe.top_k<8> scores(%p : tensor<?x64xf32>) -> tensor<?x8xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x64xf32>, tensor<?x8xi32> -> tensor<?x8xf32>
  %plan = moe.plan %ids : tensor<?x8xi32> -> !moe.plan<experts = 64, slots = 8>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 64, slots = 8> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<64x16x8xf32>, tensor<64x16x8xf32>, tensor<64x8x16xf32>) : !moe.plan<experts = 64, slots = 8> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x8xf32>, %up_1: tensor<16x8xf32>, %down_1: tensor<8x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x8xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %matmul_2 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero_1 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_1, %matmul_2 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%empty_1 : tensor<?x8xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x8xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%a, %down_1 : tensor<?x8xf32>, tensor<8x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x8xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 64, slots = 8> -> tensor<?x16xf32>
  return %y, %ids : tensor<?x16xf32>, tensor<?x8xi32>
}
