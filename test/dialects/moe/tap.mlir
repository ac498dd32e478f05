// RUN: moe-opt %s --verify-roundtrip | FileCheck %s
// RUN: moe-opt %s --canonicalize --cse | FileCheck %s

// A tap has an effect: what nobody uses stays.
// CHECK-LABEL: func @tap
func.func @tap(%p: tensor<?x8xf32>) {
  // CHECK: moe.tap "layers.0.scores" %{{.*}} : tensor<?x8xf32>
  moe.tap "layers.0.scores" %p : tensor<?x8xf32>
  return
}
