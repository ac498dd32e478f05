// MM-DREX: four trading policies of different kinds, each with its own view of the
// market, mixed by a router that sees the chart and the series. All four always act;
// their weights are on record.
//
// A dense mixture of different computations is ordinary computation; the weights are
// tapped under a name, so that a host can log them at every call.
//
// Source: MM-DREX, Multimodal-Driven Dynamic Routing of Large Language Model Experts
// for Financial Trading. The policies' form is not verified.

#ij = affine_map<(i, j) -> (i, j)>
#ij_j = affine_map<(i, j) -> (j)>
#ij_i0 = affine_map<(i, j) -> (i, 0)>

ml_program.global private @router.w1(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<36x16xf32>
ml_program.global private @router.w2(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @trend.w(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<12x3xf32>
ml_program.global private @trend.b(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<3xf32>
ml_program.global private @reversal.up(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<12x20xf32>
ml_program.global private @reversal.down(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<20x3xf32>
ml_program.global private @breakout.w(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<24x3xf32>
ml_program.global private @event.gate(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<8x10xf32>
ml_program.global private @event.up(#moe.random<seed = 9, std = 0.3 : f64>) : tensor<8x10xf32>
ml_program.global private @event.down(#moe.random<seed = 10, std = 0.3 : f64>) : tensor<10x3xf32>

func.func @main(%chart: tensor<?x24xf32> {moe.name = "chart", moe.dims = ["B", "24"]},
    %series: tensor<?x12xf32> {moe.name = "series", moe.dims = ["B", "12"]},
    %news: tensor<?x8xf32> {moe.name = "news", moe.dims = ["B", "8"]})
    -> (tensor<?x3xf32> {moe.name = "y", moe.dims = ["B", "3"]},
        tensor<?x4xf32> {moe.name = "w", moe.dims = ["B", "4"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router.w1 = ml_program.global_load_const @router.w1 : tensor<36x16xf32>
  %router.w2 = ml_program.global_load_const @router.w2 : tensor<16x4xf32>
  %trend.w = ml_program.global_load_const @trend.w : tensor<12x3xf32>
  %trend.b = ml_program.global_load_const @trend.b : tensor<3xf32>
  %reversal.up = ml_program.global_load_const @reversal.up : tensor<12x20xf32>
  %reversal.down = ml_program.global_load_const @reversal.down : tensor<20x3xf32>
  %breakout.w = ml_program.global_load_const @breakout.w : tensor<24x3xf32>
  %event.gate = ml_program.global_load_const @event.gate : tensor<8x10xf32>
  %event.up = ml_program.global_load_const @event.up : tensor<8x10xf32>
  %event.down = ml_program.global_load_const @event.down : tensor<10x3xf32>
  %B = tensor.dim %chart, %c0 : tensor<?x24xf32>
  %concat = tensor.concat dim(1) %chart, %series : (tensor<?x24xf32>, tensor<?x12xf32>) -> tensor<?x36xf32>
  %empty = tensor.empty(%B) : tensor<?x16xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul = linalg.matmul ins(%concat, %router.w1 : tensor<?x36xf32>, tensor<36x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %z = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x16xf32>) outs(%empty : tensor<?x16xf32>) {
  ^bb0(%a: f32, %out: f32):
    %max = arith.maximumf %a, %f0.0 : f32
    linalg.yield %max : f32
  } -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%B) : tensor<?x4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul_1 = linalg.matmul ins(%z, %router.w2 : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %w = linalg.softmax dimension(1) ins(%matmul_1 : tensor<?x4xf32>) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  moe.tap "w" %w : tensor<?x4xf32>
  %empty_2 = tensor.empty(%B) : tensor<?x3xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %matmul_2 = linalg.matmul ins(%series, %trend.w : tensor<?x12xf32>, tensor<12x3xf32>) outs(%zero_2 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %add = linalg.generic {indexing_maps = [#ij, #ij_j, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_2, %trend.b : tensor<?x3xf32>, tensor<3xf32>) outs(%empty_2 : tensor<?x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %add_1 = arith.addf %a, %b : f32
    linalg.yield %add_1 : f32
  } -> tensor<?x3xf32>
  %trend = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%add : tensor<?x3xf32>) outs(%empty_2 : tensor<?x3xf32>) {
  ^bb0(%a: f32, %out: f32):
    %tanh = math.tanh %a : f32
    linalg.yield %tanh : f32
  } -> tensor<?x3xf32>
  %empty_3 = tensor.empty(%B) : tensor<?x20xf32>
  %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %matmul_3 = linalg.matmul ins(%series, %reversal.up : tensor<?x12xf32>, tensor<12x20xf32>) outs(%zero_3 : tensor<?x20xf32>) -> tensor<?x20xf32>
  %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_3 : tensor<?x20xf32>) outs(%empty_3 : tensor<?x20xf32>) {
  ^bb0(%a: f32, %out: f32):
    %mul = arith.mulf %f0.5, %a : f32
    %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
    %erf = math.erf %mul_1 : f32
    %add_1 = arith.addf %f1.0, %erf : f32
    %mul_2 = arith.mulf %mul, %add_1 : f32
    linalg.yield %mul_2 : f32
  } -> tensor<?x20xf32>
  %matmul_4 = linalg.matmul ins(%gelu, %reversal.down : tensor<?x20xf32>, tensor<20x3xf32>) outs(%zero_2 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %reversal = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_4 : tensor<?x3xf32>) outs(%empty_2 : tensor<?x3xf32>) {
  ^bb0(%a: f32, %out: f32):
    %tanh = math.tanh %a : f32
    linalg.yield %tanh : f32
  } -> tensor<?x3xf32>
  %matmul_5 = linalg.matmul ins(%chart, %breakout.w : tensor<?x24xf32>, tensor<24x3xf32>) outs(%zero_2 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %breakout = linalg.softmax dimension(1) ins(%matmul_5 : tensor<?x3xf32>) outs(%empty_2 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %empty_4 = tensor.empty(%B) : tensor<?x10xf32>
  %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x10xf32>) -> tensor<?x10xf32>
  %a = linalg.matmul ins(%news, %event.gate : tensor<?x8xf32>, tensor<8x10xf32>) outs(%zero_4 : tensor<?x10xf32>) -> tensor<?x10xf32>
  %matmul_6 = linalg.matmul ins(%news, %event.up : tensor<?x8xf32>, tensor<8x10xf32>) outs(%zero_4 : tensor<?x10xf32>) -> tensor<?x10xf32>
  %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%a, %matmul_6 : tensor<?x10xf32>, tensor<?x10xf32>) outs(%empty_4 : tensor<?x10xf32>) {
  ^bb0(%gate: f32, %up: f32, %out: f32):
    %neg = arith.negf %gate : f32
    %exp = math.exp %neg : f32
    %add_1 = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add_1 : f32
    %mul = arith.mulf %gate, %div : f32
    %mul_1 = arith.mulf %mul, %up : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x10xf32>
  %event = linalg.matmul ins(%a_1, %event.down : tensor<?x10xf32>, tensor<10x3xf32>) outs(%zero_2 : tensor<?x3xf32>) -> tensor<?x3xf32>
  %slice = tensor.extract_slice %w[0, 0] [%B, 1] [1, 1] : tensor<?x4xf32> to tensor<?x1xf32>
  %slice_1 = tensor.extract_slice %w[0, 1] [%B, 1] [1, 1] : tensor<?x4xf32> to tensor<?x1xf32>
  %slice_2 = tensor.extract_slice %w[0, 2] [%B, 1] [1, 1] : tensor<?x4xf32> to tensor<?x1xf32>
  %slice_3 = tensor.extract_slice %w[0, 3] [%B, 1] [1, 1] : tensor<?x4xf32> to tensor<?x1xf32>
  %y = linalg.generic {indexing_maps = [#ij_i0, #ij_i0, #ij_i0, #ij_i0, #ij, #ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%slice, %slice_1, %slice_2, %slice_3, %trend, %reversal, %breakout, %event : tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>) outs(%empty_2 : tensor<?x3xf32>) {
  ^bb0(%w0: f32, %w1: f32, %w2: f32, %w3: f32, %a_2: f32, %b: f32, %c: f32, %d: f32, %out: f32):
    %mul = arith.mulf %w0, %a_2 : f32
    %mul_1 = arith.mulf %w1, %b : f32
    %add_1 = arith.addf %mul, %mul_1 : f32
    %mul_2 = arith.mulf %w2, %c : f32
    %add_2 = arith.addf %add_1, %mul_2 : f32
    %mul_3 = arith.mulf %w3, %d : f32
    %add_3 = arith.addf %add_2, %mul_3 : f32
    linalg.yield %add_3 : f32
  } -> tensor<?x3xf32>
  return %y, %w : tensor<?x3xf32>, tensor<?x4xf32>
}
