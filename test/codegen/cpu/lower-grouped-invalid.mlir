// RUN: %moe-opt %s --split-input-file --verify-diagnostics --cpu-lower-grouped

func.func @tensors(%x: tensor<?x8xf32>, %y: tensor<?x2xi32>) -> tensor<?x2xi32> {
  // expected-error @+1 {{expects buffers, got tensors}}
  %r = grouped.select #moe.top_k<2> scores(%x : tensor<?x8xf32>) outs(%y : tensor<?x2xi32>) -> tensor<?x2xi32>
  return %r : tensor<?x2xi32>
}

// -----

func.func @strided(%x: memref<?x8xf32>, %w: memref<1x1x8x16x1xf32, strided<[128, 128, 16, 1, 1], offset: ?>>, %y: memref<?x16xf32>) {
  // expected-error @+1 {{expects a packed weight of static shape and identity layout, got}}
  grouped.matmul lhs(%x : memref<?x8xf32>) rhs(%w : memref<1x1x8x16x1xf32, strided<[128, 128, 16, 1, 1], offset: ?>>)
    outs(%y : memref<?x16xf32>) attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 16, depth = 8>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }
  return
}
