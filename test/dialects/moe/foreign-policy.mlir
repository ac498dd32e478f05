// RUN: moec-test-opt %s --verify-roundtrip --split-input-file --verify-diagnostics | FileCheck %s

// A policy from another dialect needs nothing of the moe dialect.
// CHECK-LABEL: func @foreign
func.func @foreign(%p: tensor<?x8xf32>) -> tensor<?x3xi32> {
  // CHECK: moe.select #test.bottom_k<3> scores(%{{.*}} : tensor<?x8xf32>) -> tensor<?x3xi32>
  %ids = moe.select #test.bottom_k<3> scores(%p : tensor<?x8xf32>) -> tensor<?x3xi32>
  return %ids : tensor<?x3xi32>
}

// -----

func.func @foreign_width(%p: tensor<?x8xf32>) -> tensor<?x2xi32> {
  // expected-error@+1 {{expects ids of width 3, got 'tensor<?x2xi32>'}}
  %ids = moe.select #test.bottom_k<3> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  return %ids : tensor<?x2xi32>
}

// -----

func.func @foreign_rule(%p: tensor<?x8xf32>) -> tensor<?x0xi32> {
  // expected-error@+1 {{bottom_k expects k >= 1, got 0}}
  %ids = moe.select #test.bottom_k<0> scores(%p : tensor<?x8xf32>) -> tensor<?x0xi32>
  return %ids : tensor<?x0xi32>
}
