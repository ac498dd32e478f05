// RUN: %moe-opt %s --split-input-file --cpu-lower-grouped --canonicalize --cse | FileCheck %s

// A task an expert: candidates are listed and sorted only where they are too
// many; tokens themselves are not touched.
// CHECK-LABEL: func.func @position(
// CHECK-SAME: %[[S:[^:]*]]: memref<?x4xf32>, %[[C:[^:]*]]: i32, %[[IDS:[^:]*]]: memref<4x?xi32>, %[[M:[^:]*]]: memref<?x4xi1>
// CHECK: scf.parallel
// CHECK: memref.load %[[S]]
// CHECK: memref.store %false, %[[M]]
// CHECK: arith.cmpf ord
// CHECK: arith.cmpi ugt
// CHECK: scf.if
// CHECK: scf.while
// CHECK: memref.store %true, %[[M]]
// CHECK: memref.store %{{.*}}, %[[IDS]]
// CHECK: memref.store %c-1_i32, %[[IDS]]
func.func @position(%s: memref<?x4xf32>, %c: i32, %ids: memref<4x?xi32>, %m: memref<?x4xi1>) {
  grouped.select_tokens scores(%s : memref<?x4xf32>) capacity(%c : i32) outs(%ids, %m : memref<4x?xi32>, memref<?x4xi1>)
  return
}

// -----

// By score all candidates are sorted; segments are limited before.
// CHECK-LABEL: func.func @score(
// CHECK-SAME: %{{[^:]*}}: memref<?x4xf32>, %[[C:[^:]*]]: memref<4xi32>, %[[G:[^:]*]]: memref<?xi32>
// CHECK: scf.parallel
// CHECK: memref.load %[[C]]
// CHECK: scf.while
// CHECK: memref.load %[[G]]
// CHECK: scf.while
func.func @score(%s: memref<?x4xf32>, %c: memref<4xi32>, %g: memref<?xi32>, %ids: memref<4x?xi32>, %m: memref<?x4xi1>) {
  grouped.select_tokens by_score scores(%s : memref<?x4xf32>) capacity(%c : memref<4xi32>) segments(%g : memref<?xi32>)
    outs(%ids, %m : memref<4x?xi32>, memref<?x4xi1>)
  return
}
