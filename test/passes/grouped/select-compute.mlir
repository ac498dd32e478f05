// RUN: %moe-opt %s --moe-select-compute=explain=true | FileCheck %s

// CHECK-LABEL: func.func @int8(
// CHECK: grouped.compute = "int8"
func.func @int8(%x: tensor<?x64xf32>, %w: tensor<1x2x2x16x34xi8>, %y: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %r = grouped.matmul lhs(%x : tensor<?x64xf32>) rhs(%w : tensor<1x2x2x16x34xi8>)
    outs(%y : tensor<?x32xf32>)
    attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 32, depth = 64, blocks = <code = int8, size = 32, half = true, offset = false>>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @int4(
// CHECK: grouped.compute = "int8"
func.func @int4(%x: tensor<?x64xf32>, %w: tensor<1x2x2x16x18xi8>, %y: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %r = grouped.matmul lhs(%x : tensor<?x64xf32>) rhs(%w : tensor<1x2x2x16x18xi8>)
    outs(%y : tensor<?x32xf32>)
    attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 32, depth = 64, blocks = <code = int4, size = 32, half = true, offset = false>>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// Offsets would need the sums of a row's codes.
// CHECK-LABEL: func.func @offsets(
// CHECK-NOT: grouped.compute
func.func @offsets(%x: tensor<?x64xf32>, %w: tensor<1x2x2x16x40xi8>, %y: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // expected-remark @+1 {{computes in f32: its weights are not int8 or int4 blocks of 32 without offsets}}
  %r = grouped.matmul lhs(%x : tensor<?x64xf32>) rhs(%w : tensor<1x2x2x16x40xi8>)
    outs(%y : tensor<?x32xf32>)
    attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 32, depth = 64, blocks = <code = int8, size = 32, half = false, offset = true>>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}
