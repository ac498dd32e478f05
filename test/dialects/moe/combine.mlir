// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @add
func.func @add(%r: tensor<?x16xf32>, %w: tensor<?x2xf32>, %z: tensor<?x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) -> tensor<?x16xf32> {
  // CHECK: moe.combine add %{{.*}} by %{{.*}} weights(%{{.*}} : tensor<?x2xf32>) init(%{{.*}} : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %y = moe.combine add %r by %plan weights(%w : tensor<?x2xf32>) init(%z : tensor<?x16xf32>)
    : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// CHECK-LABEL: func @replace
func.func @replace(%r: tensor<?x16xf32>, %z: tensor<5x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) -> tensor<5x16xf32> {
  // CHECK: moe.combine replace %{{.*}} by %{{.*}} init(%{{.*}} : tensor<5x16xf32>)
  %y = moe.combine replace %r by %plan init(%z : tensor<5x16xf32>)
    : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<5x16xf32>
  return %y : tensor<5x16xf32>
}
