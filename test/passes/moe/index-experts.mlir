// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --moe-index-experts | FileCheck %s
// RUN: %moe-opt %s --split-input-file --moe-index-experts=explain=1 --verify-diagnostics --mlir-print-op-on-diagnostic=false -o %t
// RUN: %moe-opt %s --split-input-file --moe-to-grouped=exact=1 | FileCheck %s --check-prefix=EXACT

!plan = !moe.plan<experts = 8, slots = 2>
#rc = affine_map<(r, c) -> (r, c)>
#r = affine_map<(r, c) -> (r)>
#c = affine_map<(r, c) -> (c)>

// A row and a column; the sum over the row has 32 parts; what is the same for
// all experts is computed before the loop; tokens are many in a block.
// CHECK-LABEL: func @rank_one(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>, %[[IDS:.*]]: tensor<?x2xi32>, %[[W:.*]]: tensor<?x2xf32>, %[[A:.*]]: tensor<8x64xf32>, %[[B:.*]]: tensor<8x64xf32>
// CHECK-NOT: moe.
// CHECK: %[[SQRT:.*]] = math.sqrt
// CHECK: scf.forall (%[[I:.*]]) = (0) to (%{{.*}}) step (32) shared_outs(%[[O:.*]] = %[[X]])
// CHECK: %[[N:.*]] = affine.min
// CHECK: tensor.extract_slice %[[O]][%[[I]], 0] [%[[N]], 64] [1, 1]
// CHECK: scf.for %[[J:[a-z0-9]+]] =
// CHECK: %[[TOKEN:.*]] = arith.addi %[[I]], %[[J]]
// CHECK: scf.for %[[K:[a-z0-9]+]] = %{{.*}} to %c2
// CHECK: %[[ID:.*]] = tensor.extract %[[IDS]][%[[TOKEN]], %[[K]]]
// CHECK: %[[IS:.*]] = arith.cmpi ult, %[[ID]], %c8_i32
// CHECK: scf.if %[[IS]]
// CHECK: %[[E:.*]] = arith.index_cast %[[ID]]
// CHECK: tensor.extract_slice %[[X]][%[[TOKEN]], 0] [1, 64] [1, 1] : tensor<?x64xf32> to tensor<1x64xf32>
// CHECK: tensor.extract_slice %[[A]][%[[E]], 0] [1, 64] [1, 1] : tensor<8x64xf32> to tensor<64xf32>
// CHECK: tensor.extract_slice %[[B]][%[[E]], 0] [1, 64] [1, 1] : tensor<8x64xf32> to tensor<64xf32>
// CHECK: iterator_types = ["parallel", "reduction", "parallel"]{{.*}} tensor<1x2x32xf32>
// CHECK: arith.mulf %{{.*}}, %[[SQRT]]
// CHECK: tensor.extract %[[W]][%[[TOKEN]], %[[K]]]
// CHECK: tensor.parallel_insert_slice
// EXACT-LABEL: func @rank_one(
// EXACT: grouped.sort
func.func @rank_one(%x: tensor<?x64xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>, %a: tensor<8x64xf32>, %b: tensor<8x64xf32>, %s0: tensor<1xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %scale = tensor.extract %s0[%c0] : tensor<1xf32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x64xf32>, !plan -> tensor<?x64xf32>
  // expected-remark @+1 {{computed token by token: its experts are vectors, of which only the selected are read}}
  %y = moe.experts %plan rows(%rows : tensor<?x64xf32>) params(%a, %b : tensor<8x64xf32>, tensor<8x64xf32>) : !plan -> tensor<?x64xf32> {
  ^bb0(%row: tensor<?x64xf32>, %s: tensor<64xf32>, %t: tensor<64xf32>, %expert: index):
    %sqrt = math.sqrt %scale : f32
    %n = tensor.dim %row, %c0 : tensor<?x64xf32>
    %e = tensor.empty(%n) : tensor<?x64xf32>
    %m = linalg.generic {indexing_maps = [#rc, #c, #rc], iterator_types = ["parallel", "parallel"]} ins(%row, %s : tensor<?x64xf32>, tensor<64xf32>) outs(%e : tensor<?x64xf32>) {
    ^bb1(%p: f32, %q: f32, %o: f32):
      %v = arith.mulf %p, %q : f32
      linalg.yield %v : f32
    } -> tensor<?x64xf32>
    %f = tensor.empty(%n) : tensor<?xf32>
    %z = linalg.fill ins(%zero : f32) outs(%f : tensor<?xf32>) -> tensor<?xf32>
    %sum = linalg.reduce { arith.addf } ins(%m : tensor<?x64xf32>) outs(%z : tensor<?xf32>) dimensions = [1]
    %u = linalg.generic {indexing_maps = [#r, #c, #rc], iterator_types = ["parallel", "parallel"]} ins(%sum, %t : tensor<?xf32>, tensor<64xf32>) outs(%e : tensor<?x64xf32>) {
    ^bb1(%p: f32, %q: f32, %o: f32):
      %g = arith.mulf %p, %sqrt : f32
      %v = arith.mulf %g, %q : f32
      linalg.yield %v : f32
    } -> tensor<?x64xf32>
    moe.yield %u : tensor<?x64xf32>
  }
  %q = moe.combine add %y by %plan weights(%w : tensor<?x2xf32>) init(%x : tensor<?x64xf32>) : tensor<?x64xf32>, !plan -> tensor<?x64xf32>
  return %q : tensor<?x64xf32>
}

// -----

!plan = !moe.plan<experts = 1, slots = 2>

// An identity: no copy of the rows. Few tokens are in a block of wide rows.
// CHECK-LABEL: func @identity(
// CHECK: scf.forall {{.*}} step (2)
// CHECK: arith.addf
// CHECK-NOT: moe.
func.func @identity(%x: tensor<?x4096xf32>, %ids: tensor<?x2xi32>, %i: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x4096xf32>, !plan -> tensor<?x4096xf32>
  // expected-remark @+1 {{computed token by token}}
  %y = moe.experts %plan rows(%rows : tensor<?x4096xf32>) : !plan -> tensor<?x4096xf32> {
  ^bb0(%r: tensor<?x4096xf32>, %expert: index):
    moe.yield %r : tensor<?x4096xf32>
  }
  %q = moe.combine add %y by %plan init(%i : tensor<?x4096xf32>) : tensor<?x4096xf32>, !plan -> tensor<?x4096xf32>
  return %q : tensor<?x4096xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 2>

// A product with a matrix stays grouped.
// CHECK-LABEL: func @matrix(
// CHECK: moe.experts
func.func @matrix(%x: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %a: tensor<2x16x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %y = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%a : tensor<2x16x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %s: tensor<16x16xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x16xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    %m = linalg.matmul ins(%r, %s : tensor<?x16xf32>, tensor<16x16xf32>) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %m : tensor<?x16xf32>
  }
  %q = moe.combine add %y by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %q : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 2>

// Experts that choose tokens have no slots of a token.
// CHECK-LABEL: func @by_expert(
// CHECK: moe.experts
func.func @by_expert(%x: tensor<?x16xf32>, %ids: tensor<2x?xi32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x16xf32>
  %plan = moe.plan by_expert %ids tokens(%t) : tensor<2x?xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %y = moe.experts %plan rows(%rows : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }
  %q = moe.combine add %y by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %q : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 2>

// Weights on the input, and results that a token's last row replaces.
// CHECK-LABEL: func @other_forms(
// CHECK: moe.experts
// CHECK: moe.experts
func.func @other_forms(%x: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %w: tensor<?x2xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %weighted = moe.dispatch %x by %plan weights(%w : tensor<?x2xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %y = moe.experts %plan rows(%weighted : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }
  %q = moe.combine add %y by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %v = moe.experts %plan rows(%rows : tensor<?x16xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    moe.yield %r : tensor<?x16xf32>
  }
  %u = moe.combine replace %v by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %q, %u : tensor<?x16xf32>, tensor<?x16xf32>
}
