// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --convert-moe-to-grouped --verify-diagnostics --mlir-print-op-on-diagnostic=false

!plan = !moe.plan<experts = 2, slots = 1>
func.func @tapped_rows(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>) {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.dispatch' op rows reach an operation outside of the experts that is not row-wise}}
  %r = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  // expected-note @+1 {{'moe.tap'; moe-run --reference runs it}}
  moe.tap "rows" %r : tensor<?x16xf32>
  return
}

// -----

func.func @dispatch_rank_1(%x: tensor<?xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %init: tensor<?xf32>) -> tensor<?xf32> {
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  // expected-error @+1 {{'moe.dispatch' op with weights expects float rows of rank 2, got 'tensor<?xf32>'}}
  %r = moe.dispatch %x by %plan weights(%w : tensor<?x2xf32>) : tensor<?xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xf32>
  %y = moe.combine add %r by %plan init(%init : tensor<?xf32>) : tensor<?xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func @combine_rank_1(%x: tensor<?xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %init: tensor<?xf32>) -> tensor<?xf32> {
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %r = moe.dispatch %x by %plan : tensor<?xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xf32>
  // expected-error @+1 {{'moe.combine' op with weights expects float rows of rank 2, got 'tensor<?xf32>'}}
  %y = moe.combine add %r by %plan weights(%w : tensor<?x2xf32>) init(%init : tensor<?xf32>) : tensor<?xf32>, !moe.plan<experts = 8, slots = 2> -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// expected-error @+1 {{'func.func' op is exported, and a plan crosses it}}
func.func @exported(%plan: !moe.plan<experts = 8, slots = 2>) -> index {
  %n = moe.rows %plan : !moe.plan<experts = 8, slots = 2>
  return %n : index
}

// -----

func.func @crossed(%ids: tensor<?x2xi32>, %c: i1) -> index {
  %p = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  // expected-error @+1 {{'arith.select' op is crossed by a plan, which has no tables here}}
  %q = arith.select %c, %p, %p : !moe.plan<experts = 8, slots = 2>
  %n = moe.rows %q : !moe.plan<experts = 8, slots = 2>
  return %n : index
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @rows_leave(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>) -> tensor<?x16xf32> {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.dispatch' op rows reach an operation outside of the experts that is not row-wise}}
  %r = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  // expected-note @+1 {{'func.return'; moe-run --reference runs it}}
  return %r : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
#rows = affine_map<(m, n, k) -> (m, k)>
#others = affine_map<(m, n, k) -> (n, k)>
#all = affine_map<(m, n, k) -> (m, n)>
func.func @experts_of_rows_of_rows(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<?x?xf32>, %o: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  %r = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %s = linalg.matmul indexing_maps = [#rows, #others, #all] ins(%r, %r : tensor<?x16xf32>, tensor<?x16xf32>) outs(%z : tensor<?x?xf32>) -> tensor<?x?xf32>
  // expected-note @+1 {{'linalg.matmul'; moe-run --reference runs it}}
  %a = linalg.matmul ins(%s, %r : tensor<?x?xf32>, tensor<?x16xf32>) outs(%o : tensor<?x16xf32>) -> tensor<?x16xf32>
  // expected-error @+1 {{'moe.experts' op takes rows that several rows went into, which has no CPU code yet}}
  %y = moe.experts %plan rows(%a : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%row: tensor<?x16xf32>, %expert: index):
    moe.yield %row : tensor<?x16xf32>
  }
  %c = moe.combine add %y by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %c : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
func.func @unknown_width(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %w: index, %z: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  // expected-error @+1 {{'moe.experts' op has a result of 'tensor<?x?xf32>', and no row operand has the sizes of its dynamic dimensions}}
  %y = moe.experts %plan rows(%x : tensor<?x16xf32>) : !plan -> tensor<?x?xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n, %w) : tensor<?x?xf32>
    moe.yield %e : tensor<?x?xf32>
  }
  %o = moe.combine add %y by %plan init(%z : tensor<?x?xf32>) : tensor<?x?xf32>, !plan -> tensor<?x?xf32>
  return %o : tensor<?x?xf32>
}
