// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @one_capacity
func.func @one_capacity(%s: tensor<?x4xf32>, %c: i32) -> tensor<4x?xi32> {
  // CHECK: moe.select_tokens position %{{.*}} capacity(%{{.*}} : i32) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  %ids, %chosen = moe.select_tokens position %s capacity(%c : i32) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  return %ids : tensor<4x?xi32>
}

// CHECK-LABEL: func @all_operands
func.func @all_operands(%s: tensor<?x4xf32>, %c: tensor<4xi32>, %m: tensor<?x4xi1>, %g: tensor<?xi32>) -> tensor<?x4xi1> {
  // CHECK: moe.select_tokens score %{{.*}} capacity(%{{.*}} : tensor<4xi32>) mask(%{{.*}} : tensor<?x4xi1>) segments(%{{.*}} : tensor<?xi32>)
  %ids, %chosen = moe.select_tokens score %s capacity(%c : tensor<4xi32>) mask(%m : tensor<?x4xi1>) segments(%g : tensor<?xi32>)
    : tensor<?x4xf32> -> tensor<4x16xi32>, tensor<?x4xi1>
  return %chosen : tensor<?x4xi1>
}
