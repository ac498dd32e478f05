func.func @plain(%p: tensor<?x8xf32>) -> tensor<?x2xi32> {
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  return %ids : tensor<?x2xi32>
}

func.func @by_groups(%p: tensor<?x8xf32>) -> tensor<?x2xi32> {
  %ids = moe.select #moe.grouped_top_k<2, groups = 4, kept = 2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  return %ids : tensor<?x2xi32>
}
