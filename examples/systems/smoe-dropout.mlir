// SMoE-Dropout: a router with random weights that are never trained, and as many active
// experts as one can afford. k grows in training and is free at inference; weights are
// a softmax over the selected logits.
//
// k is an argument of the call: one artifact for any k. The router is nothing but a
// seed. The number of rows is a result: work is linear in k.
//
// Source: Sparse MoE as the New Dropout, Scaling Dense and Self-Slimmable Transformers;
// github.com/VITA-Group/Random-MoE-as-Dropout.

#ij = affine_map<(i, j) -> (i, j)>

ml_program.global private @router(#moe.random<seed = 1234, std = 0.3 : f64>) : tensor<16x8xf32>
ml_program.global private @up(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<8x16x24xf32>
ml_program.global private @down(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<8x24x16xf32>

func.func @main(%x: tensor<?x16xf32> {moe.name = "x", moe.dims = ["T", "16"]},
    %k: tensor<1xi32> {moe.name = "k", moe.dims = ["1"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<i32> {moe.name = "rows", moe.dims = []}) {
  %c0 = arith.constant 0 : index
  %f0.0 = arith.constant 0.0 : f32
  %f0.5 = arith.constant 0.5 : f32
  %f0.7071067811865476 = arith.constant 0.7071067811865476 : f32
  %f1.0 = arith.constant 1.0 : f32
  %router = ml_program.global_load_const @router : tensor<16x8xf32>
  %up = ml_program.global_load_const @up : tensor<8x16x24xf32>
  %down = ml_program.global_load_const @down : tensor<8x24x16xf32>
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %k_1 = tensor.extract %k[%c0] : tensor<1xi32>
  %empty = tensor.empty(%T) : tensor<?x8xf32>
  %zero = linalg.fill ins(%f0.0 : f32) outs(%empty : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul ins(%x, %router : tensor<?x16xf32>, tensor<16x8xf32>) outs(%zero : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<?, max = 8> scores(%s : tensor<?x8xf32>) params(%k_1 : i32) -> tensor<?x8xi32>
  %w = moe.weigh softmax %s, %ids : tensor<?x8xf32>, tensor<?x8xi32> -> tensor<?x8xf32>
  %plan = moe.plan %ids : tensor<?x8xi32> -> !moe.plan<experts = 8, slots = 8>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 8> -> tensor<?x16xf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%up, %down : tensor<8x16x24xf32>, tensor<8x24x16xf32>) : !moe.plan<experts = 8, slots = 8> -> tensor<?x16xf32> {
  ^bb0(%x_1: tensor<?x16xf32>, %up_1: tensor<16x24xf32>, %down_1: tensor<24x16xf32>, %expert: index):
    %count = tensor.dim %x_1, %c0 : tensor<?x16xf32>
    %empty_1 = tensor.empty(%count) : tensor<?x24xf32>
    %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %matmul = linalg.matmul ins(%x_1, %up_1 : tensor<?x16xf32>, tensor<16x24xf32>) outs(%zero_1 : tensor<?x24xf32>) -> tensor<?x24xf32>
    %gelu = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]} ins(%matmul : tensor<?x24xf32>) outs(%empty_1 : tensor<?x24xf32>) {
    ^bb0(%a: f32, %out: f32):
      %mul = arith.mulf %f0.5, %a : f32
      %mul_1 = arith.mulf %a, %f0.7071067811865476 : f32
      %erf = math.erf %mul_1 : f32
      %add = arith.addf %f1.0, %erf : f32
      %mul_2 = arith.mulf %mul, %add : f32
      linalg.yield %mul_2 : f32
    } -> tensor<?x24xf32>
    %empty_2 = tensor.empty(%count) : tensor<?x16xf32>
    %zero_2 = linalg.fill ins(%f0.0 : f32) outs(%empty_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %matmul_1 = linalg.matmul ins(%gelu, %down_1 : tensor<?x24xf32>, tensor<24x16xf32>) outs(%zero_2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %matmul_1 : tensor<?x16xf32>
  }
  %empty_1 = tensor.empty(%T) : tensor<?x16xf32>
  %zero_1 = linalg.fill ins(%f0.0 : f32) outs(%empty_1 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %outs by %plan weights(%w : tensor<?x8xf32>) init(%zero_1 : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 8> -> tensor<?x16xf32>
  %rows_1 = moe.rows %plan : !moe.plan<experts = 8, slots = 8>
  %cast = arith.index_cast %rows_1 : index to i32
  %tensor = tensor.from_elements %cast : tensor<i32>
  return %y, %tensor : tensor<?x16xf32>, tensor<i32>
}
