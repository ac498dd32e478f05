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

// -----

func.func @select_c4_no_mask(%p: tensor<?x4xf32>, %m: tensor<?x16xi1>) {
  // expected-error@+1 {{expects no mask for #moe.product_key<2, side = 4>}}
  %0, %1 = moe.select #moe.product_key<2, side = 4> scores(%p, %p : tensor<?x4xf32>, tensor<?x4xf32>) mask(%m : tensor<?x16xi1>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @select_c6_none(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{expects 1 params for #moe.top_k<?>, got 0}}
  %0 = moe.select #moe.top_k<?> scores(%p : tensor<?x8xf32>) -> tensor<?x8xi32>
  return
}

// -----

func.func @select_c6_count(%p: tensor<?x8xf32>, %k: f32) {
  // expected-error@+1 {{expects one i32 or one per row as param for #moe.top_k<?>, got 'f32'}}
  %0 = moe.select #moe.top_k<?> scores(%p : tensor<?x8xf32>) params(%k : f32) -> tensor<?x8xi32>
  return
}

// -----

func.func @select_c6_number(%p: tensor<?x8xf32>, %k: tensor<?xi32>) {
  // expected-error@+1 {{expects one float or one per row as param for #moe.threshold<?>, got 'tensor<?xi32>'}}
  %0 = moe.select #moe.threshold<?> scores(%p : tensor<?x8xf32>) params(%k : tensor<?xi32>) -> tensor<?x8xi32>
  return
}

// -----

func.func @select_c6_rank(%p: tensor<?x8xf32>, %k: tensor<?x1xi32>) {
  // expected-error@+1 {{expects one i32 or one per row as param for #moe.top_k<?>, got 'tensor<?x1xi32>'}}
  %0 = moe.select #moe.top_k<?> scores(%p : tensor<?x8xf32>) params(%k : tensor<?x1xi32>) -> tensor<?x8xi32>
  return
}

// -----

func.func @top_k_max(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{top_k expects max only where k is ?, got k = 2}}
  %0 = moe.select #moe.top_k<2, max = 4> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  return
}

// -----

func.func @max_within(%p: tensor<?x8xf32>, %k: i32) {
  // expected-error@+1 {{top_k expects max <= 8, the number of experts, got 9}}
  %0 = moe.select #moe.top_k<?, max = 9> scores(%p : tensor<?x8xf32>) params(%k : i32) -> tensor<?x9xi32>
  return
}

// -----

func.func @max_positive(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{threshold expects max >= 1, got 0}}
  %0 = moe.select #moe.threshold<0.5, max = 0> scores(%p : tensor<?x8xf32>) -> tensor<?x0xi32>
  return
}

// -----

func.func @max_needed(%p: tensor<?x?xf32>) {
  // expected-error@+1 {{top_p expects max for a dynamic number of experts}}
  %0 = moe.select #moe.top_p<0.5, inclusive> scores(%p : tensor<?x?xf32>) -> tensor<?x8xi32>
  return
}

// -----

func.func @top_p_p(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{top_p expects p >= 0, got -5.000000e-01}}
  %0 = moe.select #moe.top_p<-0.5, inclusive> scores(%p : tensor<?x8xf32>) -> tensor<?x8xi32>
  return
}

// -----

func.func @top_p_min(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{top_p expects min from 0 to 4, got 5}}
  %0 = moe.select #moe.top_p<0.5, exclusive, min = 5, max = 4> scores(%p : tensor<?x8xf32>) -> tensor<?x4xi32>
  return
}

// -----

func.func @threshold_nan(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{threshold expects t to be a number, got nan}}
  %0 = moe.select #moe.threshold<0x7FF8000000000000> scores(%p : tensor<?x8xf32>) -> tensor<?x8xi32>
  return
}

// -----

func.func @ranks_none(%p: tensor<?x8xf32>) {
  // expected-error@+2 {{expected integer value}}
  // expected-error@+1 {{failed to parse Moe_RanksAttr parameter 'ranks'}}
  %0 = moe.select #moe.ranks<[]> scores(%p : tensor<?x8xf32>) -> tensor<?x0xi32>
  return
}

// -----

func.func @ranks_ascending(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{ranks expects ascending ranks from 0 on, got [3, 3]}}
  %0 = moe.select #moe.ranks<[3, 3]> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  return
}

// -----

func.func @ranks_negative(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{ranks expects ascending ranks from 0 on, got [-1]}}
  %0 = moe.select #moe.ranks<[-1]> scores(%p : tensor<?x8xf32>) -> tensor<?x1xi32>
  return
}

// -----

func.func @ranks_within(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{ranks expects ranks below 8, the number of experts, got 8}}
  %0 = moe.select #moe.ranks<[0, 8]> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  return
}

// -----

func.func @product_key_side(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{product_key expects side from 1 to 46340, got 46341}}
  %0, %1 = moe.select #moe.product_key<2, side = 46341> scores(%p, %p : tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @product_key_width(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{product_key expects scores of width 4 on both sides, got 8}}
  %0, %1 = moe.select #moe.product_key<2, side = 4> scores(%p, %p : tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @product_key_static(%p: tensor<?x?xf32>) {
  // expected-error@+1 {{product_key expects scores of width 4 on both sides, got a dynamic one}}
  %0, %1 = moe.select #moe.product_key<2, side = 4> scores(%p, %p : tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @product_key_k(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{product_key expects k from 1 to 64, the number of pairs, got 65}}
  %0, %1 = moe.select #moe.product_key<65, side = 8> scores(%p, %p : tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x65xi32>, tensor<?x65xf32>
  return
}
