// RUN: %moe-opt %s --cpu-lower-grouped --canonicalize --cse 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t

// Said once a module.
// REMARK: remark: weights are neither panels nor one or two arrays of static shape and of f32, bf16 or f16: plain loops
// REMARK-NOT: remark:

// CHECK-LABEL: func.func @nk(
// CHECK-SAME: %[[W:[^:,]*]]: memref<4x?x8xbf16>
// CHECK: scf.parallel
// CHECK: memref.load %[[W]][%{{.*}}, %[[N:.*]], %[[K:.*]]] : memref<4x?x8xbf16>
// CHECK: arith.extf {{.*}} : bf16 to f32
// CHECK: math.fma
func.func @nk(%x: memref<?x8xf32>, %w: memref<4x?x8xbf16>, %o: memref<5xi32>, %t: memref<?xi32>, %s: memref<?xi32>, %y: memref<?x32xf32>) {
  grouped.matmul lhs(%x : memref<?x8xf32>) rhs(%w : memref<4x?x8xbf16>)
    groups(%o, %t, %s : memref<5xi32>, memref<?xi32>, memref<?xi32>) outs(%y : memref<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }
  return
}

// CHECK-LABEL: func.func @kn(
// CHECK-SAME: %[[W:[^:,]*]]: memref<8x32xf64>
// CHECK: scf.parallel
// CHECK: %{{.*}} = scf.for %[[K:[^ ]*]] = %c0 to %c8
// CHECK: memref.load %[[W]][%[[K]], %{{.*}}]
// CHECK: arith.truncf {{.*}} : f64 to f32
func.func @kn(%x: memref<?x8xf32>, %w: memref<8x32xf64>, %y: memref<?x32xf32>) {
  grouped.matmul lhs(%x : memref<?x8xf32>) rhs(%w : memref<8x32xf64>)
    outs(%y : memref<?x32xf32>) attributes {layout = #grouped<rhs_layout kn>, maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }
  return
}
