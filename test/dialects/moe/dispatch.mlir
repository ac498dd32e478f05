// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @plain
func.func @plain(%x: tensor<?x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) -> tensor<?x16xf32> {
  // CHECK: moe.dispatch %{{.*}} by %{{.*}} : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %r = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// Positions and samples go along.
// CHECK-LABEL: func @other_ranks
func.func @other_ranks(%x: tensor<?xi32>, %y: tensor<5x3x4xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // CHECK: moe.dispatch %{{.*}} by %{{.*}} : tensor<?xi32>,
  %r = moe.dispatch %x by %plan : tensor<?xi32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xi32>
  // CHECK: -> tensor<?x3x4xf32>
  %s = moe.dispatch %y by %plan : tensor<5x3x4xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x3x4xf32>
  return
}

// CHECK-LABEL: func @weighted
func.func @weighted(%x: tensor<?x16xf32>, %w: tensor<?x2xf32>, %plan: !moe.plan<experts = 8, slots = 2>) -> tensor<?x16xf32> {
  // CHECK: moe.dispatch %{{.*}} by %{{.*}} weights(%{{.*}} : tensor<?x2xf32>)
  %r = moe.dispatch %x by %plan weights(%w : tensor<?x2xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}
