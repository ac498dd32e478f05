// RUN: %moe-opt %s "--moe-select-compute=compute=bf16 explain=true" --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @experts(
// CHECK: grouped.compute = "bf16"
func.func @experts(%x: tensor<?x4xf32>, %o: tensor<3xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>,
                   %w: tensor<2x1x2x16x2xbf16>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %r = grouped.matmul lhs(%x : tensor<?x4xf32>) rhs(%w : tensor<2x1x2x16x2xbf16>)
    groups(%o, %t, %s : tensor<3xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%y : tensor<?x16xf32>)
    attributes {gather, maps = [], panels = #grouped.panels<parts = 1, columns = 16, depth = 4>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @router(
// CHECK-NOT: grouped.compute
func.func @router(%x: tensor<?x4xf32>, %w: tensor<1x1x2x16x2xbf16>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-remark @+1 {{computes in f32: it is not of experts}}
  %r = grouped.matmul lhs(%x : tensor<?x4xf32>) rhs(%w : tensor<1x1x2x16x2xbf16>)
    outs(%y : tensor<?x16xf32>)
    attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 16, depth = 4>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @f32(
// CHECK-NOT: grouped.compute
func.func @f32(%x: tensor<?x4xf32>, %w: tensor<1x1x4x16x1xf32>, %y: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-remark @+1 {{computes in f32: its weights are not bf16}}
  %r = grouped.matmul lhs(%x : tensor<?x4xf32>) rhs(%w : tensor<1x1x4x16x1xf32>)
    outs(%y : tensor<?x16xf32>)
    attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 16, depth = 4>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}
