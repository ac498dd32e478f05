// LoRA-Mixer: low-rank experts on any linear layer, here the query and the value
// projection of an attention layer. Each projection has its own router and its own
// bank; the frozen projection is the initial value that expert rows are added to.
//
// Source: LoRA-Mixer, Coordinate Modular LoRA Experts Through Serial Attention
// Routing. Which projections are mixed and how weights are normalised is not verified.

ml_program.global private @q.base(#moe.random<seed = 1, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @q.router(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @q.a(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<4x16x2xf32>
ml_program.global private @q.b(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<4x2x16xf32>
ml_program.global private @v.base(#moe.random<seed = 5, std = 0.3 : f64>) : tensor<16x16xf32>
ml_program.global private @v.router(#moe.random<seed = 6, std = 0.3 : f64>) : tensor<16x4xf32>
ml_program.global private @v.a(#moe.random<seed = 7, std = 0.3 : f64>) : tensor<4x16x2xf32>
ml_program.global private @v.b(#moe.random<seed = 8, std = 0.3 : f64>) : tensor<4x2x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]})
    -> (tensor<?x16xf32> {moe.name = "q", moe.dims = ["T", "16"]},
        tensor<?x16xf32> {moe.name = "v", moe.dims = ["T", "16"]}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %q.base = ml_program.global_load_const @q.base : tensor<16x16xf32>
  %q.router = ml_program.global_load_const @q.router : tensor<16x4xf32>
  %q.a = ml_program.global_load_const @q.a : tensor<4x16x2xf32>
  %q.b = ml_program.global_load_const @q.b : tensor<4x2x16xf32>
  %v.base = ml_program.global_load_const @v.base : tensor<16x16xf32>
  %v.router = ml_program.global_load_const @v.router : tensor<16x4xf32>
  %v.a = ml_program.global_load_const @v.a : tensor<4x16x2xf32>
  %v.b = ml_program.global_load_const @v.b : tensor<4x2x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %empty = tensor.empty(%T) : tensor<?x16xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x16xf32>) -> tensor<?x16xf32>
  %base = linalg.matmul ins(%x, %q.base : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %empty_1 = tensor.empty(%T) : tensor<?x4xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %matmul = linalg.matmul ins(%x, %q.router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p = linalg.softmax dimension(1) ins(%matmul : tensor<?x4xf32>) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids {scale = 2.0 : f64} : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%q.a, %q.b : tensor<4x16x2xf32>, tensor<4x2x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %a: tensor<16x2xf32>, %b: tensor<2x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x2xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %matmul_1 = linalg.matmul ins(%x_1, %a : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_2 = linalg.matmul ins(%matmul_1, %b : tensor<?x2xf32>, tensor<2x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_2 : tensor<?x16xf32>
  }
  %combined = moe.combine add %outs by %plan weights(%w : tensor<?x2xf32>) init(%base : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %base_1 = linalg.matmul ins(%x, %v.base : tensor<?x16xf32>, tensor<16x16xf32>) outs(%zero : tensor<?x16xf32>) -> tensor<?x16xf32>
  %matmul_1 = linalg.matmul ins(%x, %v.router : tensor<?x16xf32>, tensor<16x4xf32>) outs(%zero_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %p_1 = linalg.softmax dimension(1) ins(%matmul_1 : tensor<?x4xf32>) outs(%empty_1 : tensor<?x4xf32>) -> tensor<?x4xf32>
  %ids_1 = moe.select #moe.top_k<2> scores(%p_1 : tensor<?x4xf32>) -> tensor<?x2xi32>
  %w_1 = moe.weigh sum %p_1, %ids_1 {scale = 2.0 : f64} : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %plan_1 = moe.plan %ids_1 : tensor<?x2xi32> -> !moe.plan<experts = 4, slots = 2>
  %rows_1 = moe.dispatch %x by %plan_1 : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  %outs_1 = moe.experts %plan_1 rows(%rows_1 : tensor<?x16xf32>) params(%v.a, %v.b : tensor<4x16x2xf32>, tensor<4x2x16xf32>) : !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %a: tensor<16x2xf32>, %b: tensor<2x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x2xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %matmul_2 = linalg.matmul ins(%x_1, %a : tensor<?x16xf32>, tensor<16x2xf32>) outs(%zero_2 : tensor<?x2xf32>) -> tensor<?x2xf32>
    %empty_3 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_3 = linalg.fill ins(%f0.0 : f32) outs(%empty_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_3 = linalg.matmul ins(%matmul_2, %b : tensor<?x2xf32>, tensor<2x16xf32>) outs(%zero_3 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_3 : tensor<?x16xf32>
  }
  %combined_1 = moe.combine add %outs_1 by %plan_1 weights(%w_1 : tensor<?x2xf32>) init(%base_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 4, slots = 2> -> tensor<?x16xf32>
  return %combined, %combined_1 : tensor<?x16xf32>, tensor<?x16xf32>
}
