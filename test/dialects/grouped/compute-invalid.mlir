// RUN: %moe-opt %s --split-input-file --verify-diagnostics

func.func @name(%x: tensor<?x4xf32>, %w: tensor<1x1x4x16x1xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-error @+1 {{expects grouped.compute to be "int8" or "bf16", got "f8"}}
  %r = grouped.matmul lhs(%x : tensor<?x4xf32>) rhs(%w : tensor<1x1x4x16x1xf32>)
    outs(%y : tensor<?x16xf32>)
    attributes {grouped.compute = "f8", maps = [], panels = #grouped.panels<parts = 1, columns = 16, depth = 4>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// -----

func.func @int8(%x: tensor<?x4xf32>, %w: tensor<1x1x4x16x1xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-error @+1 {{computes in int8 and expects panels with int8 or int4 blocks of 32 without offsets}}
  %r = grouped.matmul lhs(%x : tensor<?x4xf32>) rhs(%w : tensor<1x1x4x16x1xf32>)
    outs(%y : tensor<?x16xf32>)
    attributes {grouped.compute = "int8", maps = [], panels = #grouped.panels<parts = 1, columns = 16, depth = 4>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// -----

func.func @bf16(%x: tensor<?x4xf32>, %w: tensor<1x1x2x16x2xf16>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-error @+1 {{computes in bf16 and expects panels of bf16}}
  %r = grouped.matmul lhs(%x : tensor<?x4xf32>) rhs(%w : tensor<1x1x2x16x2xf16>)
    outs(%y : tensor<?x16xf32>)
    attributes {grouped.compute = "bf16", maps = [], panels = #grouped.panels<parts = 1, columns = 16, depth = 4>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}
