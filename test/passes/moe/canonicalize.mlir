// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --moe-canonicalize | FileCheck %s
// RUN: %moe-opt %s --split-input-file --moe-canonicalize=exact=1 | FileCheck %s --check-prefix=EXACT

// The softmax of all experts becomes one of the selected ones.
// CHECK-LABEL: func @softmax_after_top_k(
// CHECK-SAME: %[[LOGITS:.*]]: tensor<?x8xf32>
// CHECK-NOT: linalg.softmax
// CHECK: %[[IDS:.*]] = moe.select #moe.top_k<2> scores(%[[LOGITS]] : tensor<?x8xf32>)
// CHECK: %[[W:.*]] = moe.weigh softmax %[[LOGITS]], %[[IDS]] {scale = 2.500000e+00 : f64}
// CHECK: return %[[IDS]], %[[W]]
// EXACT-LABEL: func @softmax_after_top_k(
// EXACT: linalg.softmax
// EXACT: moe.weigh sum
func.func @softmax_after_top_k(%logits: tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %logits, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids {scale = 2.5 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// An eps below 2^-40 cannot be seen; a mask restricts both forms alike.
// CHECK-LABEL: func @tiny_eps_and_mask(
// CHECK-SAME: %[[LOGITS:.*]]: tensor<?x8xf32>, %[[MASK:.*]]: tensor<?x8xi1>
// CHECK: moe.select #moe.top_k<2> scores(%[[LOGITS]] : tensor<?x8xf32>) mask(%[[MASK]]
// CHECK: moe.weigh softmax %[[LOGITS]], %{{.*}} : tensor<?x8xf32>
func.func @tiny_eps_and_mask(%logits: tensor<?x8xf32>, %mask: tensor<?x8xi1>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %logits, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) mask(%mask : tensor<?x8xi1>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids {eps = 9.0e-13 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// Two equal softmaxes are one, so the rewrite sees them as the same.
// CHECK-LABEL: func @equal_softmaxes(
// CHECK-NOT: linalg.softmax
// CHECK: moe.weigh softmax
func.func @equal_softmaxes(%logits: tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %logits, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %q = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %q, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// Equal routings share a plan.
// CHECK-LABEL: func @one_plan(
// CHECK: = moe.plan
// CHECK-NOT: = moe.plan
func.func @one_plan(%ids: tensor<?x2xi32>) -> (index, index) {
  %p = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %q = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %a = moe.rows %p : !moe.plan<experts = 8, slots = 2>
  %b = moe.rows %q : !moe.plan<experts = 8, slots = 2>
  return %a, %b : index, index
}

// -----

// CHECK-LABEL: func @not_when_eps_is_visible(
// CHECK: linalg.softmax
// CHECK: moe.weigh sum
func.func @not_when_eps_is_visible(%logits: tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %logits, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids {eps = 1.0e-12 : f64} : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @not_when_weights_are_not_normalised(
// CHECK: linalg.softmax
// CHECK: moe.weigh none
func.func @not_when_weights_are_not_normalised(%logits: tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %logits, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh none %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @not_when_softmax_has_another_use(
// CHECK: linalg.softmax
// CHECK: moe.weigh sum
func.func @not_when_softmax_has_another_use(%logits: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %logits, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %p, %w : tensor<?x8xf32>, tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @not_when_softmax_runs_over_tokens(
// CHECK: linalg.softmax dimension(0)
// CHECK: moe.weigh sum
func.func @not_when_softmax_runs_over_tokens(%logits: tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %logits, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %p = linalg.softmax dimension(0) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// A sum of two scores does not keep the order of the logits.
// CHECK-LABEL: func @not_when_the_policy_reads_values(
// CHECK: linalg.softmax
// CHECK: moe.weigh sum
func.func @not_when_the_policy_reads_values(%logits: tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %logits, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.grouped_top_k<2, groups = 4, kept = 2, score = sum2, masked = neg_inf> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// A selection bias stands between the softmax and the selection.
// CHECK-LABEL: func @not_when_a_bias_stands_between(
// CHECK: linalg.softmax
// CHECK: moe.weigh sum
func.func @not_when_a_bias_stands_between(%logits: tensor<?x8xf32>, %bias: tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %logits, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %b = arith.addf %p, %bias : tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%b : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}
