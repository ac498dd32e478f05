// RUN: %moe-opt %s --split-input-file --cpu-lower-grouped --canonicalize --cse | FileCheck %s

// A table of row chunks, one task for each; rows are packed through the token
// table, the epilogue works on vectors, and on scalars where the columns end.
// CHECK-LABEL: func.func @grouped(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x24xf32>
// CHECK: %[[TABLE:.*]] = memref.alloc({{.*}}) {alignment = 64 : i64} : memref<?x3xindex>
// CHECK: %[[TASKS:.*]] = scf.for
// CHECK: scf.parallel ({{.*}}) = (%{{.*}}) to (%[[TASKS]])
// CHECK: %[[PACKED:.*]] = memref.alloc() {alignment = 64 : i64} : memref<2x12x16xf32>
// CHECK: %[[SUMS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<12x32xf32>
// CHECK-COUNT-3: memref.load %[[TABLE]]
// CHECK: %[[ROW:.*]] = vector.load %[[X]]
// CHECK: vector.store %[[ROW]], %[[PACKED]]
// CHECK: call @tile_6x16
// CHECK: scf.index_switch
// CHECK: case 5
// CHECK: call @tile_5x16
// CHECK: %[[G:.*]] = vector.load %[[SUMS]]
// CHECK: %[[U:.*]] = vector.load %[[SUMS]]
// CHECK: %[[BIAS:.*]] = vector.load %{{.*}} : memref<4x12xf32>, vector<8xf32>
// CHECK: %[[M:.*]] = arith.mulf %[[G]], %[[U]] : vector<8xf32>
// CHECK: %[[V:.*]] = arith.addf %[[M]], %[[BIAS]] : vector<8xf32>
// CHECK: vector.store %[[V]], %{{.*}} : memref<?x12xf32>, vector<8xf32>
// CHECK: } else {
// CHECK: memref.load %[[SUMS]]
// CHECK: arith.mulf {{.*}} : f32
// CHECK: memref.store {{.*}} : memref<?x12xf32>
// One step of a register tile: a line prefetched, two vectors of the panel, six
// broadcasts, twelve multiply-adds for each of eight depth elements.
// CHECK-LABEL: func.func private @tile_6x16
// CHECK: scf.for
// CHECK: memref.prefetch {{.*}} read, locality<2>, data
// CHECK-COUNT-2: vector.load {{.*}} vector<8xf32>
// CHECK: vector.broadcast
// CHECK-COUNT-96: math.fma
// CHECK-NOT: math.fma
// CHECK: scf.yield
func.func @grouped(%x: memref<?x24xf32>, %w: memref<4x2x24x16x1xf32>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>, %b: memref<4x12xf32>, %y: memref<?x12xf32>) {
  grouped.matmul lhs(%x : memref<?x24xf32>) rhs(%w : memref<4x2x24x16x1xf32>)
    groups(%o, %t, %s : memref<5xi32>, memref<?xi32>, memref<?xi32>) extras(%b : memref<4x12xf32>)
    outs(%y : memref<?x12xf32>) attributes {gather, maps = [affine_map<(e, r, t, s, n) -> (e, n)>],
      panels = #grouped.panels<parts = 2, columns = 12, depth = 24>, tile = #grouped.tile<rows = 12, depth = 16, panels = 2, task_panels = 2>} {
  ^bb0(%g: f32, %u: f32, %bias: f32):
    %m = arith.mulf %g, %u : f32
    %v = arith.addf %m, %bias : f32
    grouped.yield %v : f32
  }
  return
}

// -----

// With reduce a task owns columns: all groups in order, then it adds to the
// row of the token.
// CHECK-LABEL: func.func @reduce(
// CHECK-SAME: %[[Y:[^:,]*]]: memref<?x64xf32>)
// CHECK: scf.parallel ({{.*}}) = (%{{.*}}) to (%c2)
// CHECK: scf.for
// CHECK: scf.for
// CHECK: %[[OLD:.*]] = vector.load %[[Y]]
// CHECK: %[[SUM:.*]] = arith.addf %[[OLD]]
// CHECK: vector.store %[[SUM]], %[[Y]]
func.func @reduce(%x: memref<?x24xf32>, %w: memref<4x4x12x16x2xbf16>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>, %k: memref<?x2xf32>, %y: memref<?x64xf32>) {
  grouped.matmul lhs(%x : memref<?x24xf32>) rhs(%w : memref<4x4x12x16x2xbf16>)
    groups(%o, %t, %s : memref<5xi32>, memref<?xi32>, memref<?xi32>) extras(%k : memref<?x2xf32>)
    outs(%y : memref<?x64xf32>) attributes {reduce, maps = [affine_map<(e, r, t, s, n) -> (t, s)>],
      panels = #grouped.panels<parts = 1, columns = 64, depth = 24>, tile = #grouped.tile<rows = 12, depth = 24, panels = 2, task_panels = 2>} {
  ^bb0(%a: f32, %weight: f32):
    %m = arith.mulf %a, %weight : f32
    grouped.yield %m : f32
  }
  return
}

// -----

// Few rows that can be read in place are not packed; the panel is prefetched
// ahead in its own stream. bf16 pairs are words: a shift and a mask.
// CHECK-LABEL: func.func @few(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x24xf32>
// CHECK: scf.parallel
// CHECK-NOT: memref<1x8x24xf32>
// CHECK: memref.subview %[[X]]
// CHECK-LABEL: func.func private @tile_5x16_stream
// CHECK-COUNT-4: memref.prefetch {{.*}} read, locality<3>, data
// CHECK: vector.load {{.*}} vector<16xbf16>
// CHECK: vector.bitcast {{.*}} : vector<16xbf16> to vector<8xi32>
// CHECK: arith.shli
// CHECK: arith.andi
func.func @few(%x: memref<?x24xf32>, %w: memref<1x4x12x16x2xbf16>, %y: memref<?x64xf32>) {
  grouped.matmul lhs(%x : memref<?x24xf32>) rhs(%w : memref<1x4x12x16x2xbf16>)
    outs(%y : memref<?x64xf32>) attributes {maps = [],
      panels = #grouped.panels<parts = 1, columns = 64, depth = 24>, tile = #grouped.tile<rows = 8, depth = 24, panels = 1, task_panels = 2>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }
  return
}

// -----

// Part of a task already: no tasks within.
// CHECK-LABEL: func.func @nested(
// CHECK: scf.parallel
// CHECK-NOT: scf.parallel
// CHECK: return
func.func @nested(%x: memref<?x8xf32>, %w: memref<4x1x8x16x1xf32>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>, %y: memref<?x16xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    grouped.matmul lhs(%x : memref<?x8xf32>) rhs(%w : memref<4x1x8x16x1xf32>)
      groups(%o, %t, %s : memref<5xi32>, memref<?xi32>, memref<?xi32>) outs(%y : memref<?x16xf32>) attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 16, depth = 8>} {
    ^bb0(%a: f32):
      grouped.yield %a : f32
    }
  }
  return
}

// -----

// A region that vectors cannot express runs for each element.
// CHECK-LABEL: func.func @scalar(
// CHECK: scf.if %{{.*}} -> (f32)
// CHECK: memref.store
func.func @scalar(%x: memref<?x8xf32>, %w: memref<1x1x8x16x1xf32>, %y: memref<?x16xf32>) {
  %zero = arith.constant 0.0 : f32
  grouped.matmul lhs(%x : memref<?x8xf32>) rhs(%w : memref<1x1x8x16x1xf32>)
    outs(%y : memref<?x16xf32>) attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 16, depth = 8>} {
  ^bb0(%a: f32):
    %p = arith.cmpf ogt, %a, %zero : f32
    %v = scf.if %p -> f32 {
      %d = arith.divf %a, %a : f32
      scf.yield %d : f32
    } else {
      scf.yield %zero : f32
    }
    grouped.yield %v : f32
  }
  return
}
