// RUN: %moe-opt %s --split-input-file --verify-diagnostics --cpu-globals-to-arguments

ml_program.global private mutable @cache(#moe.random<seed = 1, std = 1.0e+00 : f64>) : tensor<4xf32>
func.func @store(%x: tensor<4xf32>) {
  // expected-error @below {{stores to a parameter, expected a global of the value #moe.state}}
  ml_program.global_store @cache = %x : tensor<4xf32>
  return
}

// -----

func.func private @callee(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func @call(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'func.call' op is not supported by CPU code generation}}
  %y = func.call @callee(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// expected-error @below {{has no body, which CPU code generation needs}}
func.func private @callback(tensor<4xf32>)
