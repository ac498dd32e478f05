// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @weigh_c1(%p: tensor<4x8xf32>, %ids: tensor<5x2xi32>) {
  // expected-error@+1 {{expects one row of scores per row of ids, got 'tensor<4x8xf32>' and 'tensor<5x2xi32>'}}
  %0 = moe.weigh none %p, %ids : tensor<4x8xf32>, tensor<5x2xi32> -> tensor<5x2xf32>
  return
}

// -----

func.func @weigh_c1_rank(%p: tensor<8xf32>, %ids: tensor<5x2xi32>) {
  // expected-error@+1 {{expects one row of scores per row of ids, got 'tensor<8xf32>' and 'tensor<5x2xi32>'}}
  %0 = moe.weigh none %p, %ids : tensor<8xf32>, tensor<5x2xi32> -> tensor<5x2xf32>
  return
}

// -----

func.func @weigh_c2_shape(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) {
  // expected-error@+1 {{expects weights of the shape of ids and the type of scores, got 'tensor<?x3xf32>'}}
  %0 = moe.weigh none %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x3xf32>
  return
}

// -----

func.func @weigh_c2_type(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) {
  // expected-error@+1 {{expects weights of the shape of ids and the type of scores, got 'tensor<?x2xbf16>'}}
  %0 = moe.weigh none %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xbf16>
  return
}

// -----

func.func @weigh_c3_eps(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) {
  // expected-error@+1 {{expects eps >= 0, got -1}}
  %0 = moe.weigh sum %p, %ids {eps = -1.0 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return
}

// -----

func.func @weigh_c3_p(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) {
  // expected-error@+1 {{expects p > 0, got 0}}
  %0 = moe.weigh lp %p, %ids {p = 0.0 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return
}

// -----

func.func @weigh_c3_jitter(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) {
  // expected-error@+1 {{expects jitter >= 0, got -5.000000e-01}}
  %0 = moe.weigh sparse_mixer %p, %ids {jitter = -0.5 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return
}
