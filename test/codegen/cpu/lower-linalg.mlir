// RUN: %moe-opt %s --split-input-file --allow-unregistered-dialect --cpu-lower-linalg | FileCheck %s

// The outermost parallel loop at the top becomes tasks of 8192 / 8 rows.
// CHECK-LABEL: func.func @top
// CHECK: %[[BLOCK:.*]] = arith.constant 1024 : index
// CHECK: %[[N:.*]] = arith.ceildivui %{{.*}}, %[[BLOCK]]
// CHECK: scf.parallel (%[[I:.*]]) = (%{{.*}}) to (%[[N]])
// CHECK: %[[FIRST:.*]] = arith.muli %[[I]], %[[BLOCK]]
// CHECK: %[[LAST:.*]] = arith.addi %[[FIRST]], %[[BLOCK]]
// CHECK: %[[END:.*]] = arith.minui %[[LAST]]
// CHECK: scf.for %{{.*}} = %[[FIRST]] to %[[END]]
// CHECK: scf.for
// CHECK: memref.store
func.func @top(%x: memref<?x8xf32>, %v: f32) {
  linalg.fill ins(%v : f32) outs(%x : memref<?x8xf32>)
  return
}

// -----

// Few rows are not worth a task.
// CHECK-LABEL: func.func @small
// CHECK-NOT: scf.parallel
// CHECK-COUNT-2: scf.for
func.func @small(%x: memref<16x8xf32>, %v: f32) {
  linalg.fill ins(%v : f32) outs(%x : memref<16x8xf32>)
  return
}

// -----

// A reduction outermost stays in order, and so does all in a parallel loop.
// CHECK-LABEL: func.func @in_order
// CHECK-NOT: scf.parallel
// CHECK: scf.for
// CHECK: scf.parallel
// CHECK-NOT: scf.parallel
// CHECK: scf.for
func.func @in_order(%x: memref<?xf32>, %y: memref<f32>, %v: f32, %n: index) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>], iterator_types = ["reduction"]}
    ins(%x : memref<?xf32>) outs(%y : memref<f32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  }
  scf.forall (%i) in (%n) {
    linalg.fill ins(%v : f32) outs(%x : memref<?xf32>)
  }
  return
}

// -----

// No call of a C library for copies.
// CHECK-LABEL: func.func @copy
// CHECK-NOT: memref.copy
// CHECK: memref.load
// CHECK: memref.store
func.func @copy(%x: memref<?x8xf32>, %y: memref<?x8xf32, strided<[16, 1], offset: ?>>) {
  memref.copy %x, %y : memref<?x8xf32> to memref<?x8xf32, strided<[16, 1], offset: ?>>
  return
}
