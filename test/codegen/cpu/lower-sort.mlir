// RUN: %moe-opt %s --split-input-file --cpu-lower-grouped --canonicalize --cse | FileCheck %s

// Histogram, scan, placement at moving offsets, offsets shifted back. An id out
// of range is a large unsigned number.
// CHECK-LABEL: func.func @sort(
// CHECK-SAME: %[[IDS:[^:]*]]: memref<?x2xi32>, %[[O:[^:]*]]: memref<5xi32>, %[[T:[^:]*]]: memref<?xi32>, %[[S:[^:]*]]: memref<?xi32>
// CHECK: memref.store %{{.*}}, %[[O]]
// CHECK: memref.load %[[IDS]]
// CHECK: arith.cmpi ult, %{{.*}}, %c4 : index
// CHECK: memref.store %{{.*}}, %[[O]]
// CHECK: arith.addi
// CHECK: memref.load %[[IDS]]
// CHECK: arith.cmpi ult, %{{.*}}, %c4 : index
// CHECK: memref.store %{{.*}}, %[[T]]
// CHECK: memref.store %{{.*}}, %[[S]]
// CHECK: arith.subi %c4
// CHECK-NOT: scf.parallel
// CHECK: return
func.func @sort(%ids: memref<?x2xi32>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>) {
  grouped.sort ids(%ids : memref<?x2xi32>) outs(%o, %t, %s : memref<5xi32>, memref<?xi32>, memref<?xi32>)
  return
}

// -----

// A task an expert counts, another sorts; the slots serve as spare memory until
// they are set.
// CHECK-LABEL: func.func @by_expert(
// CHECK-SAME: %[[IDS:[^:]*]]: memref<4x3xi32>, %[[N:[^:]*]]: index, %[[O:[^:]*]]: memref<5xi32>, %[[T:[^:]*]]: memref<?xi32>, %[[S:[^:]*]]: memref<?xi32>
// CHECK: scf.parallel
// CHECK: arith.cmpi ult, %{{.*}}, %[[N]] : index
// CHECK: memref.store %{{.*}}, %[[O]]
// CHECK: scf.parallel
// CHECK: memref.store %{{.*}}, %[[T]]
// CHECK: scf.while
// CHECK: memref.store %{{.*}}, %[[S]]
// CHECK: memref.store %{{.*}}, %[[T]]
// CHECK: memref.store %{{.*}}, %[[S]]
func.func @by_expert(%ids: memref<4x3xi32>, %n: index, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>) {
  grouped.sort ids(%ids : memref<4x3xi32>) by_expert(%n) outs(%o, %t, %s : memref<5xi32>, memref<?xi32>, memref<?xi32>)
  return
}
