// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func.func @gather_two_weights
func.func @gather_two_weights(%x: tensor<?x16xf32>, %g: tensor<8x32x16xbf16>,
    %u: tensor<8x32x16xbf16>, %o: tensor<9xi32>, %t: tensor<?xi32>,
    %s: tensor<?xi32>, %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: grouped.matmul lhs(%{{.*}} : tensor<?x16xf32>) rhs(%{{.*}}, %{{.*}} : tensor<8x32x16xbf16>, tensor<8x32x16xbf16>)
  // CHECK-SAME: attributes {gather, maps = []}
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>)
    rhs(%g, %u : tensor<8x32x16xbf16>, tensor<8x32x16xbf16>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) attributes {gather, maps = []} {
  ^bb0(%a: f32, %b: f32):
    %m = arith.mulf %a, %b : f32
    grouped.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @panels_and_tile
func.func @panels_and_tile(%x: tensor<?x16xf32>, %w: tensor<8x4x8x16x2xbf16>,
    %c: tensor<?x2xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>,
    %s: tensor<?xi32>, %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: extras(%{{.*}} : tensor<?x2xf32>)
  // CHECK-SAME: panels = #grouped.panels<parts = 2, columns = 32, depth = 16>
  // CHECK-SAME: reduce
  // CHECK-SAME: tile = #grouped.tile<rows = 12, depth = 16, panels = 1, task_panels = 4>
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x4x8x16x2xbf16>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    extras(%c : tensor<?x2xf32>) outs(%z : tensor<?x32xf32>)
    attributes {reduce, maps = [affine_map<(e, r, t, s, n) -> (t, s)>],
      panels = #grouped.panels<parts = 2, columns = 32, depth = 16>,
      tile = #grouped.tile<rows = 12, depth = 16, panels = 1, task_panels = 4>} {
  ^bb0(%a: f32, %b: f32, %e: f32):
    %m = arith.mulf %a, %e : f32
    grouped.yield %m : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @dense_kn_on_memrefs
func.func @dense_kn_on_memrefs(%x: memref<?x16xf32>, %w: memref<16x32xf32>,
                               %z: memref<?x32xf32>) {
  // CHECK: layout = #grouped<rhs_layout kn>
  grouped.matmul lhs(%x : memref<?x16xf32>) rhs(%w : memref<16x32xf32>)
    outs(%z : memref<?x32xf32>)
    attributes {maps = [], layout = #grouped<rhs_layout kn>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }
  return
}
