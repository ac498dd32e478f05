// RUN: %moe-opt %s --split-input-file --cpu-globals-to-arguments | FileCheck %s

// Two loads of one global are one argument; the order is that of first use.
// CHECK-NOT: ml_program.global
// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>,
// CHECK-SAME: %[[B:[a-z0-9]+]]: tensor<4xf32> {bufferization.writable = false, moe.param = @b},
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<4xf32> {bufferization.writable = false, moe.param = @layers.0.a})
// CHECK: arith.addf %[[X]], %[[B]]
// CHECK: arith.addf %{{.*}}, %[[A]]
// CHECK: arith.addf %{{.*}}, %[[B]]
ml_program.global private @layers.0.a(#moe.random<seed = 1, std = 1.0e+00 : f64>) : tensor<4xf32>
ml_program.global private mutable @b(#moe.random<seed = 2, std = 1.0e+00 : f64>) : tensor<4xf32>
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %b = ml_program.global_load @b : tensor<4xf32>
  %a = ml_program.global_load_const @layers.0.a : tensor<4xf32>
  %again = ml_program.global_load @b : tensor<4xf32>
  %0 = arith.addf %x, %b : tensor<4xf32>
  %1 = arith.addf %0, %a : tensor<4xf32>
  %2 = arith.addf %1, %again : tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// A function without parameters stays as it is.
// CHECK-LABEL: func.func @g(%{{.*}}: tensor<4xf32>) -> tensor<4xf32>
func.func @g(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
