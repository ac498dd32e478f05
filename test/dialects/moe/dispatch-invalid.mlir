// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @dispatch_c1(%x: tensor<?x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects rows like 'tensor<?x16xf32>' but for dimension 0, got 'tensor<?x17xf32>'}}
  %0 = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x17xf32>
  return
}

// -----

func.func @dispatch_c1_type(%x: tensor<?x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects rows like 'tensor<?x16xf32>' but for dimension 0, got 'tensor<?x16xbf16>'}}
  %0 = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xbf16>
  return
}

// -----

func.func @dispatch_c1_static(%x: tensor<4x16xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects rows dynamic in dimension 0, got 'tensor<8x16xf32>'}}
  %0 = moe.dispatch %x by %plan : tensor<4x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<8x16xf32>
  return
}

// -----

func.func @dispatch_c2_slots(%x: tensor<?x16xf32>, %w: tensor<?x3xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects weights of one row per token and 2 slots, got 'tensor<?x3xf32>'}}
  %0 = moe.dispatch %x by %plan weights(%w : tensor<?x3xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  return
}

// -----

func.func @dispatch_c2_tokens(%x: tensor<4x16xf32>, %w: tensor<5x2xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects weights of one row per token and 2 slots, got 'tensor<5x2xf32>'}}
  %0 = moe.dispatch %x by %plan weights(%w : tensor<5x2xf32>) : tensor<4x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  return
}

// -----

func.func @dispatch_c2_floats(%x: tensor<?xi32>, %w: tensor<?x2xf32>, %plan: !moe.plan<experts = 8, slots = 2>) {
  // expected-error@+1 {{expects floats to multiply by weights, got 'tensor<?xi32>'}}
  %0 = moe.dispatch %x by %plan weights(%w : tensor<?x2xf32>) : tensor<?xi32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xi32>
  return
}
