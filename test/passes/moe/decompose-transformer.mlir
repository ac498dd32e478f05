// RUN: moe-opt %s --moe-decompose-transformer | FileCheck %s
// RUN: moe-opt %s --moe-decompose-transformer=all | FileCheck %s --check-prefix=ALL

// CHECK-LABEL: func @rotary
// Angles in f32, cosines and sines of what is left of them after whole turns.
// CHECK: linalg.generic
// CHECK: arith.mulf
// CHECK: math.roundeven
// CHECK: math.cos
// CHECK: math.sin
// CHECK-NOT: transformer.rotary
func.func @rotary(%x: tensor<?x?x8x16xf32>, %p: tensor<?x?xi32>, %f: tensor<8xf32>) -> tensor<?x?x8x16xf32> {
  %0 = transformer.rotary %x at %p by %f : tensor<?x?x8x16xf32>, tensor<?x?xi32>, tensor<8xf32>
  return %0 : tensor<?x?x8x16xf32>
}

// CHECK-LABEL: func @cache
// CHECK: transformer.kv_append
// CHECK: %[[LONGEST:.*]] = scf.for
// CHECK: %[[SIZE:.*]] = arith.minsi %[[LONGEST]]
// CHECK: linalg.generic
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0, 0] [%{{.*}}, %[[SIZE]], 2, 16]
// ALL-LABEL: func @cache
// ALL-NOT: transformer
// ALL: tensor.insert_slice
func.func @cache(%k: tensor<?x?x2x16xf32>, %c: tensor<?x?x2x16xf32>, %p: tensor<?x?xi32>, %n: tensor<?xi32>) -> (tensor<?x?x2x16xf32>, tensor<?x?xi32>) {
  %0 = transformer.kv_append %k at %p into %c : tensor<?x?x2x16xf32>, tensor<?x?xi32>, tensor<?x?x2x16xf32> -> tensor<?x?x2x16xf32>
  %1, %2 = transformer.kv_view (%0 : tensor<?x?x2x16xf32>) lengths(%n : tensor<?xi32>) -> (tensor<?x?x2x16xf32>), tensor<?x?xi32>
  return %1, %2 : tensor<?x?x2x16xf32>, tensor<?x?xi32>
}

// CHECK-LABEL: func @attention
// CHECK: transformer.attention
// ALL-LABEL: func @attention
// ALL-NOT: transformer.attention
// ALL: arith.maximumf
// ALL: math.exp
// ALL: arith.divf
func.func @attention(%q: tensor<?x?x4x8xf32>, %k: tensor<?x?x2x8xf32>, %p: tensor<?x?xi32>) -> tensor<?x?x4x8xf32> {
  %0 = transformer.attention query(%q : tensor<?x?x4x8xf32>) key(%k : tensor<?x?x2x8xf32>) value(%k : tensor<?x?x2x8xf32>) positions(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>) outs(%q : tensor<?x?x4x8xf32>) {causal, scale = 1.0 : f32} -> tensor<?x?x4x8xf32>
  return %0 : tensor<?x?x4x8xf32>
}
