// RUN: moe-opt %s --cpu-globals-to-arguments --split-input-file --verify-diagnostics | FileCheck %s

// A state is read at the top and written where it is stored, in place.
ml_program.global private mutable @cache(#moe.state<per = session, dims = ["B"], sizes = [1]>) : tensor<?x4xf32>
// CHECK-LABEL: func @step
// CHECK-SAME: %[[STATE:[a-z0-9]+]]: memref<?x4xf32> {moe.dims = ["B", "4"], moe.state = @cache}
// CHECK: %[[OLD:.*]] = bufferization.to_tensor %[[STATE]] restrict writable
// CHECK: %[[NEW:.*]] = linalg.add ins(%[[OLD]]
// CHECK: bufferization.materialize_in_destination %[[NEW]] in restrict writable %[[STATE]]
func.func @step(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c = ml_program.global_load @cache : tensor<?x4xf32>
  %n = linalg.add ins(%c, %x : tensor<?x4xf32>, tensor<?x4xf32>) outs(%x : tensor<?x4xf32>) -> tensor<?x4xf32>
  ml_program.global_store @cache = %n : tensor<?x4xf32>
  return %n : tensor<?x4xf32>
}

// -----

ml_program.global private mutable @cache(#moe.state<per = session>) : tensor<4xf32>
func.func @again(%x: tensor<4xf32>) -> tensor<4xf32> {
  ml_program.global_store @cache = %x : tensor<4xf32>
  // expected-error@+1 {{reads a state after it was stored}}
  %c = ml_program.global_load @cache : tensor<4xf32>
  return %c : tensor<4xf32>
}

// -----

ml_program.global private mutable @cache(#moe.state<per = session>) : tensor<4xf32>
func.func @twice(%x: tensor<4xf32>) {
  ml_program.global_store @cache = %x : tensor<4xf32>
  // expected-error@+1 {{is not the only one of its state}}
  ml_program.global_store @cache = %x : tensor<4xf32>
  return
}

// -----

ml_program.global private mutable @bias(dense<0.0> : tensor<4xf32>) : tensor<4xf32>
func.func @parameter(%x: tensor<4xf32>) {
  // expected-error@+1 {{stores to a parameter, expected a global of the value #moe.state}}
  ml_program.global_store @bias = %x : tensor<4xf32>
  return
}

// -----

// expected-error@+1 {{expects a ranked tensor with one dynamic dimension for each name of its state}}
ml_program.global private mutable @cache(#moe.state<per = session>) : tensor<?xf32>
func.func @names() -> tensor<?xf32> {
  %c = ml_program.global_load @cache : tensor<?xf32>
  return %c : tensor<?xf32>
}
