// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @select_tokens_c1_rank(%s: tensor<4xf32>, %c: i32) {
  // expected-error@+1 {{expects scores of rank 2, got 'tensor<4xf32>'}}
  %0, %1 = moe.select_tokens position %s capacity(%c : i32) : tensor<4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  return
}

// -----

func.func @select_tokens_c1_mask(%s: tensor<?x4xf32>, %c: i32, %m: tensor<?x5xi1>) {
  // expected-error@+1 {{expects a mask of the shape of scores, got 'tensor<?x5xi1>'}}
  %0, %1 = moe.select_tokens position %s capacity(%c : i32) mask(%m : tensor<?x5xi1>) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  return
}

// -----

func.func @select_tokens_c1_chosen(%s: tensor<?x4xf32>, %c: i32) {
  // expected-error@+1 {{expects chosen of the shape of scores, got 'tensor<?x5xi1>'}}
  %0, %1 = moe.select_tokens position %s capacity(%c : i32) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x5xi1>
  return
}

// -----

func.func @select_tokens_c2(%s: tensor<?x4xf32>, %c: tensor<5xi32>) {
  // expected-error@+1 {{expects one capacity per expert, got 'tensor<5xi32>'}}
  %0, %1 = moe.select_tokens position %s capacity(%c : tensor<5xi32>) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  return
}

// -----

func.func @select_tokens_c3(%s: tensor<3x4xf32>, %c: i32, %g: tensor<5xi32>) {
  // expected-error@+1 {{expects one segment per row, got 'tensor<5xi32>'}}
  %0, %1 = moe.select_tokens position %s capacity(%c : i32) segments(%g : tensor<5xi32>) : tensor<3x4xf32> -> tensor<4x?xi32>, tensor<3x4xi1>
  return
}

// -----

func.func @select_tokens_c4(%s: tensor<?x4xf32>, %c: i32) {
  // expected-error@+1 {{expects one row of ids per expert, got 'tensor<5x?xi32>'}}
  %0, %1 = moe.select_tokens position %s capacity(%c : i32) : tensor<?x4xf32> -> tensor<5x?xi32>, tensor<?x4xi1>
  return
}
