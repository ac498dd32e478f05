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

// CHECK-LABEL: func @top_k_operand
func.func @top_k_operand(%p: tensor<?x8xf32>, %k: i32, %ks: tensor<?xi32>) {
  // CHECK: moe.select #moe.top_k<?, max = 4> scores(%{{.*}} : tensor<?x8xf32>) params(%{{.*}} : i32) -> tensor<?x4xi32>
  %0 = moe.select #moe.top_k<?, max = 4> scores(%p : tensor<?x8xf32>) params(%k : i32) -> tensor<?x4xi32>
  // CHECK: moe.select #moe.top_k<?> scores(%{{.*}} : tensor<?x8xf32>) params(%{{.*}} : tensor<?xi32>) -> tensor<?x8xi32>
  %1 = moe.select #moe.top_k<?> scores(%p : tensor<?x8xf32>) params(%ks : tensor<?xi32>) -> tensor<?x8xi32>
  return
}

// CHECK-LABEL: func @top_p
func.func @top_p(%p: tensor<?x8xf32>, %m: tensor<?x8xi1>, %ps: tensor<?xf32>) {
  // CHECK: moe.select #moe.top_p<4.000000e-01, inclusive> scores(%{{.*}} : tensor<?x8xf32>) -> tensor<?x8xi32>
  %0 = moe.select #moe.top_p<4.0e-01, inclusive> scores(%p : tensor<?x8xf32>) -> tensor<?x8xi32>
  // CHECK: moe.select #moe.top_p<?, exclusive, min = 1, max = 4> scores(%{{.*}} : tensor<?x8xf32>) mask(%{{.*}} : tensor<?x8xi1>) params(%{{.*}} : tensor<?xf32>)
  %1 = moe.select #moe.top_p<?, exclusive, max = 4, min = 1> scores(%p : tensor<?x8xf32>) mask(%m : tensor<?x8xi1>)
    params(%ps : tensor<?xf32>) -> tensor<?x4xi32>
  return
}

// CHECK-LABEL: func @threshold
func.func @threshold(%p: tensor<?x8xf32>, %t: f32) {
  // CHECK: moe.select #moe.threshold<-2.500000e-01, max = 3> scores
  %0 = moe.select #moe.threshold<-0.25, max = 3> scores(%p : tensor<?x8xf32>) -> tensor<?x3xi32>
  // CHECK: moe.select #moe.threshold<?> scores(%{{.*}} : tensor<?x8xf32>) params(%{{.*}} : f32) -> tensor<?x8xi32>
  %1 = moe.select #moe.threshold<?> scores(%p : tensor<?x8xf32>) params(%t : f32) -> tensor<?x8xi32>
  return
}

// CHECK-LABEL: func @ranks
func.func @ranks(%p: tensor<?x8xf32>) {
  // CHECK: moe.select #moe.ranks<[1, 3]> scores(%{{.*}} : tensor<?x8xf32>) -> tensor<?x2xi32>
  %0 = moe.select #moe.ranks<[1, 3]> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  return
}

// CHECK-LABEL: func @product_key
func.func @product_key(%p: tensor<?x4xf32>, %q: tensor<?x4xf32>) {
  // CHECK: moe.select #moe.product_key<3, side = 4> scores(%{{.*}}, %{{.*}} : tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x3xi32>, tensor<?x3xf32>
  %0, %1 = moe.select #moe.product_key<3, side = 4> scores(%p, %q : tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x3xi32>, tensor<?x3xf32>
  return
}
