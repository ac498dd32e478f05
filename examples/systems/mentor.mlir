// MENTOR: the actor of a visual reinforcement learning agent. A two-layer router
// picks 4 of 16 two-layer ReLU experts with biases, whose width in and out differ.
//
// Scores are an ordinary MLP; weights are the selected probabilities, divided by
// their sum plus 1e-9. Rows of the batch are the tokens.
//
// Source: "MENTOR: Mixture-of-Experts Network with Task-Oriented Perturbation for
// Visual Reinforcement Learning"; moe.py of github.com/suninghuang19/mentor.

#row = affine_map<(t, n) -> (t, n)>
#vector = affine_map<(t, n) -> (n)>

ml_program.global private @router_1(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x24xf32>
ml_program.global private @router_2(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<24x16xf32>
ml_program.global private @w1(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<16x16x20xf32>
ml_program.global private @b1(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<16x20xf32>
ml_program.global private @w2(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x20x12xf32>
ml_program.global private @b2(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x12xf32>

func.func @main(%h: tensor<?x16xf32> {moe.name = "h", moe.dims = ["T", "16"]})
    -> (tensor<?x12xf32> {moe.name = "y", moe.dims = ["T", "12"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %T = tensor.dim %h, %c0 : tensor<?x16xf32>
  %empty24 = tensor.empty(%T) : tensor<?x24xf32>
  %empty16 = tensor.empty(%T) : tensor<?x16xf32>
  %empty12 = tensor.empty(%T) : tensor<?x12xf32>
  %zero24 = linalg.fill ins(%zero : f32) outs(%empty24 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %zero16 = linalg.fill ins(%zero : f32) outs(%empty16 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %zero12 = linalg.fill ins(%zero : f32) outs(%empty12 : tensor<?x12xf32>) -> tensor<?x12xf32>

  // s = W2 relu(W1 h); p = softmax(s)
  %router_1 = ml_program.global_load_const @router_1 : tensor<16x24xf32>
  %router_2 = ml_program.global_load_const @router_2 : tensor<24x16xf32>
  %a = linalg.matmul ins(%h, %router_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero24 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %b = linalg.max ins(%a, %zero24 : tensor<?x24xf32>, tensor<?x24xf32>) outs(%empty24 : tensor<?x24xf32>) -> tensor<?x24xf32>
  %s = linalg.matmul ins(%b, %router_2 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero16 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<?x16xf32>) outs(%empty16 : tensor<?x16xf32>) -> tensor<?x16xf32>

  %ids = moe.select #moe.top_k<4> scores(%p : tensor<?x16xf32>) -> tensor<?x4xi32>
  %w = moe.weigh sum %p, %ids {eps = 1.0e-9 : f64} : tensor<?x16xf32>, tensor<?x4xi32> -> tensor<?x4xf32>
  %plan = moe.plan %ids : tensor<?x4xi32> -> !moe.plan<experts = 16, slots = 4>
  %rows = moe.dispatch %h by %plan : tensor<?x16xf32>, !moe.plan<experts = 16, slots = 4> -> tensor<?x16xf32>

  %w1 = ml_program.global_load_const @w1 : tensor<16x16x20xf32>
  %b1 = ml_program.global_load_const @b1 : tensor<16x20xf32>
  %w2 = ml_program.global_load_const @w2 : tensor<16x20x12xf32>
  %b2 = ml_program.global_load_const @b2 : tensor<16x12xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>)
      params(%w1, %b1, %w2, %b2 : tensor<16x16x20xf32>, tensor<16x20xf32>, tensor<16x20x12xf32>, tensor<16x12xf32>)
      : !moe.plan<experts = 16, slots = 4> -> tensor<?x12xf32> {
  ^bb0(%x: tensor<?x16xf32>, %up: tensor<16x20xf32>, %up_bias: tensor<20xf32>, %down: tensor<20x12xf32>, %down_bias: tensor<12xf32>, %expert: index):
    %n = tensor.dim %x, %c0 : tensor<?x16xf32>
    %e20 = tensor.empty(%n) : tensor<?x20xf32>
    %z20 = linalg.fill ins(%zero : f32) outs(%e20 : tensor<?x20xf32>) -> tensor<?x20xf32>
    %u = linalg.matmul ins(%x, %up : tensor<?x16xf32>, tensor<16x20xf32>) outs(%z20 : tensor<?x20xf32>) -> tensor<?x20xf32>
    %r = linalg.generic {indexing_maps = [#row, #vector, #row], iterator_types = ["parallel", "parallel"]}
        ins(%u, %up_bias : tensor<?x20xf32>, tensor<20xf32>) outs(%e20 : tensor<?x20xf32>) {
    ^bb0(%v: f32, %bias: f32, %out: f32):
      %sum = arith.addf %v, %bias : f32
      %relu = arith.maximumf %sum, %zero : f32
      linalg.yield %relu : f32
    } -> tensor<?x20xf32>
    %e12 = tensor.empty(%n) : tensor<?x12xf32>
    %z12 = linalg.fill ins(%zero : f32) outs(%e12 : tensor<?x12xf32>) -> tensor<?x12xf32>
    %d = linalg.matmul ins(%r, %down : tensor<?x20xf32>, tensor<20x12xf32>) outs(%z12 : tensor<?x12xf32>) -> tensor<?x12xf32>
    %o = linalg.generic {indexing_maps = [#row, #vector, #row], iterator_types = ["parallel", "parallel"]}
        ins(%d, %down_bias : tensor<?x12xf32>, tensor<12xf32>) outs(%e12 : tensor<?x12xf32>) {
    ^bb0(%v: f32, %bias: f32, %out: f32):
      %sum = arith.addf %v, %bias : f32
      linalg.yield %sum : f32
    } -> tensor<?x12xf32>
    moe.yield %o : tensor<?x12xf32>
  }
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x4xf32>) init(%zero12 : tensor<?x12xf32>)
      : tensor<?x12xf32>, !moe.plan<experts = 16, slots = 4> -> tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}
