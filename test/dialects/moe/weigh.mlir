// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @norms
func.func @norms(%p: tensor<?x8xf32>, %ids: tensor<?x2xi32>) {
  // CHECK: moe.weigh none %{{.*}}, %{{.*}} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  %0 = moe.weigh none %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  // CHECK: moe.weigh sum %{{.*}} {eps = 9.9999999999999995E-21 : f64, scale = 2.500000e+00 : f64}
  %1 = moe.weigh sum %p, %ids {eps = 1.0e-20 : f64, scale = 2.5 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  // CHECK: moe.weigh softmax
  %2 = moe.weigh softmax %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  // CHECK: moe.weigh lp %{{.*}} eps_mode = max {eps = 1.000000e+00 : f64, p = 1.000000e+00 : f64}
  %3 = moe.weigh lp %p, %ids eps_mode = max {p = 1.0 : f64, eps = 1.0 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  // CHECK: moe.weigh constant
  %4 = moe.weigh constant %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  // CHECK: moe.weigh sparse_mixer %{{.*}} {jitter = 1.000000e-02 : f64}
  %5 = moe.weigh sparse_mixer %p, %ids {jitter = 0.01 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return
}
