// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --moe-split-members | FileCheck %s
// RUN: %moe-opt %s --split-input-file --moe-split-members=explain=1 --verify-diagnostics --mlir-print-op-on-diagnostic=false -o %t
// RUN: %moe-opt %s --split-input-file --moe-to-grouped=exact=1 | FileCheck %s --check-prefix=EXACT

!plan = !moe.plan<experts = 4, slots = 2>

// Two members, a null expert; the second member reads one stack.
// CHECK-LABEL: func @bank(
// CHECK-SAME: %[[X:.*]]: tensor<?x16xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<?x2xf32>, %[[A:.*]]: tensor<2x16x16xf32>
// CHECK: arith.constant dense<[1, -1, -1, 0]> : tensor<4xi32>
// CHECK: %[[IDS0:.*]] = linalg.generic {{.*}} ins(%[[IDS]] :
// CHECK: %[[PLAN0:.*]] = moe.plan %[[IDS0]] : tensor<?x2xi32> -> <experts = 2, slots = 2>
// CHECK: %[[ROWS0:.*]] = moe.dispatch %[[X]] by %[[PLAN0]]
// CHECK: %[[Y0:.*]] = moe.experts %[[PLAN0]] rows(%[[ROWS0]] : tensor<?x16xf32>) params(%[[A]] : tensor<2x16x16xf32>) :
// CHECK: linalg.matmul
// CHECK: %[[SUM:.*]] = moe.combine add %[[Y0]] by %[[PLAN0]] weights(%[[W]] : tensor<?x2xf32>) init(%[[X]] :
// CHECK: arith.constant dense<[-1, -1, 0, -1]> : tensor<4xi32>
// CHECK: %[[PLAN1:.*]] = moe.plan %{{.*}} -> <experts = 1, slots = 2>
// CHECK: %[[Y1:.*]] = moe.experts %[[PLAN1]] rows(%{{.*}} : tensor<?x16xf32>) :
// CHECK: %[[R:.*]] = moe.combine add %[[Y1]] by %[[PLAN1]] weights(%[[W]] : tensor<?x2xf32>) init(%[[SUM]] :
// CHECK: return %[[R]]
// EXACT-LABEL: func @bank(
// EXACT: scf.index_switch
func.func @bank(%x: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %a: tensor<2x16x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  // expected-remark @+1 {{becomes a bank of equal experts for each member; null experts have no rows}}
  %y = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%a : tensor<2x16x16xf32>) members = [0, -1, 1, 0] slot = [1, 0, 1, 0] : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %s: tensor<16x16xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x16xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    %m = linalg.matmul ins(%r, %s : tensor<?x16xf32>, tensor<16x16xf32>) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %m : tensor<?x16xf32>
  }, {
  ^bb0(%r: tensor<?x16xf32>, %s: tensor<16x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }
  %q = moe.combine add %y by %plan weights(%w : tensor<?x2xf32>) init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %q : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 4, slots = 2>

// The rows are returned too.
// CHECK-LABEL: func @other_use(
// CHECK: moe.experts {{.*}} members
func.func @other_use(%x: tensor<?x16xf32>, %ids: tensor<?x2xi32>) -> (tensor<?x16xf32>, tensor<?x2x16xf32>) {
  %c0 = arith.constant 0 : index
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %t = tensor.dim %ids, %c0 : tensor<?x2xi32>
  %i = tensor.empty(%t) : tensor<?x2x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  // expected-remark @+1 {{stays one bank: its result has another use than one 'moe.combine add'}}
  %y = moe.experts %plan rows(%rows : tensor<?x16xf32>) members = [0, -1, 0, 0] : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }
  %q = moe.combine add %y by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %s = moe.slots %y by %plan init(%i : tensor<?x2x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x2x16xf32>
  return %q, %s : tensor<?x16xf32>, tensor<?x2x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 2>

// Half precision would be rounded between the members.
// CHECK-LABEL: func @narrow(
// CHECK: moe.experts {{.*}} members
func.func @narrow(%x: tensor<?x16xf16>, %ids: tensor<?x2xi32>) -> tensor<?x16xf16> {
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x16xf16>, !plan -> tensor<?x16xf16>
  // expected-remark @+1 {{stays one bank: the sum over its members would be rounded between them}}
  %y = moe.experts %plan rows(%rows : tensor<?x16xf16>) members = [0, 1] : !plan -> tensor<?x16xf16> {
  ^bb0(%r: tensor<?x16xf16>, %expert: index):
    moe.yield %r : tensor<?x16xf16>
  }, {
  ^bb0(%r: tensor<?x16xf16>, %expert: index):
    moe.yield %r : tensor<?x16xf16>
  }
  %q = moe.combine add %y by %plan init(%x : tensor<?x16xf16>) : tensor<?x16xf16>, !plan -> tensor<?x16xf16>
  return %q : tensor<?x16xf16>
}
