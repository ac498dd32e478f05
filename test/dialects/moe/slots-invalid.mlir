// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @slots_c1(%r: tensor<?x16xf32>, %z: tensor<?x3x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects init of one row per token and 2 slots of rows like 'tensor<?x16xf32>', got 'tensor<?x3x16xf32>'}}
  %0 = moe.slots %r by %plan init(%z : tensor<?x3x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x3x16xf32>
  return
}

// -----

func.func @slots_c1_trailing(%r: tensor<?x16xf32>, %z: tensor<?x2x8xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects init of one row per token and 2 slots}}
  %0 = moe.slots %r by %plan init(%z : tensor<?x2x8xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x2x8xf32>
  return
}

// -----

func.func @slots_c1_result(%r: tensor<?x16xf32>, %z: tensor<4x2x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects a result of type 'tensor<4x2x16xf32>', got 'tensor<5x2x16xf32>'}}
  %0 = moe.slots %r by %plan init(%z : tensor<4x2x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<5x2x16xf32>
  return
}
