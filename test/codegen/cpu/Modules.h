// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Modules that more than one test compiles.

#ifndef MOEC_TEST_CODEGEN_CPU_MODULES_H
#define MOEC_TEST_CODEGEN_CPU_MODULES_H

namespace moec::cpu::test {

/// y = x w^T (w in bf16), p = softmax(y).
inline constexpr const char *kSoftmaxLayer = R"mlir(
ml_program.global private @w(#moe.random<seed = 1, std = 2.0e-02 : f64>) : tensor<16x8xbf16>
func.func @"layers.0.moe"(%x: tensor<?x8xf32> {moe.name = "x", moe.dims = ["T", "8"]})
    -> (tensor<?x16xf32> {moe.name = "y", moe.dims = ["T", "16"]},
        tensor<?x16xf32> {moe.name = "p", moe.dims = ["T", "16"]}) {
  %w = ml_program.global_load_const @w : tensor<16x8xbf16>
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x16xf32>
  %z = arith.constant 0.0 : f32
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %m = linalg.matmul indexing_maps = [affine_map<(a, b, c) -> (a, c)>, affine_map<(a, b, c) -> (b, c)>, affine_map<(a, b, c) -> (a, b)>]
    ins(%x, %w : tensor<?x8xf32>, tensor<16x8xbf16>) outs(%f : tensor<?x16xf32>) -> tensor<?x16xf32>
  %s = linalg.softmax dimension(1) ins(%m : tensor<?x16xf32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %m, %s : tensor<?x16xf32>, tensor<?x16xf32>
}
)mlir";

/// y = softmax(x) in blocks of 4 rows; z = tanh(y) below 5 rows, else
/// exp(y) + 1.
inline constexpr const char *kBlocksAndVariants = R"mlir(
#map = affine_map<(a, b) -> (a, b)>
func.func @"f.1"(%x: tensor<?x8xf32> {moe.name = "x", moe.dims = ["T", "8"]})
    -> (tensor<?x8xf32> {moe.name = "y", moe.dims = ["T", "8"]},
        tensor<?x8xf32> {moe.name = "z", moe.dims = ["T", "8"]}) {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %one = arith.constant 1.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %n = affine.apply affine_map<()[s] -> (s ceildiv 4)>()[%t]
  %y = scf.forall (%i) in (%n) shared_outs(%o = %e) -> (tensor<?x8xf32>) {
    %off = affine.apply affine_map<(i) -> (i * 4)>(%i)
    %size = affine.min affine_map<(i)[t] -> (4, t - i * 4)>(%i)[%t]
    %s = tensor.extract_slice %x[%off, 0] [%size, 8] [1, 1] : tensor<?x8xf32> to tensor<?x8xf32>
    %ee = tensor.empty(%size) : tensor<?x8xf32>
    %p = linalg.softmax dimension(1) ins(%s : tensor<?x8xf32>) outs(%ee : tensor<?x8xf32>) -> tensor<?x8xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %p into %o[%off, 0] [%size, 8] [1, 1] : tensor<?x8xf32> into tensor<?x8xf32>
    }
  }
  %big = arith.cmpi sgt, %t, %c4 : index
  %which = arith.index_castui %big : i1 to index
  %z = scf.index_switch %which -> tensor<?x8xf32>
  case 0 {
    %e0 = tensor.empty(%t) : tensor<?x8xf32>
    %r = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%y : tensor<?x8xf32>) outs(%e0 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %b: f32):
      %q = math.tanh %a : f32
      linalg.yield %q : f32
    } -> tensor<?x8xf32>
    scf.yield %r : tensor<?x8xf32>
  }
  default {
    %e0 = tensor.empty(%t) : tensor<?x8xf32>
    %r0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%y : tensor<?x8xf32>) outs(%e0 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %b: f32):
      %q = math.exp %a : f32
      linalg.yield %q : f32
    } -> tensor<?x8xf32>
    %r = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%r0 : tensor<?x8xf32>) outs(%e0 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %b: f32):
      %q = arith.addf %a, %one : f32
      linalg.yield %q : f32
    } -> tensor<?x8xf32>
    scf.yield %r : tensor<?x8xf32>
  }
  return %y, %z : tensor<?x8xf32>, tensor<?x8xf32>
}
)mlir";

} // namespace moec::cpu::test

#endif // MOEC_TEST_CODEGEN_CPU_MODULES_H
