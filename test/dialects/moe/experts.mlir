// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @identity
func.func @identity(%r: tensor<?x16xf32>, %w: tensor<8x16x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) -> tensor<?x16xf32> {
  // CHECK: moe.experts %{{.*}} rows(%{{.*}} : tensor<?x16xf32>) params(%{{.*}} : tensor<8x16x16xf32>) : !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32> {
  %y = moe.experts %plan rows(%r : tensor<?x16xf32>) params(%w : tensor<8x16x16xf32>)
      : !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32> {
  // CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<?x16xf32>, %{{.*}}: tensor<16x16xf32>, %{{.*}}: index):
  ^bb0(%x: tensor<?x16xf32>, %slice: tensor<16x16xf32>, %expert: index):
    // CHECK-NEXT: moe.yield %[[X]] : tensor<?x16xf32>
    moe.yield %x : tensor<?x16xf32>
  }
  return %y : tensor<?x16xf32>
}

// Two kinds of expert and null ones; a stack may be short where nobody reads it.
// CHECK-LABEL: func @bank
func.func @bank(%r: tensor<?x16xf32>, %w: tensor<2x16x16xf32>, %b: tensor<1x16xf32>, %plan: !moe.plan<experts = 6, slots = 2>) -> tensor<?x16xf32> {
  // CHECK: members = [0, 0, 0, 1, -1, -1] slot = [0, 1, 1, 0, 0, 0]
  %y = moe.experts %plan rows(%r : tensor<?x16xf32>) params(%w, %b : tensor<2x16x16xf32>, tensor<1x16xf32>)
      members = [0, 0, 0, 1, -1, -1] slot = [0, 1, 1, 0, 0, 0]
      : !moe.plan<experts = 6, slots = 2> -> tensor<?x16xf32> {
  ^bb0(%x: tensor<?x16xf32>, %slice: tensor<16x16xf32>, %bias: tensor<16xf32>, %expert: index):
    %m = linalg.matmul ins(%x, %slice : tensor<?x16xf32>, tensor<16x16xf32>) outs(%x : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %m : tensor<?x16xf32>
  }, {
  ^bb0(%x: tensor<?x16xf32>, %slice: tensor<16x16xf32>, %bias: tensor<16xf32>, %expert: index):
    %m = linalg.broadcast ins(%bias : tensor<16xf32>) outs(%x : tensor<?x16xf32>) dimensions = [0]
    moe.yield %m : tensor<?x16xf32>
  }
  return %y : tensor<?x16xf32>
}

// CHECK-LABEL: func @several_rows_no_params
func.func @several_rows_no_params(%r: tensor<?x16xf32>, %p: tensor<?xi32>, %plan: !moe.plan<experts = 6, slots = 2>) {
  // CHECK: moe.experts %{{.*}} rows(%{{.*}}, %{{.*}} : tensor<?x16xf32>, tensor<?xi32>) : !moe.plan<experts = 6, slots = 2> -> tensor<?xi32>, tensor<?x16xf32> {
  %y:2 = moe.experts %plan rows(%r, %p : tensor<?x16xf32>, tensor<?xi32>)
      : !moe.plan<experts = 6, slots = 2> -> tensor<?xi32>, tensor<?x16xf32> {
  ^bb0(%x: tensor<?x16xf32>, %q: tensor<?xi32>, %expert: index):
    moe.yield %q, %x : tensor<?xi32>, tensor<?x16xf32>
  }
  return
}
