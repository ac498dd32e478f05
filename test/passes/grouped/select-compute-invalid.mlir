// RUN: %moe-opt %s --moe-select-compute --verify-diagnostics

// expected-error @+1 {{no weights are int8 or int4 blocks of 32 without offsets, which computing in int8 needs}}
module {
  func.func @f32(%x: tensor<?x4xf32>, %w: tensor<1x1x4x16x1xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
    %r = grouped.matmul lhs(%x : tensor<?x4xf32>) rhs(%w : tensor<1x1x4x16x1xf32>)
      outs(%y : tensor<?x16xf32>)
      attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 16, depth = 4>} {
    ^bb0(%a: f32):
      grouped.yield %a : f32
    } -> tensor<?x16xf32>
    return %r : tensor<?x16xf32>
  }
}
