// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --convert-moe-to-grouped='explain=true' --canonicalize --verify-diagnostics --mlir-print-op-on-diagnostic=false -o %t
// RUN: FileCheck %s < %t

// Regions that do not become operations on the rows of all experts run once for
// each expert that has rows.

!plan = !moe.plan<experts = 2, slots = 1>
// A null expert costs nothing but the zeros of its rows.
// CHECK-LABEL: func @null_expert(
// CHECK: %[[S:.*]]:3 = grouped.sort
// CHECK: %[[Z:.*]] = linalg.fill
// CHECK: scf.for %[[E:[a-z0-9]+]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[A:.*]] = %[[Z]])
// CHECK:   %[[BEGIN:.*]] = tensor.extract %[[S]]#0[%[[E]]]
// CHECK:   scf.if
// CHECK:     arith.minui
// CHECK:     scf.index_switch
// CHECK:     case 0 {
// CHECK:       tensor.extract_slice
// CHECK:       tensor.insert_slice
// CHECK:     default {
// CHECK-NEXT:  scf.yield %[[A]]
// CHECK: grouped.combine
func.func @null_expert(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-remark @+1 {{each id of a token but -1 is a row}}
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-remark @+1 {{runs expert by expert, those without rows left out: there are null experts}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) members = [0, -1] : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
// CHECK-LABEL: func @two_regions(
// CHECK-NOT: linalg.fill
// CHECK: scf.index_switch
// CHECK: case 0
// CHECK: case 1
func.func @two_regions(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-remark @+1 {{each id of a token but -1 is a row}}
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-remark @+1 {{runs expert by expert, those without rows left out: there are several regions}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) members = [0, 1] slot = [0, 0] : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }, {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
// CHECK-LABEL: func @shared_slot(
// CHECK: scf.for
// CHECK: scf.if
func.func @shared_slot(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-remark @+1 {{each id of a token but -1 is a row}}
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-remark @+1 {{runs expert by expert, those without rows left out: slots are not in the order of the experts}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) slot = [0, 0] : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
// The expert's id is the loop's.
// CHECK-LABEL: func @expert_id(
// CHECK: scf.for %[[E:[a-z0-9]+]] = %
// CHECK: tensor.extract %{{.*}}[%[[E]]] : tensor<2xf32>
func.func @expert_id(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>, %v: tensor<2xf32>) -> tensor<?x16xf32> {
  // expected-remark @+1 {{each id of a token but -1 is a row}}
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-remark @+1 {{runs expert by expert, those without rows left out: 'tensor.extract' uses the expert's id}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    %s = tensor.extract %v[%expert] : tensor<2xf32>
    %f = linalg.fill ins(%s : f32) outs(%r : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %f : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
// CHECK-LABEL: func @softmax_over_rows(
// CHECK: scf.if
// CHECK: linalg.softmax dimension(0)
func.func @softmax_over_rows(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // expected-remark @+1 {{each id of a token but -1 is a row}}
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-remark @+1 {{runs expert by expert, those without rows left out: 'linalg.softmax' is neither row-wise nor a contraction of rows}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    %s = linalg.softmax dimension(0) ins(%r : tensor<?x16xf32>) outs(%r : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %s : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
// CHECK-LABEL: func @sum_over_rows(
// CHECK: scf.if
// CHECK: linalg.broadcast
func.func @sum_over_rows(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %zero = arith.constant 0.0 : f32
  // expected-remark @+1 {{each id of a token but -1 is a row}}
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-remark @+1 {{runs expert by expert, those without rows left out: 'linalg.generic' is neither row-wise nor a contraction of rows}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    %e = tensor.empty() : tensor<16xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<16xf32>) -> tensor<16xf32>
    %s = linalg.generic {indexing_maps = [affine_map<(k, t) -> (t, k)>, affine_map<(k, t) -> (k)>], iterator_types = ["parallel", "reduction"]}
        ins(%r : tensor<?x16xf32>) outs(%f : tensor<16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %n = arith.addf %a, %o : f32
      linalg.yield %n : f32
    } -> tensor<16xf32>
    %b = linalg.broadcast ins(%s : tensor<16xf32>) outs(%r : tensor<?x16xf32>) dimensions = [0]
    moe.yield %b : tensor<?x16xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o : tensor<?x16xf32>
}
