// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @select_c1(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{attribute 'policy' failed to satisfy constraint}}
  %0 = "moe.select"(%p) {policy = 3 : i32, operandSegmentSizes = array<i32: 1, 0, 0>} : (tensor<?x8xf32>) -> tensor<?x2xi32>
  return
}

// -----

func.func @select_c2(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{expects 1 score tensors for #moe.top_k<2>, got 2}}
  %0 = moe.select #moe.top_k<2> scores(%p, %p : tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x2xi32>
  return
}

// -----

func.func @select_c2_rank(%p: tensor<8xf32>) {
  // expected-error@+1 {{expects scores of rank 2, got 'tensor<8xf32>'}}
  %0 = moe.select #moe.top_k<2> scores(%p : tensor<8xf32>) -> tensor<?x2xi32>
  return
}

// -----

func.func @select_c3(%p: tensor<4x8xf32>) {
  // expected-error@+1 {{expects equal row counts, got 'tensor<4x8xf32>' and 'tensor<5x2xi32>'}}
  %0 = moe.select #moe.top_k<2> scores(%p : tensor<4x8xf32>) -> tensor<5x2xi32>
  return
}

// -----

func.func @select_c3_mask(%p: tensor<4x8xf32>, %m: tensor<3x8xi1>) {
  // expected-error@+1 {{expects equal row counts, got 'tensor<4x8xf32>' and 'tensor<3x8xi1>'}}
  %0 = moe.select #moe.top_k<2> scores(%p : tensor<4x8xf32>) mask(%m : tensor<3x8xi1>) -> tensor<4x2xi32>
  return
}

// -----

func.func @select_c4(%p: tensor<4x8xf32>, %m: tensor<4x7xi1>) {
  // expected-error@+1 {{expects a mask as wide as the scores, got 'tensor<4x7xi1>'}}
  %0 = moe.select #moe.top_k<2> scores(%p : tensor<4x8xf32>) mask(%m : tensor<4x7xi1>) -> tensor<4x2xi32>
  return
}

// -----

func.func @select_c5(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{expects ids of width 2, got 'tensor<?x3xi32>'}}
  %0 = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x3xi32>
  return
}

// -----

func.func @select_c6(%p: tensor<?x8xf32>, %t: f32) {
  // expected-error@+1 {{expects 0 params for #moe.top_k<2>, got 1}}
  %0 = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) params(%t : f32) -> tensor<?x2xi32>
  return
}

// -----

func.func @select_c7(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{expects 1 results for #moe.top_k<2>, got 2}}
  %0, %1 = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @top_k_positive(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{top_k expects k >= 1, got 0}}
  %0 = moe.select #moe.top_k<0> scores(%p : tensor<?x8xf32>) -> tensor<?x0xi32>
  return
}

// -----

func.func @top_k_within(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{top_k expects k <= 8, the number of experts, got 9}}
  %0 = moe.select #moe.top_k<9> scores(%p : tensor<?x8xf32>) -> tensor<?x9xi32>
  return
}

// -----

func.func @grouped_k(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{grouped_top_k expects k >= 1, got 0}}
  %0 = moe.select #moe.grouped_top_k<0, groups = 4, kept = 1> scores(%p : tensor<?x8xf32>) -> tensor<?x0xi32>
  return
}

// -----

func.func @grouped_groups(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{grouped_top_k expects 1 to 64 groups, got 65}}
  %0 = moe.select #moe.grouped_top_k<1, groups = 65, kept = 1> scores(%p : tensor<?x8xf32>) -> tensor<?x1xi32>
  return
}

// -----

func.func @grouped_kept(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{grouped_top_k expects 1 to 4 kept groups, got 5}}
  %0 = moe.select #moe.grouped_top_k<1, groups = 4, kept = 5> scores(%p : tensor<?x8xf32>) -> tensor<?x1xi32>
  return
}

// -----

func.func @grouped_static(%p: tensor<?x?xf32>) {
  // expected-error@+1 {{grouped_top_k expects a static number of experts}}
  %0 = moe.select #moe.grouped_top_k<1, groups = 4, kept = 1> scores(%p : tensor<?x?xf32>) -> tensor<?x1xi32>
  return
}

// -----

func.func @grouped_equal(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{grouped_top_k expects groups of equal size, got 8 experts in 3 groups}}
  %0 = moe.select #moe.grouped_top_k<1, groups = 3, kept = 1> scores(%p : tensor<?x8xf32>) -> tensor<?x1xi32>
  return
}

// -----

func.func @grouped_sum2(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{grouped_top_k expects groups of at least 2 experts for sum2}}
  %0 = moe.select #moe.grouped_top_k<1, groups = 8, kept = 1, score = sum2> scores(%p : tensor<?x8xf32>) -> tensor<?x1xi32>
  return
}

// -----

func.func @grouped_selectable(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{grouped_top_k expects k <= 4, the number of selectable experts, got 5}}
  %0 = moe.select #moe.grouped_top_k<5, groups = 4, kept = 2> scores(%p : tensor<?x8xf32>) -> tensor<?x5xi32>
  return
}
