// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --convert-moe-to-grouped --canonicalize | FileCheck %s

// Tables of T * K rows; the gathered rows are multiplied by input weights, the
// results by output weights.
// CHECK: #[[RN:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d4)>
// CHECK: #[[TS:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d2, d3)>
// CHECK-LABEL: func @dispatch_and_combine(
// CHECK-SAME: %[[X:.*]]: tensor<?x16xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<?x2xf32>, %[[INIT:.*]]: tensor<?x16xf32>
// CHECK: %[[C2:.*]] = arith.constant 2 : index
// CHECK: %[[T:.*]] = tensor.dim %[[IDS]]
// CHECK: %[[R:.*]] = arith.muli %[[T]], %[[C2]]
// CHECK: %[[S:.*]]:3 = grouped.sort ids(%[[IDS]] : tensor<?x2xi32>) outs({{.*}} : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
// CHECK: %[[E:.*]] = tensor.empty(%[[R]]) : tensor<?x16xf32>
// CHECK: %[[G:.*]] = grouped.gather source(%[[X]] : tensor<?x16xf32>) groups(%[[S]]#0, %[[S]]#1 : {{.*}}) outs(%[[E]]
// CHECK: %[[IN:.*]] = grouped.map groups(%[[S]]#0, %[[S]]#1, %[[S]]#2 : {{.*}}) ins(%[[G]], %[[W]] : {{.*}}) maps [#[[RN]], #[[TS]]]
// CHECK:   arith.mulf
// CHECK: %[[OUT:.*]] = grouped.map groups({{.*}}) ins(%[[IN]], %[[W]] : {{.*}}) maps [#[[RN]], #[[TS]]]
// CHECK: %[[Y:.*]] = grouped.combine rows(%[[OUT]] : tensor<?x16xf32>) groups(%[[S]]#0, %[[S]]#1 : {{.*}}) outs(%[[INIT]] : tensor<?x16xf32>)
// CHECK: return %[[Y]]
func.func @dispatch_and_combine(%x: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %r = moe.dispatch %x by %plan weights(%w : tensor<?x2xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %y = moe.combine add %r by %plan weights(%w : tensor<?x2xf32>) init(%init : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// Positions are rows of rank 1; without weights nothing is multiplied.
// CHECK-LABEL: func @replace_slots_rows(
// CHECK-SAME: %[[POS:[^:]*]]: tensor<?xi32>
// CHECK: %[[S:.*]]:3 = grouped.sort
// CHECK: %[[G:.*]] = grouped.gather source(%[[POS]] : tensor<?xi32>)
// CHECK-NOT: grouped.map
// CHECK: grouped.combine replace rows(
// CHECK: grouped.slots rows({{.*}}) groups(%[[S]]#0, %[[S]]#1, %[[S]]#2 : {{.*}}) outs({{.*}} : tensor<?x2x16xf32>)
// CHECK: grouped.slots rows(%[[G]] : tensor<?xi32>)
// CHECK: %[[N:.*]] = tensor.extract %[[S]]#0[%c8]
// CHECK: arith.index_cast %[[N]] : i32 to index
func.func @replace_slots_rows(%pos: tensor<?xi32>, %x: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %init: tensor<?x16xf32>, %slots: tensor<?x2x16xf32>, %ranks: tensor<?x2xi32>) -> (tensor<?x2xi32>, tensor<?x16xf32>, tensor<?x2x16xf32>, index) {
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %p = moe.dispatch %pos by %plan : tensor<?xi32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xi32>
  %r = moe.dispatch %x by %plan : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %y = moe.combine replace %r by %plan init(%init : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %s = moe.slots %r by %plan init(%slots : tensor<?x2x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x2x16xf32>
  %q = moe.slots %p by %plan init(%ranks : tensor<?x2xi32>) : tensor<?xi32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x2xi32>
  %n = moe.rows %plan : !moe.plan<experts = 8, slots = 2>
  return %q, %y, %s, %n : tensor<?x2xi32>, tensor<?x16xf32>, tensor<?x2x16xf32>, index
}

// -----

// Expert choice from given token ids: E * C rows.
// CHECK-LABEL: func @by_expert(
// CHECK-SAME: %[[IDS:.*]]: tensor<4x?xi32>, %[[T:.*]]: index
// CHECK: %[[C:.*]] = tensor.dim %[[IDS]], %c1
// CHECK: arith.muli %[[C]], %c4
// CHECK: grouped.sort ids(%[[IDS]] : tensor<4x?xi32>) by_expert(%[[T]]) outs({{.*}} : tensor<5xi32>
func.func @by_expert(%ids: tensor<4x?xi32>, %tokens: index) -> index {
  %plan = moe.plan by_expert %ids tokens(%tokens) : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 4>
  %n = moe.rows %plan : !moe.plan<experts = 4, slots = 4>
  return %n : index
}

// -----

// CHECK-LABEL: func @select(
// CHECK-SAME: %[[S:.*]]: tensor<?x8xf32>, %[[M:.*]]: tensor<?x8xi1>
// CHECK: %[[T:.*]] = tensor.dim %[[S]]
// CHECK: %[[E:.*]] = tensor.empty(%[[T]]) : tensor<?x2xi32>
// CHECK: grouped.select #moe.top_k<2> scores(%[[S]] : tensor<?x8xf32>) mask(%[[M]] : tensor<?x8xi1>) outs(%[[E]]
func.func @select(%s: tensor<?x8xf32>, %m: tensor<?x8xi1>) -> tensor<?x2xi32> {
  %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x8xf32>) mask(%m : tensor<?x8xi1>) -> tensor<?x2xi32>
  return %ids : tensor<?x2xi32>
}

// -----

// A plan is three tables wherever it goes: through loops, branches and private
// functions.
// CHECK-LABEL: func private @count(
// CHECK-SAME: tensor<9xi32>, %{{.*}}: tensor<?xi32>, %{{.*}}: tensor<?xi32>) -> (tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
func.func private @count(%plan: !moe.plan<experts = 8, slots = 2>) -> !moe.plan<experts = 8, slots = 2> {
  return %plan : !moe.plan<experts = 8, slots = 2>
}
// CHECK-LABEL: func @plan_travels(
// CHECK: %[[IF:.*]]:3 = scf.if %{{.*}} -> (tensor<9xi32>, tensor<?xi32>, tensor<?xi32>) {
// CHECK: %[[A:.*]]:3 = grouped.sort
// CHECK: scf.yield %[[A]]#0, %[[A]]#1, %[[A]]#2
// CHECK: %[[B:.*]]:3 = grouped.sort
// CHECK: scf.yield %[[B]]#0, %[[B]]#1, %[[B]]#2
// CHECK: %[[CALL:.*]]:3 = call @count(%[[IF]]#0, %[[IF]]#1, %[[IF]]#2)
// CHECK: %[[G:.*]] = grouped.gather {{.*}} groups(%[[CALL]]#0, %[[CALL]]#1
// CHECK-NOT: moe.plan
func.func @plan_travels(%x: tensor<?x16xf32>, %a: tensor<?x2xi32>, %b: tensor<?x2xi32>, %c: i1, %init: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %plan = scf.if %c -> !moe.plan<experts = 8, slots = 2> {
    %p = moe.plan %a : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
    scf.yield %p : !moe.plan<experts = 8, slots = 2>
  } else {
    %q = moe.plan %b : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
    scf.yield %q : !moe.plan<experts = 8, slots = 2>
  }
  %same = func.call @count(%plan) : (!moe.plan<experts = 8, slots = 2>) -> !moe.plan<experts = 8, slots = 2>
  %r = moe.dispatch %x by %same : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  %y = moe.combine add %r by %same init(%init : tensor<?x16xf32>) : tensor<?x16xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// A tap stays and records what the value became.
// CHECK-LABEL: func @tap(
// CHECK: %[[IDS:.*]] = grouped.select
// CHECK: moe.tap "ids" %[[IDS]] : tensor<?x2xi32>
func.func @tap(%s: tensor<?x8xf32>) {
  %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x8xf32>) -> tensor<?x2xi32>
  moe.tap "ids" %ids : tensor<?x2xi32>
  return
}

// -----

// Who keeps a place is one of four orders.
// CHECK-LABEL: func @limit(
// CHECK-SAME: %[[IDS:[^:]*]]: tensor<?x2xi32>, %[[P:[^:]*]]: tensor<?x2xf32>, %[[G:[^:]*]]: tensor<?xi32>, %[[C:[^:]*]]: i32
// CHECK: grouped.limit ids(%[[IDS]] : {{.*}}) capacity(%[[C]]) by_slot experts = 8
// CHECK: grouped.limit ids({{.*}}) capacity(%[[C]]) experts = 8
// CHECK: grouped.limit ids({{.*}}) capacity(%[[C]]) priority(%[[P]] : tensor<?x2xf32>) segments(%[[G]] : tensor<?xi32>) experts = 8
// CHECK: grouped.limit ids({{.*}}) capacity(%[[C]]) random = 42 experts = 8
func.func @limit(%ids: tensor<?x2xi32>, %p: tensor<?x2xf32>, %g: tensor<?xi32>, %c: i32) -> tensor<?x2xi32> {
  %0 = moe.limit slot %ids capacity(%c) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
  %1 = moe.limit token %0 capacity(%c) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
  %2 = moe.limit score %1 capacity(%c) priority(%p : tensor<?x2xf32>) segments(%g : tensor<?xi32>) experts = 8 : tensor<?x2xi32> -> tensor<?x2xi32>
  %3 = moe.limit random %2 capacity(%c) experts = 8 {seed = 42 : i64} : tensor<?x2xi32> -> tensor<?x2xi32>
  return %3 : tensor<?x2xi32>
}

// -----

// A capacity that follows from sizes bounds the rows of the plan.
// CHECK-LABEL: func @expert_choice(
// CHECK-SAME: %[[S:[^:]*]]: tensor<?x4xf32>
// CHECK: %[[T:.*]] = tensor.dim %[[S]]
// CHECK: %[[HALF:.*]] = arith.divui %[[T]]
// CHECK: %[[C:.*]] = arith.index_cast %[[HALF]] : index to i32
// CHECK: %[[IDS:.*]]:2 = grouped.select_tokens by_score scores(%[[S]] : tensor<?x4xf32>) capacity(%[[C]] : i32) outs({{.*}} : tensor<4x?xi32>, tensor<?x4xi1>)
// CHECK: %[[MAX:.*]] = arith.maxsi %[[C]]
// CHECK: %[[LIMIT:.*]] = arith.index_cast %[[MAX]] : i32 to index
// CHECK: %[[WIDTH:.*]] = arith.minui {{.*}}%[[LIMIT]]
// CHECK: %[[ROWS:.*]] = arith.muli %[[WIDTH]], %c4
// CHECK: tensor.empty(%[[ROWS]]) : tensor<?xi32>
// CHECK: grouped.sort ids(%[[IDS]]#0 : tensor<4x?xi32>) by_expert(%[[T]])
func.func @expert_choice(%s: tensor<?x4xf32>) -> index {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %t = tensor.dim %s, %c0 : tensor<?x4xf32>
  %half = arith.divui %t, %c2 : index
  %c = arith.index_cast %half : index to i32
  %ids, %chosen = moe.select_tokens score %s capacity(%c : i32) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  %plan = moe.plan by_expert %ids tokens(%t) : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 4>
  %n = moe.rows %plan : !moe.plan<experts = 4, slots = 4>
  return %n : index
}

// -----

// A capacity from values, or several segments: as many rows as ids.
// CHECK-LABEL: func @unbounded(
// CHECK-NOT: arith.minui
func.func @unbounded(%s: tensor<?x4xf32>, %c: i32, %g: tensor<?xi32>) -> (index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : i32
  %t = tensor.dim %s, %c0 : tensor<?x4xf32>
  %ids, %chosen = moe.select_tokens position %s capacity(%c : i32) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  %plan = moe.plan by_expert %ids tokens(%t) : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 4>
  %n = moe.rows %plan : !moe.plan<experts = 4, slots = 4>
  %more, %which = moe.select_tokens position %s capacity(%c1 : i32) segments(%g : tensor<?xi32>) : tensor<?x4xf32> -> tensor<4x?xi32>, tensor<?x4xi1>
  %other = moe.plan by_expert %more tokens(%t) : tensor<4x?xi32> -> !moe.plan<experts = 4, slots = 4>
  %m = moe.rows %other : !moe.plan<experts = 4, slots = 4>
  return %n, %m : index, index
}
