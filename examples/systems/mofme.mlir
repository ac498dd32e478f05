// MoFME: experts that only modulate. All tokens share a gated block before the
// experts and an MLP behind them; an expert is a pair of linear maps that scale and
// shift the shared features (FiLM).
//
// Dispatch happens behind the shared prologue, the epilogue is ordinary computation
// on the combined value.
//
// Source: Efficient Deweather Mixture-of-Experts with Uncertainty-aware Feature-wise
// Linear Modulation; github.com/RoyZry98/MoFME-Pytorch.

#ij_i = affine_map<(i, j) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>
#ij_j = affine_map<(i, j) -> (j)>

ml_program.global private @norm.gain(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16xf32>
ml_program.global private @norm.bias(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16xf32>
ml_program.global private @a(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @b(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @router(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @scale(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<4x24x24xf32>
ml_program.global private @shift(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<4x24x24xf32>
ml_program.global private @w1(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<24x32xf32>
ml_program.global private @w2(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<32x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.0625 = arith.constant 0.0625 : f32
  %f1.0e-5 = arith.constant 1.0e-5 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %norm.gain = ml_program.global_load_const @norm.gain : tensor<16xf32>
  %norm.bias = ml_program.global_load_const @norm.bias : tensor<16xf32>
  %a = ml_program.global_load_const @a : tensor<16x24xf32>
  %b = ml_program.global_load_const @b : tensor<16x24xf32>
  %router = ml_program.global_load_const @router : tensor<16x4xf32>
  %scale = ml_program.global_load_const @scale : tensor<4x24x24xf32>
  %shift = ml_program.global_load_const @shift : tensor<4x24x24xf32>
  %w1 = ml_program.global_load_const @w1 : tensor<24x32xf32>
  %w2 = ml_program.global_load_const @w2 : tensor<32x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce { arith.addf } ins(%x : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %empty_1 = tensor.empty(%T) : tensor<?x1xf32>
  %mean = linalg.generic {indexing_maps = [#ij_i, #ij], iterator_types = ["parallel", "parallel"]} ins(%sum : tensor<?xf32>) outs(%empty_1 : tensor<?x1xf32>) {
  ^bb0(%sum_1: f32, %out: f32):
    %mul = arith.mulf %sum_1, %f0.0625 : f32
    linalg.yield %mul : f32
  } -> tensor<?x1xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x16xf32>
  %centred = linalg.generic {indexing_maps = [#ij, #ij_i0, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %mean : tensor<?x16xf32>, tensor<?x1xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %mean_1: f32, %out: f32):
    %sub = arith.subf %x_1, %mean_1 : f32
    linalg.yield %sub : f32
  } -> tensor<?x16xf32>
  %squares = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred : tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %out: f32):
    %mul = arith.mulf %c, %c : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %variance = linalg.reduce { arith.addf } ins(%squares : tensor<?x16xf32>) outs(%zero : tensor<?xf32>) dimensions = [1]
  %norm = linalg.generic {indexing_maps = [#ij, #ij_i, #ij_j, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%centred, %variance, %norm.gain, %norm.bias : tensor<?x16xf32>, tensor<?xf32>, tensor<16xf32>, tensor<16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%c: f32, %v: f32, %gain: f32, %bias: f32, %out: f32):
    %mul = arith.mulf %v, %f0.0625 : f32
    %add = arith.addf %mul, %f1.0e-5 : f32
    %rsqrt = math.rsqrt %add : f32
    %mul_1 = arith.mulf %c, %rsqrt : f32
    %mul_2 = arith.mulf %mul_1, %gain : f32
    %add_1 = arith.addf %mul_2, %bias : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x16xf32>
  %empty_3 = tensor.empty(%T) : tensor<?x24xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%norm, %a : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%norm, %b : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %h = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
  ^bb0(%a_1: f32, %b_1: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a_1 : f32
    %mul_1 = arith.mulf %a_1, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    %mul_3 = arith.mulf %mul_2, %b_1 : f32
    linalg.yield %mul_3 : f32
  } -> tensor<?x24xf32>
  %empty_4 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_2 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh softmax %s, %ids : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows = moe.dispatch %h by %plan : tensor<?x24xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x24xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x24xf32>) params(%scale, %shift : tensor<4x24x24xf32>, tensor<4x24x24xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x24xf32> {
  ^bb0(%h_1: tensor<?x24xf32>, %scale_1: tensor<24x24xf32>, %shift_1: tensor<24x24xf32>, %expert: index):
    %count = tensor.dim %h_1, %c0 : tensor<?x24xf32>
    %empty_5 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_2 = linalg.matmul ins(%h_1, %scale_1 : tensor<?x24xf32>, tensor<24x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_3 = linalg.matmul ins(%h_1, %shift_1 : tensor<?x24xf32>, tensor<24x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %map = linalg.generic {indexing_maps = [#ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %h_1, %matmul_3 : tensor<?x24xf32>, tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_5 : tensor<?x24xf32>) {
    ^bb0(%scale_2: f32, %h_2: f32, %shift_2: f32, %out: f32):
      %mul = arith.mulf %scale_2, %h_2 : f32
      %add = arith.addf %mul, %shift_2 : f32
      linalg.yield %add : f32
    } -> tensor<?x24xf32>
    moe.yield %map : tensor<?x24xf32>
  }
  %z = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_1 : tensor<?x24xf32>) : tensor<?x24xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x24xf32>
  %empty_5 = tensor.empty(%T) : tensor<?x32xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_5 : tensor<?x32xf32>) -> tensor<?x32xf32>
  %matmul_2 = linalg.matmul ins(%z, %w1 : tensor<?x24xf32>, tensor<24x32xf32>) outs(%zero_3 : tensor<?x32xf32>) -> tensor<?x32xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2 : tensor<?x32xf32>) outs(%empty_5 : tensor<?x32xf32>) {
  ^bb0(%a_1: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a_1 : f32
    %mul_1 = arith.mulf %a_1, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x32xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_3 = linalg.matmul ins(%gelu, %w2 : tensor<?x32xf32>, tensor<32x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %matmul_3 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_2 : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %b_1: f32, %out: f32):
    %add = arith.addf %a_1, %b_1 : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
