// RUN: %moe-opt %s --split-input-file --verify-diagnostics --cpu-results-to-arguments

// expected-error @below {{result 0 is not a ranked tensor}}
func.func @scalar(%x: f32) -> f32 {
  return %x : f32
}

// -----

// expected-error @below {{has several blocks, expected one}}
func.func @blocks(%c: i1, %x: tensor<4xf32>) -> tensor<4xf32> {
  cf.cond_br %c, ^a, ^b
^a:
  return %x : tensor<4xf32>
^b:
  return %x : tensor<4xf32>
}
