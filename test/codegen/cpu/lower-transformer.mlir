// RUN: moe-opt %s --cpu-lower-transformer | FileCheck %s
// RUN: moe-opt %s --cpu-lower-transformer=lanes=16 | FileCheck %s --check-prefix=WIDE
// RUN: not moe-opt %s --cpu-lower-transformer=lanes=4 2>&1 | FileCheck %s --check-prefix=LANES
// LANES: lanes of cpu-lower-transformer are 8 or 16, got 4

// CHECK-LABEL: func @attention
// CHECK: scf.parallel
// Blocks that no row sees are skipped.
// CHECK: scf.if
// CHECK: math.fma {{.*}} : vector<8xf32>
// CHECK: vector.reduction <maximumf>
// CHECK: math.exp {{.*}} : vector<8xf32>
// The last 3 of 11 columns.
// CHECK: vector.maskedload
// CHECK-NOT: transformer.attention
// WIDE: math.fma {{.*}} : vector<16xf32>
func.func @attention(%q: memref<?x?x4x8xf32>, %k: memref<?x?x2x8xf32>, %v: memref<?x?x2x11xf32>, %p: memref<?x?xi32>, %o: memref<?x?x4x11xf32>) {
  transformer.attention query(%q : memref<?x?x4x8xf32>) key(%k : memref<?x?x2x8xf32>) value(%v : memref<?x?x2x11xf32>) positions(%p, %p : memref<?x?xi32>, memref<?x?xi32>) outs(%o : memref<?x?x4x11xf32>) {causal, scale = 1.0 : f32}
  return
}

// CHECK-LABEL: func @append
// CHECK: scf.parallel
// CHECK: %[[SLOT:.*]] = arith.remui
// CHECK: memref.subview %{{.*}}[%{{.*}}, %[[SLOT]], 0, 0] [1, 1, 2, 8]
// CHECK: memref.copy
func.func @append(%k: memref<?x?x2x8xf32>, %p: memref<?x?xi32>, %c: memref<?x?x2x8xf32>) {
  transformer.kv_append %k at %p into %c : memref<?x?x2x8xf32>, memref<?x?xi32>, memref<?x?x2x8xf32>
  return
}
