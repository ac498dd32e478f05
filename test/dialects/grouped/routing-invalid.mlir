// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @limit_c1(%ids: tensor<?x2xi32>, %c: i32, %e: tensor<?x3xi32>) {
  // expected-error @+1 {{'grouped.limit' op expects one init of the shape of ids}}
  %0 = grouped.limit ids(%ids : tensor<?x2xi32>) capacity(%c) experts = 8 outs(%e : tensor<?x3xi32>) -> tensor<?x3xi32>
  return
}

// -----

func.func @limit_c2(%ids: tensor<?x2xi32>, %c: i32) {
  // expected-error @+1 {{'grouped.limit' op expects at most one of priority, random and by_slot}}
  %0 = grouped.limit ids(%ids : tensor<?x2xi32>) capacity(%c) by_slot random = 1 experts = 8 outs(%ids : tensor<?x2xi32>) -> tensor<?x2xi32>
  return
}

// -----

func.func @limit_c3_priority(%ids: tensor<?x2xi32>, %c: i32, %p: tensor<?x3xf32>) {
  // expected-error @+1 {{'grouped.limit' op expects a priority of the shape of ids, got 'tensor<?x3xf32>'}}
  %0 = grouped.limit ids(%ids : tensor<?x2xi32>) capacity(%c) priority(%p : tensor<?x3xf32>) experts = 8 outs(%ids : tensor<?x2xi32>) -> tensor<?x2xi32>
  return
}

// -----

func.func @limit_c3_segments(%ids: tensor<4x2xi32>, %c: i32, %g: tensor<3xi32>) {
  // expected-error @+1 {{'grouped.limit' op expects one segment per row, got 'tensor<3xi32>'}}
  %0 = grouped.limit ids(%ids : tensor<4x2xi32>) capacity(%c) segments(%g : tensor<3xi32>) experts = 8 outs(%ids : tensor<4x2xi32>) -> tensor<4x2xi32>
  return
}

// -----

func.func @select_tokens_c1(%s: memref<4xf32>, %c: i32, %i: memref<4x?xi32>, %m: memref<?x4xi1>) {
  // expected-error @+1 {{'grouped.select_tokens' op expects scores of rank 2 and inits for ids and chosen}}
  grouped.select_tokens scores(%s : memref<4xf32>) capacity(%c : i32) outs(%i, %m : memref<4x?xi32>, memref<?x4xi1>)
  return
}

// -----

func.func @select_tokens_c1_ids(%s: memref<?x4xf32>, %c: i32, %i: memref<5x?xi32>, %m: memref<?x4xi1>) {
  // expected-error @+1 {{'grouped.select_tokens' op expects one row of i32 ids per expert, got 'memref<5x?xi32>'}}
  grouped.select_tokens scores(%s : memref<?x4xf32>) capacity(%c : i32) outs(%i, %m : memref<5x?xi32>, memref<?x4xi1>)
  return
}

// -----

func.func @select_tokens_c1_chosen(%s: memref<?x4xf32>, %c: i32, %i: memref<4x?xi32>, %m: memref<?x4xi8>) {
  // expected-error @+1 {{'grouped.select_tokens' op expects chosen as i1 of the shape of scores, got 'memref<?x4xi8>'}}
  grouped.select_tokens scores(%s : memref<?x4xf32>) capacity(%c : i32) outs(%i, %m : memref<4x?xi32>, memref<?x4xi8>)
  return
}

// -----

func.func @select_tokens_c2(%s: memref<?x4xf32>, %c: memref<3xi32>, %i: memref<4x?xi32>, %m: memref<?x4xi1>) {
  // expected-error @+1 {{'grouped.select_tokens' op expects one capacity per expert, got 'memref<3xi32>'}}
  grouped.select_tokens scores(%s : memref<?x4xf32>) capacity(%c : memref<3xi32>) outs(%i, %m : memref<4x?xi32>, memref<?x4xi1>)
  return
}

// -----

func.func @select_tokens_c3(%s: memref<?x4xf32>, %c: i32, %k: memref<?x3xi1>, %i: memref<4x?xi32>, %m: memref<?x4xi1>) {
  // expected-error @+1 {{'grouped.select_tokens' op expects a mask of the shape of scores, got 'memref<?x3xi1>'}}
  grouped.select_tokens scores(%s : memref<?x4xf32>) capacity(%c : i32) mask(%k : memref<?x3xi1>) outs(%i, %m : memref<4x?xi32>, memref<?x4xi1>)
  return
}

// -----

func.func @select_tokens_c3_segments(%s: memref<2x4xf32>, %c: i32, %g: memref<3xi32>, %i: memref<4x?xi32>, %m: memref<2x4xi1>) {
  // expected-error @+1 {{'grouped.select_tokens' op expects one segment per row, got 'memref<3xi32>'}}
  grouped.select_tokens scores(%s : memref<2x4xf32>) capacity(%c : i32) segments(%g : memref<3xi32>) outs(%i, %m : memref<4x?xi32>, memref<2x4xi1>)
  return
}
