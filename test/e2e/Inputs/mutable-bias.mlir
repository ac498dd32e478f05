// A score with a bias that the host may change between calls.
ml_program.global private mutable @bias(#moe.random<seed = 3, std = 0.01 : f64>) : tensor<8xf32>
ml_program.global private @wg(#moe.random<seed = 1, std = 0.1 : f64>) : tensor<8x16xf32>
func.func @"layers.0.moe"(%x: tensor<?x16xf32> {moe.name = "hidden_states", moe.dims = ["T", "16"]}) -> (tensor<?x8xf32> {moe.name = "moe_out", moe.dims = ["T", "8"]}) {
  %c0 = arith.constant 0 : index
  %z = arith.constant 0.0 : f32
  %T = tensor.dim %x, %c0 : tensor<?x16xf32>
  %w = ml_program.global_load_const @wg : tensor<8x16xf32>
  %b = ml_program.global_load @bias : tensor<8xf32>
  %e = tensor.empty(%T) : tensor<?x8xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %l = linalg.matmul indexing_maps = [affine_map<(m,n,k)->(m,k)>, affine_map<(m,n,k)->(n,k)>, affine_map<(m,n,k)->(m,n)>] ins(%x, %w : tensor<?x16xf32>, tensor<8x16xf32>) outs(%f : tensor<?x8xf32>) -> tensor<?x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(t,n)->(t,n)>, affine_map<(t,n)->(n)>, affine_map<(t,n)->(t,n)>], iterator_types = ["parallel","parallel"]} ins(%l, %b : tensor<?x8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
