// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @combine_c1(%r: tensor<?x16xf32>, %z: tensor<?x17xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects init like 'tensor<?x16xf32>' but for dimension 0, got 'tensor<?x17xf32>'}}
  %0 = moe.combine add %r by %plan init(%z : tensor<?x17xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x17xf32>
  return
}

// -----

func.func @combine_c2(%r: tensor<?x16xf32>, %w: tensor<5x2xf32>, %z: tensor<4x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects weights of one row per token and 2 slots, got 'tensor<5x2xf32>'}}
  %0 = moe.combine add %r by %plan weights(%w : tensor<5x2xf32>) init(%z : tensor<4x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<4x16xf32>
  return
}

// -----

func.func @combine_c3(%r: tensor<?x16xf32>, %z: tensor<4x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects a result of type 'tensor<4x16xf32>', got 'tensor<5x16xf32>'}}
  %0 = moe.combine add %r by %plan init(%z : tensor<4x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<5x16xf32>
  return
}

// -----

func.func @combine_c1_floats(%r: tensor<?xi32>, %z: tensor<?xi32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects rows of floats to sum, got 'tensor<?xi32>'}}
  %0 = moe.combine add %r by %plan init(%z : tensor<?xi32>) : tensor<?xi32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xi32>
  return
}
