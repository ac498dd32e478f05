// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @experts_c1_slice(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error@+1 {{expects region 0 to take ('tensor<?x4xf32>', 'tensor<4xf32>', 'index'), got ('tensor<?x4xf32>', 'tensor<5xf32>', 'index')}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<2x4xf32>) : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<5xf32>, %e: index):
    moe.yield %x : tensor<?x4xf32>
  }
  return
}

// -----

func.func @experts_c1_index(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error@+1 {{expects region 0 to take ('tensor<?x4xf32>', 'tensor<4xf32>', 'index'), got ('tensor<?x4xf32>', 'tensor<4xf32>')}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<2x4xf32>) : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<4xf32>):
    moe.yield %x : tensor<?x4xf32>
  }
  return
}

// -----

func.func @experts_c2(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error@+1 {{expects region 0 to yield ('tensor<?x4xf32>'), got ('tensor<4xf32>')}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<2x4xf32>) : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %e: index):
    moe.yield %s : tensor<4xf32>
  }
  return
}

// -----

func.func @experts_c3_members(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error@+1 {{expects 2 members, got 3}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<2x4xf32>) members = [0, 0, 0] : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %e: index):
    moe.yield %x : tensor<?x4xf32>
  }
  return
}

// -----

func.func @experts_c3_slots(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error@+1 {{expects 2 slots, got 1}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<2x4xf32>) slot = [0] : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %e: index):
    moe.yield %x : tensor<?x4xf32>
  }
  return
}

// -----

func.func @experts_c4_beyond(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error@+1 {{expects members from -1 to 0, got 1}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<2x4xf32>) members = [0, 1] : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %e: index):
    moe.yield %x : tensor<?x4xf32>
  }
  return
}

// -----

func.func @experts_c4_below(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error@+1 {{expects members from -1 to 0, got -2}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<2x4xf32>) members = [0, -2] : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %e: index):
    moe.yield %x : tensor<?x4xf32>
  }
  return
}

// -----

func.func @experts_c5_beyond(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error@+1 {{expects slots within 'tensor<2x4xf32>', got 2 for expert 1}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<2x4xf32>) slot = [0, 2] : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %e: index):
    %u = tensor.dim %s, %e : tensor<4xf32>
    moe.yield %x : tensor<?x4xf32>
  }
  return
}

// -----

func.func @experts_c5_below(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error@+1 {{expects slots within 'tensor<2x4xf32>', got -1 for expert 0}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<2x4xf32>) slot = [-1, 0] : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %e: index):
    %u = tensor.dim %s, %e : tensor<4xf32>
    moe.yield %x : tensor<?x4xf32>
  }
  return
}

// -----

func.func @experts_c5_stack(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<3x4xf32>) {
  // expected-error@+1 {{expects stacks of 2 slices, got 'tensor<3x4xf32>'}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<3x4xf32>) : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %e: index):
    moe.yield %x : tensor<?x4xf32>
  }
  return
}

// -----

func.func @experts_c5_rank(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<f32>) {
  // expected-error@+1 {{expects stacks of rank 1 or more, got 'tensor<f32>'}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<f32>) : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %e: index):
    moe.yield %x : tensor<?x4xf32>
  }
  return
}

// -----

func.func @experts_c6_rows(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<3x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error@+1 {{expects rows and results dynamic in dimension 0, got 'tensor<3x4xf32>'}}
  %0 = moe.experts %plan rows(%r : tensor<3x4xf32>) params(%w : tensor<2x4xf32>) : !moe.plan<experts = 2, slots = 2> -> tensor<?x4xf32> {
  ^bb0(%x: tensor<3x4xf32>, %s: tensor<4xf32>, %e: index):
    moe.yield %x : tensor<3x4xf32>
  }
  return
}

// -----

func.func @experts_c6_results(%plan: !moe.plan<experts = 2, slots = 2>, %r: tensor<?x4xf32>, %w: tensor<2x4xf32>) {
  // expected-error@+1 {{expects rows and results dynamic in dimension 0, got 'tensor<3x4xf32>'}}
  %0 = moe.experts %plan rows(%r : tensor<?x4xf32>) params(%w : tensor<2x4xf32>) : !moe.plan<experts = 2, slots = 2> -> tensor<3x4xf32> {
  ^bb0(%x: tensor<?x4xf32>, %s: tensor<4xf32>, %e: index):
    moe.yield %x : tensor<?x4xf32>
  }
  return
}
