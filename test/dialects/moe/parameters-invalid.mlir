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
