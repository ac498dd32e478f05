// RUN: %moe-opt %s --split-input-file --cpu-lower-grouped --canonicalize --cse | FileCheck %s

// Positions decide: buckets by expert, nothing is sorted, a task an expert drops
// what is behind the capacity.
// CHECK-LABEL: func.func @positions(
// CHECK-SAME: %[[IDS:[^:]*]]: memref<?x2xi32>, %[[C:[^:]*]]: i32, %[[K:[^:]*]]: memref<?x2xi32>
// CHECK: arith.maxsi %[[C]]
// CHECK: memref.store %{{.*}}, %[[K]]
// CHECK: scf.parallel
// CHECK-NOT: scf.while
// CHECK: memref.store %c-1_i32, %[[K]]
func.func @positions(%ids: memref<?x2xi32>, %c: i32, %kept: memref<?x2xi32>) {
  grouped.limit ids(%ids : memref<?x2xi32>) capacity(%c) by_slot experts = 4 outs(%kept : memref<?x2xi32>)
  return
}

// -----

// Only a bucket that overflows is sorted.
// CHECK-LABEL: func.func @score(
// CHECK-SAME: %[[IDS:[^:]*]]: memref<?x2xi32>, %[[C:[^:]*]]: i32, %[[P:[^:]*]]: memref<?x2xf32>, %[[G:[^:]*]]: memref<?xi32>
// CHECK: scf.parallel
// CHECK: arith.cmpi ugt
// CHECK: scf.if
// CHECK: scf.while
// CHECK: memref.load %[[P]]
// CHECK: arith.cmpf ogt
// CHECK: memref.load %[[G]]
// CHECK: arith.cmpi slt
func.func @score(%ids: memref<?x2xi32>, %c: i32, %p: memref<?x2xf32>, %g: memref<?xi32>, %kept: memref<?x2xi32>) {
  grouped.limit ids(%ids : memref<?x2xi32>) capacity(%c) priority(%p : memref<?x2xf32>) segments(%g : memref<?xi32>) experts = 4
    outs(%kept : memref<?x2xi32>)
  return
}
