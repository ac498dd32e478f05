// RUN: moe-opt %s --moe-fuse-combine | FileCheck %s

// The sum's initial value comes after the matmul, which moves down to it.
// CHECK-LABEL: func.func @reduce_into_init
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x16xf32>,
func.func @reduce_into_init(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>, %o: tensor<9xi32>,
    %t: tensor<?xi32>, %s: tensor<?xi32>, %e: tensor<?x32xf32>, %z: tensor<5x32xf32>) -> tensor<5x32xf32> {
  // CHECK: %[[Z:.*]] = linalg.fill
  // CHECK: %[[Y:.*]] = grouped.matmul lhs(%[[X]] : tensor<?x16xf32>)
  // CHECK-SAME: outs(%[[Z]] : tensor<5x32xf32>)
  // CHECK-SAME: attributes {maps = [], reduce}
  // CHECK: } -> tensor<5x32xf32>
  // CHECK-NOT: grouped.combine
  // CHECK: return %[[Y]]
  %c = arith.constant 1.0 : f32
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = linalg.fill ins(%c : f32) outs(%z : tensor<5x32xf32>) -> tensor<5x32xf32>
  %2 = grouped.combine rows(%0 : tensor<?x32xf32>) groups(%o, %t : tensor<9xi32>, tensor<?xi32>)
    outs(%1 : tensor<5x32xf32>) -> tensor<5x32xf32>
  return %2 : tensor<5x32xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_replaced
func.func @no_fuse_when_replaced(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>, %o: tensor<9xi32>,
    %t: tensor<?xi32>, %s: tensor<?xi32>, %e: tensor<?x32xf32>, %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: grouped.combine replace
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.combine replace rows(%0 : tensor<?x32xf32>) groups(%o, %t : tensor<9xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_others_read
func.func @no_fuse_when_others_read(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>, %o: tensor<9xi32>,
    %t: tensor<?xi32>, %s: tensor<?xi32>, %e: tensor<?x32xf32>, %z: tensor<?x32xf32>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK: grouped.combine
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.combine rows(%0 : tensor<?x32xf32>) groups(%o, %t : tensor<9xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %0, %1 : tensor<?x32xf32>, tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_tables_differ
func.func @no_fuse_when_tables_differ(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>, %o: tensor<9xi32>,
    %t: tensor<?xi32>, %s: tensor<?xi32>, %e: tensor<?x32xf32>, %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: grouped.combine
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.combine rows(%0 : tensor<?x32xf32>) groups(%o, %s : tensor<9xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}
