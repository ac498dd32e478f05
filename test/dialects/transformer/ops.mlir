// RUN: moe-opt %s --verify-roundtrip | FileCheck %s
// RUN: moe-opt %s --moe-verify-input -o /dev/null

// CHECK: ml_program.global private mutable @keys(#moe.state<per = session, dims = ["B", "C"], sizes = [1, 64]>)
ml_program.global private mutable @keys(#moe.state<per = session, dims = ["B", "C"], sizes = [1, 64]>) : tensor<?x?x2x16xf32>
// CHECK: ml_program.global private mutable @length(#moe.state<per = session, dims = ["B"], sizes = [1], counts = "C">)
ml_program.global private mutable @length(#moe.state<per = session, dims = ["B"], sizes = [1], counts = "C">) : tensor<?xi32>
// CHECK: @fixed(#moe.state<per = session>)
ml_program.global private mutable @fixed(#moe.state<per = session>) : tensor<4xf32>

// CHECK-LABEL: func @attention
func.func @attention(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x2x16xf32>, %v: tensor<?x?x2x24xbf16>,
                     %p: tensor<?x?xi32>, %s: tensor<8xf32>, %o: tensor<?x?x8x24xf32>)
    -> tensor<?x?x8x24xf32> {
  // CHECK: transformer.attention query({{.*}}) key({{.*}}) value({{.*}}) positions({{.*}}) segments({{.*}}) sinks({{.*}}) outs({{.*}}) {causal, scale = 2.500000e-01 : f32, softcap = 5.000000e+01 : f32, window = 8 : i64}
  %0 = transformer.attention query(%q : tensor<?x?x8x16xf32>) key(%k : tensor<?x?x2x16xf32>)
    value(%v : tensor<?x?x2x24xbf16>) positions(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>)
    segments(%p, %p : tensor<?x?xi32>, tensor<?x?xi32>) sinks(%s : tensor<8xf32>)
    outs(%o : tensor<?x?x8x24xf32>)
    {causal, scale = 2.5e-01 : f32, window = 8 : i64, softcap = 50.0 : f32} -> tensor<?x?x8x24xf32>
  return %0 : tensor<?x?x8x24xf32>
}

// CHECK-LABEL: func @cache
func.func @cache(%k: tensor<?x?x2x16xf32>, %p: tensor<?x?xi32>, %n: tensor<?xi32>) -> tensor<?x?x2x16xf32> {
  %c = ml_program.global_load @keys : tensor<?x?x2x16xf32>
  // CHECK: transformer.kv_append %{{.*}} at %{{.*}} into %{{.*}} : tensor<?x?x2x16xf32>, tensor<?x?xi32>, tensor<?x?x2x16xf32> -> tensor<?x?x2x16xf32>
  %0 = transformer.kv_append %k at %p into %c : tensor<?x?x2x16xf32>, tensor<?x?xi32>, tensor<?x?x2x16xf32> -> tensor<?x?x2x16xf32>
  // CHECK: transformer.kv_view(%{{.*}} : tensor<?x?x2x16xf32>) lengths(%{{.*}} : tensor<?xi32>) -> (tensor<?x?x2x16xf32>), tensor<?x?xi32>
  %1, %2 = transformer.kv_view (%0 : tensor<?x?x2x16xf32>) lengths(%n : tensor<?xi32>) -> (tensor<?x?x2x16xf32>), tensor<?x?xi32>
  return %1 : tensor<?x?x2x16xf32>
}

// CHECK-LABEL: func @rotary
func.func @rotary(%x: tensor<?x?x8x16xf32>, %p: tensor<?x?xi32>, %f: tensor<4xf32>) -> tensor<?x?x8x16xf32> {
  // CHECK: transformer.rotary %{{.*}} at %{{.*}} by %{{.*}} {interleaved, magnitude = 1.500000e+00 : f32, offset = 8 : i64}
  %0 = transformer.rotary %x at %p by %f {interleaved, magnitude = 1.5 : f32, offset = 8 : i64} : tensor<?x?x8x16xf32>, tensor<?x?xi32>, tensor<4xf32>
  return %0 : tensor<?x?x8x16xf32>
}
