// RUN: %moe-opt %s --split-input-file --cpu-prepare-tensors | FileCheck %s

// CHECK-LABEL: func.func @softmax
// CHECK-NOT: linalg.softmax
// CHECK: arith.maxnumf
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: arith.divf
func.func @softmax(%x: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %e = tensor.empty() : tensor<3x8xf32>
  %y = linalg.softmax dimension(1) ins(%x : tensor<3x8xf32>) outs(%e : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %y : tensor<3x8xf32>
}

// -----

// CHECK-LABEL: func.func @concat
// CHECK-NOT: tensor.concat
// CHECK-COUNT-2: tensor.insert_slice
func.func @concat(%x: tensor<3x8xf32>, %y: tensor<3x8xf32>) -> tensor<6x8xf32> {
  %z = tensor.concat dim(0) %x, %y : (tensor<3x8xf32>, tensor<3x8xf32>) -> tensor<6x8xf32>
  return %z : tensor<6x8xf32>
}

// -----

// Each use of an empty tensor has its own.
// CHECK-LABEL: func.func @empty
// CHECK: %[[A:.*]] = tensor.empty() : tensor<4xf32>
// CHECK: linalg.exp ins(%{{.*}}) outs(%[[A]]
// CHECK: %[[B:.*]] = tensor.empty() : tensor<4xf32>
// CHECK: linalg.exp ins(%{{.*}}) outs(%[[B]]
func.func @empty(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %z = linalg.exp ins(%y : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %z : tensor<4xf32>
}
