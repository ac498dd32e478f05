// RUN: moe-opt %s --verify-diagnostics --split-input-file

// expected-error@+1 {{expr expects parameter values as operands, got 3 : i32}}
ml_program.global private @w(#moe.expr<stack, [3 : i32]>) : tensor<1xf32>

// -----

// expected-error@+1 {{slice expects one operand, got 2}}
ml_program.global private @w(#moe.expr<slice, [#moe.source<"a", "b">, #moe.source<"a", "c">], dims = [0, 0, 1]>) : tensor<1xf32>

// -----

// expected-error@+1 {{concat expects 1 entries in dims, got 2}}
ml_program.global private @w(#moe.expr<concat, [#moe.source<"a", "b">], dims = [0, 1]>) : tensor<1xf32>

// -----

// expected-error@+1 {{expr expects non-negative dims, got -1}}
ml_program.global private @w(#moe.expr<concat, [#moe.source<"a", "b">], dims = [-1]>) : tensor<1xf32>

// -----

// expected-error@+1 {{fp8_e4m3 expects 2 to 2 operands, got 1}}
ml_program.global private @p(#moe.quantized<fp8_e4m3, [#moe.source<"a", "b">], block = [128, 128]>) : tensor<2x2xf32>

// -----

// expected-error@+1 {{gptq expects 1 sizes of blocks, got 0}}
ml_program.global private @p(#moe.quantized<gptq, [#moe.source<"a", "b">, #moe.source<"a", "c">, #moe.source<"a", "d">]>) : tensor<2x2xf32>

// -----

// expected-error@+1 {{awq expects blocks of at least 1, got 0}}
ml_program.global private @p(#moe.quantized<awq, [#moe.source<"a", "b">, #moe.source<"a", "c">, #moe.source<"a", "d">], block = [0]>) : tensor<2x2xf32>

// -----

// expected-error@+1 {{q8_0 expects tensors as operands, got #moe.random}}
ml_program.global private @p(#moe.quantized<q8_0, [#moe.random<seed = 1, std = 1.0 : f64>]>) : tensor<2x2xf32>

// -----

// expected-error@+1 {{uint_packed expects 2, 3, 4 or 8 bits, got 5}}
ml_program.global private @p(#moe.quantized<uint_packed, [#moe.source<"a", "b">, #moe.source<"a", "c">], block = [32, 5]>) : tensor<2x2xf32>
