// RUN: moe-opt %s --moe-encode-weights --verify-diagnostics | FileCheck %s

// CHECK-NOT: #grouped.pa
ml_program.global private mutable @mutable(#moe.random<seed = 1, std = 0.02 : f64>) : tensor<20x7xf32>
ml_program.global private @wide(#moe.random<seed = 2, std = 0.02 : f64>) : tensor<20x7xf64>
ml_program.global private @literal(dense<1.0> : tensor<20x7xf32>) : tensor<20x7xf32>
ml_program.global private @w(#moe.random<seed = 3, std = 0.02 : f64>) : tensor<20x7xf32>

func.func @no_encode_when_host_may_change(%x: tensor<?x7xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %w = ml_program.global_load @mutable : tensor<20x7xf32>
  // expected-remark @+1 {{weights stay unpacked: a weight that the host may change}}
  %0 = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%w : tensor<20x7xf32>)
    outs(%e : tensor<?x20xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  return %0 : tensor<?x20xf32>
}

func.func @no_encode_when_element_is_unsupported(%x: tensor<?x7xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %w = ml_program.global_load_const @wide : tensor<20x7xf64>
  // expected-remark @+1 {{weights stay unpacked: elements other than f32, bf16 and f16}}
  %0 = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%w : tensor<20x7xf64>)
    outs(%e : tensor<?x20xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  return %0 : tensor<?x20xf32>
}

func.func @no_encode_when_value_is_unknown(%x: tensor<?x7xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %w = ml_program.global_load_const @literal : tensor<20x7xf32>
  // expected-remark @+1 {{weights stay unpacked: a weight without a known value}}
  %0 = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%w : tensor<20x7xf32>)
    outs(%e : tensor<?x20xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  return %0 : tensor<?x20xf32>
}

func.func @no_encode_when_weight_is_argument(%x: tensor<?x7xf32>, %w: tensor<20x7xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  // expected-remark @+1 {{weights stay unpacked: a weight that is computed}}
  %0 = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%w : tensor<20x7xf32>)
    outs(%e : tensor<?x20xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  return %0 : tensor<?x20xf32>
}

func.func @no_encode_when_shape_is_dynamic(%x: tensor<?x7xf32>, %w: tensor<?x7xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  // expected-remark @+1 {{weights stay unpacked: weights of dynamic shape}}
  %0 = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%w : tensor<?x7xf32>)
    outs(%e : tensor<?x20xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  return %0 : tensor<?x20xf32>
}

func.func @no_encode_of_three_weights(%x: tensor<?x7xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  %w = ml_program.global_load_const @w : tensor<20x7xf32>
  // expected-remark @+1 {{weights stay unpacked: more than two weights}}
  %0 = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%w, %w, %w : tensor<20x7xf32>, tensor<20x7xf32>, tensor<20x7xf32>)
    outs(%e : tensor<?x20xf32>) attributes {maps = []} {
  ^bb0(%a: f32, %b: f32, %c: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  return %0 : tensor<?x20xf32>
}
