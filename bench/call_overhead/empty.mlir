// One expert that gives back what it gets: what is left is the call itself.
func.func @empty(%x: tensor<?x1xf32> {moe.name = "x", moe.dims = ["T", "1"]},
                 %ids: tensor<?x1xi32> {moe.name = "ids", moe.dims = ["T", "1"]})
    -> (tensor<?x1xf32> {moe.name = "y", moe.dims = ["T", "1"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %T = tensor.dim %x, %c0 : tensor<?x1xf32>
  %plan = moe.plan %ids : tensor<?x1xi32> -> !moe.plan<experts = 1, slots = 1>
  %rows = moe.dispatch %x by %plan : tensor<?x1xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x1xf32>
  %y = moe.experts %plan rows(%rows : tensor<?x1xf32>) : !moe.plan<experts = 1, slots = 1> -> tensor<?x1xf32> {
  ^bb0(%r: tensor<?x1xf32>, %expert: index):
    moe.yield %r : tensor<?x1xf32>
  }
  %e = tensor.empty(%T) : tensor<?x1xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x1xf32>) -> tensor<?x1xf32>
  %out = moe.combine add %y by %plan init(%z : tensor<?x1xf32>) : tensor<?x1xf32>, !moe.plan<experts = 1, slots = 1> -> tensor<?x1xf32>
  return %out : tensor<?x1xf32>
}
