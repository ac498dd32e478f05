// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --moe-hoist-shared | FileCheck %s
// RUN: %moe-opt %s --split-input-file --moe-hoist-shared=explain=1 --verify-diagnostics --mlir-print-op-on-diagnostic=false -o %t

!plan = !moe.plan<experts = 8, slots = 2>

// The base once a token; what the experts add to it stays.
// CHECK-LABEL: func @lora(
// CHECK-SAME: %[[X:.*]]: tensor<?x16xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<16x24xf32>, %[[A:.*]]: tensor<8x16x4xf32>, %[[B:.*]]: tensor<8x4x24xf32>
// CHECK: %[[PLAN:.*]] = moe.plan %[[IDS]]
// CHECK: %[[ROWS:.*]] = moe.dispatch %[[X]] by %[[PLAN]]
// CHECK: %[[FILL:.*]] = linalg.fill {{.*}} -> tensor<?x24xf32>
// CHECK: %[[ONCE:.*]] = linalg.matmul ins(%[[X]], %[[W]] : tensor<?x16xf32>, tensor<16x24xf32>) outs(%[[FILL]] :
// CHECK: %[[BASES:.*]] = moe.dispatch %[[ONCE]] by %[[PLAN]]
// CHECK: moe.experts %[[PLAN]] rows(%[[ROWS]], %[[BASES]] : tensor<?x16xf32>, tensor<?x24xf32>) params(%[[A]], %[[B]] :
// CHECK: ^bb0(%[[R:.*]]: tensor<?x16xf32>, %[[BASE:.*]]: tensor<?x24xf32>, %[[SA:.*]]: tensor<16x4xf32>, %[[SB:.*]]: tensor<4x24xf32>,
// CHECK: %[[LOW:.*]] = linalg.matmul ins(%[[R]], %[[SA]] :
// CHECK: %[[V:.*]] = linalg.matmul ins(%[[LOW]], %[[SB]] : tensor<?x4xf32>, tensor<4x24xf32>) outs(%[[BASE]] :
// CHECK: moe.yield %[[V]]
func.func @lora(%x: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %w: tensor<16x24xf32>, %a: tensor<8x16x4xf32>, %b: tensor<8x4x24xf32>) -> tensor<?x24xf32> {
  %c0 = arith.constant 0 : index
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %y = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%a, %b : tensor<8x16x4xf32>, tensor<8x4x24xf32>) : !plan -> tensor<?x24xf32> {
  ^bb0(%r: tensor<?x16xf32>, %sa: tensor<16x4xf32>, %sb: tensor<4x24xf32>, %expert: index):
    %zero = arith.constant 0.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x24xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x24xf32>) -> tensor<?x24xf32>
    // expected-remark @+1 {{computed once a token, not once a slot: its weight is no expert's own}}
    %base = linalg.matmul ins(%r, %w : tensor<?x16xf32>, tensor<16x24xf32>) outs(%z : tensor<?x24xf32>) -> tensor<?x24xf32>
    %e4 = tensor.empty(%n) : tensor<?x4xf32>
    %z4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %low = linalg.matmul ins(%r, %sa : tensor<?x16xf32>, tensor<16x4xf32>) outs(%z4 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %v = linalg.matmul ins(%low, %sb : tensor<?x4xf32>, tensor<4x24xf32>) outs(%base : tensor<?x24xf32>) -> tensor<?x24xf32>
    moe.yield %v : tensor<?x24xf32>
  }
  %t = tensor.dim %x, %c0 : tensor<?x16xf32>
  %zero = arith.constant 0.0 : f32
  %o = tensor.empty(%t) : tensor<?x24xf32>
  %oz = linalg.fill ins(%zero : f32) outs(%o : tensor<?x24xf32>) -> tensor<?x24xf32>
  %q = moe.combine add %y by %plan init(%oz : tensor<?x24xf32>) : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  return %q : tensor<?x24xf32>
}

// -----

!one = !moe.plan<experts = 8, slots = 1>
!chosen = !moe.plan<experts = 2, slots = 2>
!plan = !moe.plan<experts = 8, slots = 2>

// One slot, experts that choose tokens, and weighted rows: as many rows as
// tokens at most, or rows that differ by slot.
// CHECK-LABEL: func @stays(
// CHECK-COUNT-3: moe.experts {{.*}} rows(%{{[a-z0-9]*}} : tensor<?x16xf32>) :
func.func @stays(%x: tensor<?x16xf32>, %ids1: tensor<?x1xi32>, %ids2: tensor<2x?xi32>, %ids: tensor<?x2xi32>, %weights: tensor<?x2xf32>, %w: tensor<16x16xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x16xf32>
  %plan1 = moe.plan %ids1 : tensor<?x1xi32> -> !one
  %rows1 = moe.dispatch %x by %plan1 : tensor<?x16xf32>, !one -> tensor<?x16xf32>
  %y1 = moe.experts %plan1 rows(%rows1 : tensor<?x16xf32>) : !one -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x16xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    %v = linalg.matmul ins(%r, %w : tensor<?x16xf32>, tensor<16x16xf32>) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %v : tensor<?x16xf32>
  }
  %q1 = moe.combine add %y1 by %plan1 init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !one -> tensor<?x16xf32>
  %plan2 = moe.plan by_expert %ids2 tokens(%t) : tensor<2x?xi32> -> !chosen
  %rows2 = moe.dispatch %x by %plan2 : tensor<?x16xf32>, !chosen -> tensor<?x16xf32>
  %y2 = moe.experts %plan2 rows(%rows2 : tensor<?x16xf32>) : !chosen -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x16xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    %v = linalg.matmul ins(%r, %w : tensor<?x16xf32>, tensor<16x16xf32>) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %v : tensor<?x16xf32>
  }
  %q2 = moe.combine add %y2 by %plan2 init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !chosen -> tensor<?x16xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %rows = moe.dispatch %x by %plan weights(%weights : tensor<?x2xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %y = moe.experts %plan rows(%rows : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x16xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    %v = linalg.matmul ins(%r, %w : tensor<?x16xf32>, tensor<16x16xf32>) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %v : tensor<?x16xf32>
  }
  %q = moe.combine add %y by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %q1, %q2, %q : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x16xf32>
}
