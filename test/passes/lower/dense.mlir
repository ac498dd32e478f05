// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --convert-moe-to-grouped --canonicalize | FileCheck %s

ml_program.global private @w(#moe.random<seed = 1, std = 2.000000e-02 : f64>) : tensor<8x16xbf16>
ml_program.global private @v(#moe.random<seed = 2, std = 2.000000e-02 : f64>) : tensor<16x8xf32>

// CHECK-LABEL: func @router(
// CHECK-SAME: %[[X:.*]]: tensor<?x16xf32>
// CHECK: %[[W:.*]] = ml_program.global_load_const @w
// CHECK: %[[T:.*]] = tensor.dim %[[X]]
// CHECK: %[[E:.*]] = tensor.empty(%[[T]])
// CHECK: grouped.matmul lhs(%[[X]] : tensor<?x16xf32>) rhs(%[[W]] : tensor<8x16xbf16>) outs(%[[E]] : tensor<?x8xf32>) attributes {maps = []}
func.func @router(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %w = ml_program.global_load_const @w : tensor<8x16xbf16>
  %t = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %l = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
    ins(%x, %w : tensor<?x16xf32>, tensor<8x16xbf16>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %l : tensor<?x8xf32>
}

// What the contraction starts from is added in the epilogue.
// CHECK-LABEL: func @accumulate(
// CHECK-SAME: %[[X:.*]]: tensor<?x16xf32>, %[[Y:.*]]: tensor<?x8xf32>
// CHECK: grouped.matmul lhs(%[[X]] {{.*}} extras(%[[Y]] : tensor<?x8xf32>) {{.*}}layout = #grouped<rhs_layout kn>
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT:   arith.addf %[[B]], %[[A]]
func.func @accumulate(%x: tensor<?x16xf32>, %y: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %v = ml_program.global_load_const @v : tensor<16x8xf32>
  %l = linalg.matmul ins(%x, %v : tensor<?x16xf32>, tensor<16x8xf32>) outs(%y : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %l : tensor<?x8xf32>
}

// In the loop of a router the rows are those of a block.
// CHECK-LABEL: func @in_a_loop(
// CHECK: scf.forall
// CHECK:   grouped.matmul lhs(
func.func @in_a_loop(%x: tensor<32x16xf32>) -> tensor<32x8xf32> {
  %zero = arith.constant 0.0 : f32
  %v = ml_program.global_load_const @v : tensor<16x8xf32>
  %o = tensor.empty() : tensor<32x8xf32>
  %r = scf.forall (%i) = (0) to (32) step (8) shared_outs(%s = %o) -> tensor<32x8xf32> {
    %b = tensor.extract_slice %x[%i, 0] [8, 16] [1, 1] : tensor<32x16xf32> to tensor<8x16xf32>
    %e = tensor.empty() : tensor<8x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<8x8xf32>) -> tensor<8x8xf32>
    %l = linalg.matmul ins(%b, %v : tensor<8x16xf32>, tensor<16x8xf32>) outs(%z : tensor<8x8xf32>) -> tensor<8x8xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %l into %s[%i, 0] [8, 8] [1, 1] : tensor<8x8xf32> into tensor<32x8xf32>
    }
  }
  return %r : tensor<32x8xf32>
}

// Two computed operands, a result of another type, a transposed left side, a
// product that is no product: linalg stays.
// CHECK-LABEL: func @no_parameter(
// CHECK-NOT: grouped.matmul
func.func @no_parameter(%x: tensor<?x16xf32>, %y: tensor<16x8xf32>, %z: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %l = linalg.matmul ins(%x, %y : tensor<?x16xf32>, tensor<16x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %l : tensor<?x8xf32>
}
// CHECK-LABEL: func @not_f32(
// CHECK-NOT: grouped.matmul
func.func @not_f32(%x: tensor<?x16xbf16>, %z: tensor<?x8xbf16>) -> tensor<?x8xbf16> {
  %v = ml_program.global_load_const @v : tensor<16x8xf32>
  %l = linalg.matmul ins(%x, %v : tensor<?x16xbf16>, tensor<16x8xf32>) outs(%z : tensor<?x8xbf16>) -> tensor<?x8xbf16>
  return %l : tensor<?x8xbf16>
}
// CHECK-LABEL: func @transposed_rows(
// CHECK-NOT: grouped.matmul
func.func @transposed_rows(%x: tensor<16x?xf32>, %z: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %v = ml_program.global_load_const @v : tensor<16x8xf32>
  %l = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (k, i)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>]
    ins(%x, %v : tensor<16x?xf32>, tensor<16x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %l : tensor<?x8xf32>
}
// CHECK-LABEL: func @other_body(
// CHECK-NOT: grouped.matmul
func.func @other_body(%x: tensor<?x16xf32>, %z: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %v = ml_program.global_load_const @v : tensor<16x8xf32>
  %l = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %v : tensor<?x16xf32>, tensor<16x8xf32>) outs(%z : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %acc: f32):
    %n = arith.negf %a : f32
    %p = arith.mulf %n, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  return %l : tensor<?x8xf32>
}
