// RUN: %moe-opt %s --split-input-file --cpu-lower-grouped --canonicalize --cse | FileCheck %s

// The policy's code for one row stands in a loop over the rows of a task.
// CHECK-LABEL: func.func @select(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x8xf32>, %[[Y:[^:]*]]: memref<?x2xi32>
// CHECK: scf.parallel
// CHECK: scf.for %[[ROW:.*]] =
// CHECK-DAG: memref.subview %[[X]][%[[ROW]], 0] [1, 8] [1, 1] : memref<?x8xf32> to memref<8xf32, strided<[1], offset: ?>>
// CHECK-DAG: memref.subview %[[Y]][%[[ROW]], 0] [1, 2] [1, 1] : memref<?x2xi32> to memref<2xi32, strided<[1], offset: ?>>
func.func @select(%x: memref<?x8xf32>, %y: memref<?x2xi32>) {
  grouped.select #moe.top_k<2> scores(%x : memref<?x8xf32>) outs(%y : memref<?x2xi32>)
  return
}
