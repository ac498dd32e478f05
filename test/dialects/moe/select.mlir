// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @top_k
func.func @top_k(%p: tensor<?x8xf32>) -> tensor<?x2xi32> {
  // CHECK: moe.select #moe.top_k<2> scores(%{{.*}} : tensor<?x8xf32>) -> tensor<?x2xi32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  return %ids : tensor<?x2xi32>
}

// CHECK-LABEL: func @masked
func.func @masked(%p: tensor<5x8xbf16>, %m: tensor<5x8xi1>) -> tensor<5x8xi32> {
  // CHECK: moe.select #moe.top_k<8> scores(%{{.*}} : tensor<5x8xbf16>) mask(%{{.*}} : tensor<5x8xi1>) -> tensor<5x8xi32>
  %ids = moe.select #moe.top_k<8> scores(%p : tensor<5x8xbf16>) mask(%m : tensor<5x8xi1>) -> tensor<5x8xi32>
  return %ids : tensor<5x8xi32>
}

// CHECK-LABEL: func @grouped_top_k
func.func @grouped_top_k(%p: tensor<?x256xf32>) -> (tensor<?x8xi32>, tensor<?x4xi32>) {
  // CHECK: moe.select #moe.grouped_top_k<8, groups = 8, kept = 4, score = sum2>
  %ids = moe.select #moe.grouped_top_k<8, groups = 8, kept = 4, score = sum2, masked = neg_inf>
    scores(%p : tensor<?x256xf32>) -> tensor<?x8xi32>
  // CHECK: moe.select #moe.grouped_top_k<4, groups = 64, kept = 1, masked = zero>
  %max = moe.select #moe.grouped_top_k<4, groups = 64, kept = 1, masked = zero>
    scores(%p : tensor<?x256xf32>) -> tensor<?x4xi32>
  return %ids, %max : tensor<?x8xi32>, tensor<?x4xi32>
}

