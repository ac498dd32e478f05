// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @slots
func.func @slots(%r: tensor<?x16xf32>, %z: tensor<?x2x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) -> tensor<?x2x16xf32> {
  // CHECK: moe.slots %{{.*}} by %{{.*}} init(%{{.*}} : tensor<?x2x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x2x16xf32>
  %s = moe.slots %r by %plan init(%z : tensor<?x2x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x2x16xf32>
  return %s : tensor<?x2x16xf32>
}
