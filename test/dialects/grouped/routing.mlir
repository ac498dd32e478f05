// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @limit
func.func @limit(%ids: tensor<?x2xi32>, %c: i32, %p: tensor<?x2xf32>, %g: tensor<?xi32>, %e: tensor<?x2xi32>) {
  // CHECK: grouped.limit ids(%{{.*}} : tensor<?x2xi32>) capacity(%{{.*}}) experts = 8 outs(%{{.*}} : tensor<?x2xi32>) -> tensor<?x2xi32>
  %0 = grouped.limit ids(%ids : tensor<?x2xi32>) capacity(%c) experts = 8 outs(%e : tensor<?x2xi32>) -> tensor<?x2xi32>
  // CHECK: grouped.limit ids({{.*}}) capacity({{.*}}) priority(%{{.*}} : tensor<?x2xf32>) segments(%{{.*}} : tensor<?xi32>) experts = 8
  %1 = grouped.limit ids(%ids : tensor<?x2xi32>) capacity(%c) priority(%p : tensor<?x2xf32>) segments(%g : tensor<?xi32>) experts = 8
    outs(%e : tensor<?x2xi32>) -> tensor<?x2xi32>
  // CHECK: by_slot experts = 8
  %2 = grouped.limit ids(%ids : tensor<?x2xi32>) capacity(%c) by_slot experts = 8 outs(%e : tensor<?x2xi32>) -> tensor<?x2xi32>
  // CHECK: random = 7 experts = 8
  %3 = grouped.limit ids(%ids : tensor<?x2xi32>) capacity(%c) random = 7 experts = 8 outs(%e : tensor<?x2xi32>) -> tensor<?x2xi32>
  return
}

// CHECK-LABEL: func @select_tokens
func.func @select_tokens(%s: memref<?x4xf32>, %c: i32, %cs: memref<4xi32>, %m: memref<?x4xi1>, %g: memref<?xi32>, %ids: memref<4x?xi32>, %chosen: memref<?x4xi1>) {
  // CHECK: grouped.select_tokens scores(%{{.*}} : memref<?x4xf32>) capacity(%{{.*}} : i32) outs(%{{.*}}, %{{.*}} : memref<4x?xi32>, memref<?x4xi1>)
  grouped.select_tokens scores(%s : memref<?x4xf32>) capacity(%c : i32) outs(%ids, %chosen : memref<4x?xi32>, memref<?x4xi1>)
  // CHECK: grouped.select_tokens by_score scores({{.*}}) capacity(%{{.*}} : memref<4xi32>) mask(%{{.*}} : memref<?x4xi1>) segments(%{{.*}} : memref<?xi32>)
  grouped.select_tokens by_score scores(%s : memref<?x4xf32>) capacity(%cs : memref<4xi32>) mask(%m : memref<?x4xi1>) segments(%g : memref<?xi32>)
    outs(%ids, %chosen : memref<4x?xi32>, memref<?x4xi1>)
  return
}
