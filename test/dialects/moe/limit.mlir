// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @orders
func.func @orders(%ids: tensor<?x2xi32>, %c: i32, %s: tensor<?xi32>, %p: tensor<?x2xf32>) {
  // CHECK: moe.limit slot %{{.*}} capacity(%{{.*}}) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
  %0 = moe.limit slot %ids capacity(%c) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
  // CHECK: moe.limit token %{{.*}} capacity(%{{.*}}) segments(%{{.*}} : tensor<?xi32>) experts = 8
  %1 = moe.limit token %ids capacity(%c) segments(%s : tensor<?xi32>) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
  // CHECK: moe.limit score %{{.*}} capacity(%{{.*}}) priority(%{{.*}} : tensor<?x2xf32>) experts = 8
  %2 = moe.limit score %ids capacity(%c) priority(%p : tensor<?x2xf32>) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
  // CHECK: moe.limit random %{{.*}} capacity(%{{.*}}) experts = 8 {seed = 7 : i64}
  %3 = moe.limit random %ids capacity(%c) experts = 8 {seed = 7 : i64} : tensor<?x2xi32> -> tensor<?x2xi32>
  return
}
