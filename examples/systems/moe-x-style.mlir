// MoE-X: experts of ReLU neurons whose router prefers the expert that will be
// activated most sparsely. If the columns of an expert's first matrix are normal with
// mean m and variance v, its pre-activations have mean m.x and variance v.(x*x); the
// score is minus the error function of their ratio.
//
// The statistics m and v are parameters that the packer of a real model computes
// once; scores are ordinary computation on them.
//
// Source: Mixture of Experts Made Intrinsically Interpretable. The exact form of the
// score and of its normalisation is not verified.

#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @m(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x6xf32>
ml_program.global private @v(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x6xf32>
ml_program.global private @w1(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<6x16x24xf32>
ml_program.global private @w2(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<6x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x6xf32> {moe.name = "s", moe.dims = ["T", "6"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %m = ml_program.global_load_const @m : tensor<16x6xf32>
  %v = ml_program.global_load_const @v : tensor<16x6xf32>
  %w1 = ml_program.global_load_const @w1 : tensor<6x16x24xf32>
  %w2 = ml_program.global_load_const @w2 : tensor<6x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x6xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x6xf32>) -> tensor<?x6xf32>
  %mean = linalg.matmul ins(%x, %m : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %square = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%x_1: f32, %out: f32):
    %mul = arith.mulf %x_1, %x_1 : f32
    linalg.yield %mul : f32
  } -> tensor<?x16xf32>
  %variance = linalg.matmul ins(%square, %v : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero : tensor<?x6xf32>) -> tensor<?x6xf32>
  %s = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%mean, %variance : tensor<?x6xf32>, tensor<?x6xf32>) outs(%empty : tensor<?x6xf32>) {
  ^bb0(%mean_1: f32, %variance_1: f32, %out: f32):
    %mul = arith.mulf %mean_1, %f0.7071067811865476 : f32
    %sqrt = math.sqrt %variance_1 : f32
    %div = arith.divf %mul, %sqrt : f32
    %erf = math.erf %div : f32
    %neg = arith.negf %erf : f32
    linalg.yield %neg : f32
  } -> tensor<?x6xf32>
  %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x6xf32>) -> tensor<?x2xi32>
  %w = moe.weigh softmax %s, %ids : tensor<?x6xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 6, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%w1, %w2 : tensor<6x16x24xf32>, tensor<6x24x16xf32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up: tensor<16x24xf32>, %down: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul ins(%x_1, %up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %relu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_2 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %max = arith.maximumf %a, %f0.0 : f32
      linalg.yield %max : f32
    } -> tensor<?x24xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%relu, %down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32>
  return %y, %s : tensor<?x16xf32>, tensor<?x6xf32>
}
