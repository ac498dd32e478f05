// Dynamic top-p: harder tokens need more experts. A token takes its best experts until
// their probabilities sum up to P; the expert that crosses P is taken, and weights are
// not renormalised. Every second layer has experts, the others are dense.
//
// P is an argument of the call; at 1 and above all experts are taken.
//
// Source: Harder Tasks Need More Experts, Dynamic Routing in MoE Models;
// github.com/ZhenweiAn/Dynamic_MoE.

#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @dense.gate(#moe.random<seed = 1, std = 0.2 : f64>) : tensor<16x24xf32>
ml_program.global private @dense.up(#moe.random<seed = 2, std = 0.2 : f64>) : tensor<16x24xf32>
ml_program.global private @dense.down(#moe.random<seed = 3, std = 0.2 : f64>) : tensor<24x16xf32>
ml_program.global private @router(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x6xf32>
ml_program.global private @gate(#moe.random<seed = 5, std = 0.2 : f64>) : tensor<6x16x24xf32>
ml_program.global private @up(#moe.random<seed = 6, std = 0.2 : f64>) : tensor<6x16x24xf32>
ml_program.global private @down(#moe.random<seed = 7, std = 0.2 : f64>) : tensor<6x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %P: tensor<1xf32> {moe.name = "P", moe.dims = ["1"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x6xi32> {moe.name = "ids", moe.dims = ["T", "6"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f1.0 = arith.constant 1.0 : f32
  %dense.gate = ml_program.global_load_const @dense.gate : tensor<16x24xf32>
  %dense.up = ml_program.global_load_const @dense.up : tensor<16x24xf32>
  %dense.down = ml_program.global_load_const @dense.down : tensor<24x16xf32>
  %router = ml_program.global_load_const @router : tensor<16x6xf32>
  %gate = ml_program.global_load_const @gate : tensor<6x16x24xf32>
  %up = ml_program.global_load_const @up : tensor<6x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<6x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %P_1 = tensor.extract %P[%c0] : tensor<1xf32>
  %empty = tensor.empty(%T) : tensor<?x24xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul = linalg.matmul ins(%x, %dense.gate : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %matmul_1 = linalg.matmul ins(%x, %dense.up : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero : tensor<?x24xf32>) -> tensor<?x24xf32>
  %a = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul, %matmul_1 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty : tensor<?x24xf32>) {
  ^bb0(%gate_1: f32, %up_1: f32, %out: f32):
    %neg = arith.negf %gate_1 : f32
    %exp = math.exp %neg : f32
    %add = arith.addf %f1.0, %exp : f32
    %div = arith.divf %f1.0, %add : f32
    %mul = arith.mulf %gate_1, %div : f32
    %mul_1 = arith.mulf %mul, %up_1 : f32
    linalg.yield %mul_1 : f32
  } -> tensor<?x24xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_2 = linalg.matmul ins(%a, %dense.down : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%x, %matmul_2 : tensor<?x16xf32>, tensor<?x16xf32>) outs(%empty_1 : tensor<?x16xf32>) {
  ^bb0(%a_1: f32, %b: f32, %out: f32):
    %add = arith.addf %a_1, %b : f32
    linalg.yield %add : f32
  } -> tensor<?x16xf32>
  %empty_2 = tensor.empty(%T) : tensor<?x6xf32>
  %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %matmul_3 = linalg.matmul ins(%h, %router : tensor<?x16xf32>, tensor<16x6xf32>) outs(%zero_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.softmax dimension(1) ins(%matmul_3 : tensor<?x6xf32>) outs(%empty_2 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids = moe.select #moe.top_p<?, inclusive, min = 1, max = 6> scores(%p : tensor<?x6xf32>) params(%P_1 : f32) -> tensor<?x6xi32>
  %w = moe.weigh none %p, %ids : tensor<?x6xf32>, tensor<?x6xi32> -> tensor<?x6xf32>
  %plan = moe.plan %ids : tensor<?x6xi32> -> !moe.plan<experts = 6, slots = 6>
  %rows = moe.dispatch %h by %plan : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%gate, %up, %down : tensor<6x16x24xf32>, tensor<6x16x24xf32>, tensor<6x24x16xf32>) : !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %gate_1: tensor<16x24xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_4 = linalg.matmul ins(%x_1, %gate_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul_5 = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_3 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a_1 = linalg.generic {indexing_maps = [#ij, #ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul_4, %matmul_5 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty_3 : tensor<?x24xf32>) {
    ^bb0(%gate_2: f32, %up_2: f32, %out: f32):
      %neg = arith.negf %gate_2 : f32
      %exp = math.exp %neg : f32
      %add = arith.addf %f1.0, %exp : f32
      %div = arith.divf %f1.0, %add : f32
      %mul = arith.mulf %gate_2, %div : f32
      %mul_1 = arith.mulf %mul, %up_2 : f32
      linalg.yield %mul_1 : f32
    } -> tensor<?x24xf32>
    %empty_4 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_4 = linalg.fill ins(%f0.0 : f32) outs(%empty_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_6 = linalg.matmul ins(%a_1, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_4 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_6 : tensor<?x16xf32>
  }
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x6xf32>) init(%h : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 6, slots = 6> -> tensor<?x16xf32>
  return %y, %ids : tensor<?x16xf32>, tensor<?x6xi32>
}
