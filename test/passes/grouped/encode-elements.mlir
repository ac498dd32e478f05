// RUN: moe-opt %s --moe-encode-weights | FileCheck %s

// A matrix that a matmul multiplies by and of which single elements are read is
// stored once.
// CHECK-NOT: private @tied(
// CHECK: private @tied.packed(
// CHECK-NOT: private @tied(
ml_program.global private @tied(#moe.random<seed = 5, std = 0.02 : f64>) : tensor<33x7xbf16>

// CHECK-LABEL: func.func @elements
func.func @elements(%x: tensor<?x7xf32>, %e: tensor<?x33xf32>, %row: index, %column: index) -> (tensor<?x33xf32>, bf16) {
  // CHECK: %[[P:.*]] = ml_program.global_load_const @tied.packed : tensor<1x3x4x16x2xbf16>
  // CHECK-DAG: %[[LANES:.*]] = arith.constant 16 : index
  // CHECK-DAG: %[[PAIR:.*]] = arith.constant 2 : index
  // CHECK-DAG: %[[PANEL:.*]] = arith.divui %{{.*}}, %[[LANES]]
  // CHECK-DAG: %[[LANE:.*]] = arith.remui %{{.*}}, %[[LANES]]
  // CHECK-DAG: %[[GROUP:.*]] = arith.divui %{{.*}}, %[[PAIR]]
  // CHECK-DAG: %[[WITHIN:.*]] = arith.remui %{{.*}}, %[[PAIR]]
  // CHECK: tensor.extract %[[P]][%{{.*}}, %[[PANEL]], %[[GROUP]], %[[LANE]], %[[WITHIN]]]
  // CHECK: grouped.matmul
  %w = ml_program.global_load_const @tied : tensor<33x7xbf16>
  %v = ml_program.global_load_const @tied : tensor<33x7xbf16>
  %element = tensor.extract %w[%row, %column] : tensor<33x7xbf16>
  %y = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%v : tensor<33x7xbf16>)
    outs(%e : tensor<?x33xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x33xf32>
  return %y, %element : tensor<?x33xf32>, bf16
}
