// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK: module attributes {moe.source_directory = "/models/m"}
module attributes {moe.source_directory = "/models/m"} {
  // CHECK: @plain(#moe.source<"model.safetensors", "gate.weight">) : tensor<8x16xf32>
  ml_program.global private @plain(#moe.source<"model.safetensors", "gate.weight">) : tensor<8x16xf32>
  // CHECK: @stacked(#moe.expr<stack, [#moe.source<"a", "e.0">, #moe.source<"b", "e.1">]>)
  ml_program.global private @stacked(#moe.expr<stack, [#moe.source<"a", "e.0">, #moe.source<"b", "e.1">]>) : tensor<2x4x4xbf16>
  // CHECK: @joined(#moe.expr<concat, [{{.*}}], dims = [1]>)
  ml_program.global private @joined(#moe.expr<concat, [#moe.source<"a", "u">, #moe.source<"a", "v">], dims = [1]>) : tensor<4x8xf32>
  // CHECK: @part(#moe.expr<slice, [{{.*}}], dims = [1, 0, 24]>)
  ml_program.global private @part(#moe.expr<slice, [#moe.source<"a", "gate_up">], dims = [1, 0, 24]>) : tensor<8x24xf32>
  // CHECK: @turned(#moe.expr<transpose, [#moe.expr<slice, [{{.*}}], dims = [0, 1, 2]>], dims = [1, 0]>)
  ml_program.global private @turned(#moe.expr<transpose, [#moe.expr<slice, [#moe.source<"a", "w">], dims = [0, 1, 2]>], dims = [1, 0]>) : tensor<8x2xf32>
  // CHECK: @noise(#moe.random<seed = 1, std = 2.000000e-02 : f64>)
  ml_program.global private @noise(#moe.random<seed = 1, std = 2.0e-02 : f64>) : tensor<8x2xf32>
}
