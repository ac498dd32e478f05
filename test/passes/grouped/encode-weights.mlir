// RUN: moe-opt %s --moe-encode-weights | FileCheck %s
// RUN: moe-opt %s --moe-encode-weights | FileCheck %s --check-prefix=GONE

// CHECK-DAG: ml_program.global private @"gate|up.packed"(#grouped.packed<["gate", "up"], [#moe.random<seed = 1, std = 2.000000e-02 : f64>, #moe.random<seed = 2, std = 2.000000e-02 : f64>], #grouped.panels<parts = 2, columns = 20, depth = 7>, nk>) : tensor<8x3x4x16x2xbf16>
// CHECK-DAG: ml_program.global private @router.packed(#grouped.packed<["router"], [#moe.source<"m.safetensors", "r">], #grouped.panels<parts = 1, columns = 33, depth = 7>, nk>) : tensor<1x3x7x16x1xf32>
// CHECK-DAG: ml_program.global private @kn(
// Nothing reads gate and router any more; up has another reader. Panels hold
// [columns, depth], so kn stays.
// GONE-NOT: private @gate(
// GONE-NOT: private @router(
// CHECK-DAG: ml_program.global private @up(
ml_program.global private @gate(#moe.random<seed = 1, std = 0.02 : f64>) : tensor<8x20x7xbf16>
ml_program.global private @up(#moe.random<seed = 2, std = 0.02 : f64>) : tensor<8x20x7xbf16>
ml_program.global private @router(#moe.source<"m.safetensors", "r">) : tensor<33x7xf32>
ml_program.global private @kn(#moe.random<seed = 4, std = 0.02 : f64>) : tensor<8x7x20xf16>

// Two matmuls of equal weights share one packing.
// CHECK-LABEL: func.func @two_weights_twice
func.func @two_weights_twice(%x: tensor<?x7xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>,
    %s: tensor<?xi32>, %e: tensor<?x20xf32>) -> (tensor<?x20xf32>, tensor<?x20xf32>, tensor<8x20x7xbf16>) {
  // CHECK: %[[A:.*]] = ml_program.global_load_const @"gate|up.packed" : tensor<8x3x4x16x2xbf16>
  // CHECK: grouped.matmul lhs(%{{.*}} : tensor<?x7xf32>) rhs(%[[A]] : tensor<8x3x4x16x2xbf16>)
  // CHECK-SAME: panels = #grouped.panels<parts = 2, columns = 20, depth = 7>
  // CHECK: %[[B:.*]] = ml_program.global_load_const @"gate|up.packed" : tensor<8x3x4x16x2xbf16>
  // CHECK: grouped.matmul lhs(%{{.*}} : tensor<?x7xf32>) rhs(%[[B]] : tensor<8x3x4x16x2xbf16>)
  %g = ml_program.global_load_const @gate : tensor<8x20x7xbf16>
  %u = ml_program.global_load_const @up : tensor<8x20x7xbf16>
  %0 = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%g, %u : tensor<8x20x7xbf16>, tensor<8x20x7xbf16>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x20xf32>) attributes {maps = []} {
  ^bb0(%a: f32, %b: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  %1 = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%g, %u : tensor<8x20x7xbf16>, tensor<8x20x7xbf16>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x20xf32>) attributes {maps = []} {
  ^bb0(%a: f32, %b: f32):
    grouped.yield %b : f32
  } -> tensor<?x20xf32>
  return %0, %1, %u : tensor<?x20xf32>, tensor<?x20xf32>, tensor<8x20x7xbf16>
}

// CHECK-LABEL: func.func @dense_and_kn
func.func @dense_and_kn(%x: tensor<?x7xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>,
    %e: tensor<?x33xf32>, %f: tensor<?x20xf32>) -> (tensor<?x33xf32>, tensor<?x20xf32>) {
  // CHECK: rhs(%{{.*}} : tensor<1x3x7x16x1xf32>)
  // CHECK: rhs(%{{.*}} : tensor<8x7x20xf16>)
  // CHECK-SAME: rhs_layout kn
  // CHECK-NOT: panels
  %r = ml_program.global_load_const @router : tensor<33x7xf32>
  %0 = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%r : tensor<33x7xf32>)
    outs(%e : tensor<?x33xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x33xf32>
  %k = ml_program.global_load_const @kn : tensor<8x7x20xf16>
  %1 = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%k : tensor<8x7x20xf16>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%f : tensor<?x20xf32>) attributes {maps = [], layout = #grouped<rhs_layout kn>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  return %0, %1 : tensor<?x33xf32>, tensor<?x20xf32>
}
