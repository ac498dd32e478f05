// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --moe-encode-weights | FileCheck %s
// RUN: %moe-opt %s --moe-encode-weights=quantize=q4_0 | FileCheck %s --check-prefix=INT4
// RUN: not %moe-opt %s --moe-encode-weights=quantize=q2 2>&1 | FileCheck %s --check-prefix=WRONG

// WRONG: error: expects quantize to be q8_0 or q4_0, got q2

// Stored quantised: stays so, through a stack of experts.
// CHECK-DAG: @kept.packed({{.*}} blocks = <code = uint4, size = 32, half = false, offset = true>>, nk>) : tensor<2x1x2x16x24xi8>
ml_program.global private @kept(#moe.expr<stack, [#moe.quantized<q4_k, [#moe.source<"m.gguf", "a">]>, #moe.quantized<q4_k, [#moe.source<"m.gguf", "b">]>]>) : tensor<2x16x64xf32>

// The depth of an expression is not whole: floats.
// CHECK-DAG: @turned.packed({{.*}}) : tensor<2x1x64x16x1xf32>
ml_program.global private @turned(#moe.expr<transpose, [#moe.quantized<q8_0, [#moe.source<"m.gguf", "c">]>], dims = [0, 2, 1]>) : tensor<2x16x64xf32>

// Floats: only where the option says so.
// CHECK-DAG: @float.packed({{.*}}) : tensor<2x1x64x16x1xf32>
// INT4-DAG: @float.packed({{.*}} blocks = <code = int4, size = 32, half = true, offset = false>>, nk>) : tensor<2x1x2x16x18xi8>
ml_program.global private @float(#moe.random<seed = 1, std = 1.0 : f64>) : tensor<2x16x64xf32>

func.func @f(%x: tensor<?x64xf32>, %o: tensor<3xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>, %e: tensor<?x16xf32>)
    -> (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) {
  %kept = ml_program.global_load_const @kept : tensor<2x16x64xf32>
  %turned = ml_program.global_load_const @turned : tensor<2x16x64xf32>
  %float = ml_program.global_load_const @float : tensor<2x16x64xf32>
  %a = grouped.matmul lhs(%x : tensor<?x64xf32>) rhs(%kept : tensor<2x16x64xf32>)
    groups(%o, %t, %s : tensor<3xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x16xf32>) attributes {gather, maps = []} {
  ^bb0(%v: f32):
    grouped.yield %v : f32
  } -> tensor<?x16xf32>
  %b = grouped.matmul lhs(%x : tensor<?x64xf32>) rhs(%turned : tensor<2x16x64xf32>)
    groups(%o, %t, %s : tensor<3xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x16xf32>) attributes {gather, maps = []} {
  ^bb0(%v: f32):
    grouped.yield %v : f32
  } -> tensor<?x16xf32>
  %c = grouped.matmul lhs(%x : tensor<?x64xf32>) rhs(%float : tensor<2x16x64xf32>)
    groups(%o, %t, %s : tensor<3xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x16xf32>) attributes {gather, maps = []} {
  ^bb0(%v: f32):
    grouped.yield %v : f32
  } -> tensor<?x16xf32>
  return %a, %b, %c : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>
}
