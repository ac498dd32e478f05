// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @limit_c1(%ids: tensor<?x2xi32>, %c: i32) {
  // expected-error@+1 {{expects a result of type 'tensor<?x2xi32>', got 'tensor<?x3xi32>'}}
  %0 = moe.limit slot %ids capacity(%c) experts = 8 : tensor<?x2xi32> -> tensor<?x3xi32>
  return
}

// -----

func.func @limit_c2_missing(%ids: tensor<?x2xi32>, %c: i32) {
  // expected-error@+1 {{expects a priority for order score}}
  %0 = moe.limit score %ids capacity(%c) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
  return
}

// -----

func.func @limit_c2_superfluous(%ids: tensor<?x2xi32>, %c: i32, %p: tensor<?x2xf32>) {
  // expected-error@+1 {{expects no priority for order token}}
  %0 = moe.limit token %ids capacity(%c) priority(%p : tensor<?x2xf32>) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
  return
}

// -----

func.func @limit_c2_shape(%ids: tensor<?x2xi32>, %c: i32, %p: tensor<?x3xf32>) {
  // expected-error@+1 {{expects a priority of the shape of ids, got 'tensor<?x3xf32>'}}
  %0 = moe.limit score %ids capacity(%c) priority(%p : tensor<?x3xf32>) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
  return
}

// -----

func.func @limit_c3(%ids: tensor<4x2xi32>, %c: i32, %s: tensor<5xi32>) {
  // expected-error@+1 {{expects one segment per row, got 'tensor<5xi32>'}}
  %0 = moe.limit slot %ids capacity(%c) segments(%s : tensor<5xi32>) experts = 8 : tensor<4x2xi32> -> tensor<4x2xi32>
  return
}

// -----

func.func @limit_c4(%ids: tensor<4x2xi32>, %c: i32) {
  // expected-error@+1 {{expects at least one expert, got 0}}
  %0 = moe.limit slot %ids capacity(%c) experts = 0 : tensor<4x2xi32> -> tensor<4x2xi32>
  return
}
