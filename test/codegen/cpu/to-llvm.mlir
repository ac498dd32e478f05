// RUN: %moe-opt %s --moec-cpu-buffers --moec-cpu-schedule --moec-cpu-llvm | FileCheck %s

// Nothing but LLVM is left, and only entry points are public.
// CHECK-NOT: memref.
// CHECK-NOT: func.func
// CHECK-NOT: unrealized_conversion_cast
// CHECK: llvm.func @f(
// CHECK-SAME: sym_visibility = "private"
// CHECK: llvm.func @moec_workspace_f(%{{.*}}: !llvm.ptr) -> i64
// CHECK: llvm.func @moec_fn_f(%{{.*}}: !llvm.ptr) -> i32
ml_program.global private @w(#moe.random<seed = 1, std = 1.0e+00 : f64>) : tensor<8x8xf32>
func.func @f(%x: tensor<?x8xf32> {moe.dims = ["T", "8"]}) -> (tensor<?x8xf32> {moe.dims = ["T", "8"]}) {
  %y = call @g(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
func.func private @g(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %w = ml_program.global_load_const @w : tensor<8x8xf32>
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %y = linalg.matmul ins(%x, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
