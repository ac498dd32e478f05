// RUN: moe-opt %s --cpu-lower-grouped --canonicalize --cse 2>%t | FileCheck %s --implicit-check-not=memref.collapse_shape
// RUN: count 0 < %t

// At most 24 rows: dot products of rows of both weights, no panel.
// CHECK-LABEL: func.func @few(
// CHECK-SAME: %[[G:[^:,]*]]: memref<4x33x17xbf16>, %[[U:[^:,]*]]: memref<4x33x17xbf16>
// CHECK-NOT: memref<{{[0-9]+}}xf32>
// CHECK-DAG: %[[GATE:.*]] = memref.subview %[[G]][%{{.*}}, %[[N:.*]], 0] [1, 8, 17]
// CHECK-DAG: %[[UP:.*]] = memref.subview %[[U]][%{{.*}}, %[[N]], 0] [1, 8, 17]
// CHECK: call @dot_6_0(%{{.*}}, %{{.*}}, %{{.*}}, %c0, %[[COUNT:[^,]*]], %c17)
// CHECK: call @dot_6_0(%{{.*}}, %{{.*}}, %{{.*}}, %c8, %[[COUNT]], %c17)
func.func @few(%x: memref<?x17xf32>, %g: memref<4x33x17xbf16>, %u: memref<4x33x17xbf16>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>, %y: memref<?x33xf32>) {
  grouped.matmul lhs(%x : memref<?x17xf32>) rhs(%g, %u : memref<4x33x17xbf16>, memref<4x33x17xbf16>)
    groups(%o, %t, %s : memref<5xi32>, memref<?xi32>, memref<?xi32>) outs(%y : memref<?x33xf32>)
    attributes {gather, maps = [], tile = #grouped.tile<rows = 24, depth = 18, panels = 1, task_panels = 2>} {
  ^bb0(%a: f32, %b: f32):
    %m = arith.mulf %a, %b : f32
    grouped.yield %m : f32
  }
  return
}

// More: a panel of a depth block becomes f32 once, then register tiles read it
// and prefetch two rows of the next one each.
// CHECK-LABEL: func.func @many(
// CHECK-SAME: %[[W:[^:,]*]]: memref<4x48x64xf32>
// CHECK: %[[PANEL:.*]] = memref.alloc() {alignment = 64 : i64} : memref<512xf32>
// CHECK: %[[ROWS:.*]] = memref.subview %[[W]][%{{.*}}, %{{.*}}, %{{.*}}] [1, 16, 32]
// CHECK: call @transpose_16_at_0_0(%[[ROWS]], %[[PANEL]], %c32)
// CHECK: %[[NEXT:.*]] = memref.subview %[[W]][%{{.*}}, %{{.*}}, %{{.*}}] [1, 2, 32]
// CHECK: call @tile_6x16_fast_0(%{{.*}}, %[[PANEL]], %{{.*}}, %c32, %[[NEXT]], %c0)
func.func @many(%x: memref<?x64xf32>, %w: memref<4x48x64xf32>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>, %y: memref<?x48xf32>) {
  grouped.matmul lhs(%x : memref<?x64xf32>) rhs(%w : memref<4x48x64xf32>)
    groups(%o, %t, %s : memref<5xi32>, memref<?xi32>, memref<?xi32>) outs(%y : memref<?x48xf32>)
    attributes {maps = [], tile = #grouped.tile<rows = 30, depth = 32, panels = 2, task_panels = 2>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }
  return
}

// Weights [depth, columns] are copied into panels, also for few rows; a dense
// matmul has no group.
// CHECK-LABEL: func.func @depth_first(
// CHECK-SAME: %[[W:[^:,]*]]: memref<17x33xf16>
// CHECK: %[[ROWS:.*]] = memref.subview %[[W]][0, %{{.*}}] [17, 16]
// CHECK: call @transpose_16_at_0_kn_some_0(
func.func @depth_first(%x: memref<?x17xf32>, %w: memref<17x33xf16>, %y: memref<?x33xf32>) {
  grouped.matmul lhs(%x : memref<?x17xf32>) rhs(%w : memref<17x33xf16>)
    outs(%y : memref<?x33xf32>) attributes {layout = #grouped<rhs_layout kn>, maps = [],
      tile = #grouped.tile<rows = 6, depth = 18, panels = 1, task_panels = 2>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }
  return
}

// Where columns end within a panel, the last one stands in for those that are
// not there.
// CHECK: func.func private @dot_6_0(
// CHECK: vector.load %{{.*}} : memref<8x?xbf16, {{.*}}>, vector<8xbf16>
// CHECK: math.fma {{.*}} : vector<8xf32>
// CHECK: func.func private @transpose_16_at_0_0(
// CHECK: vector.load %{{.*}} : memref<16x32xf32, {{.*}}>, vector<4xf32>
// CHECK: func.func private @transpose_16_at_0_kn_some_0(
// CHECK: %[[LAST:.*]] = arith.addi %arg3, %c-1
// CHECK: arith.minui %[[LAST]],
