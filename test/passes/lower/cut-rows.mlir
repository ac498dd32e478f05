// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --convert-moe-to-grouped --canonicalize | FileCheck %s

// Products of rows with rows see the rows that there are, and so does everything
// else outside of the moe dialect that has rows of the plan.
!plan = !moe.plan<experts = 2, slots = 1>
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#acc = affine_map<(m, n, k) -> (m, n)>
// CHECK-LABEL: func @among_rows
// CHECK: %[[S:.*]]:3 = grouped.sort
// CHECK: %[[LAST:.*]] = tensor.extract %[[S]]#0[%c2]
// CHECK: %[[COUNT:.*]] = arith.index_cast %[[LAST]] : i32 to index
// CHECK: %[[N:.*]] = arith.minsi %[[COUNT]], %{{.*}} : index
// CHECK: %[[R:.*]] = grouped.gather
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[R]][0, 0] [%[[N]], 16] [1, 1]
// CHECK: %[[E:.*]] = tensor.empty(%[[N]], %[[N]])
// CHECK: linalg.matmul {{.*}} ins(%[[ROWS]], %[[ROWS]] :
// CHECK: grouped.combine
func.func @among_rows(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %n = tensor.dim %rows, %c0 : tensor<?x16xf32>
  %e = tensor.empty(%n, %n) : tensor<?x?xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.matmul indexing_maps = [#lhs, #rhs, #acc] ins(%rows, %rows : tensor<?x16xf32>, tensor<?x16xf32>) outs(%z : tensor<?x?xf32>) -> tensor<?x?xf32>
  %e2 = tensor.empty(%n) : tensor<?x16xf32>
  %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %a = linalg.matmul ins(%s, %rows : tensor<?x?xf32>, tensor<?x16xf32>) outs(%z2 : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine replace %a by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

// What treats each row alone runs over the room behind the rows, too.
!plan = !moe.plan<experts = 2, slots = 1>
// CHECK-LABEL: func @each_alone
// CHECK-NOT: tensor.extract_slice
func.func @each_alone(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %e: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %rows, %c0 : tensor<?x16xf32>
  %o = tensor.empty(%n) : tensor<?x16xf32>
  %a = linalg.exp ins(%rows : tensor<?x16xf32>) outs(%o : tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = moe.combine add %a by %plan init(%x : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 2, slots = 1>
// CHECK-LABEL: func @rows_are_summed
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %{{.*}}[0, 0] [%{{.*}}, 16] [1, 1]
// CHECK: linalg.reduce {{.*}}ins(%[[ROWS]] :
func.func @rows_are_summed(%x: tensor<?x16xf32>, %ids: tensor<?x1xi32>, %z: tensor<16xf32>) -> tensor<16xf32> {
  %plan = moe.plan %ids : tensor<?x1xi32> -> !plan
  %r = moe.dispatch %x by %plan : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %s = linalg.reduce { arith.addf } ins(%r : tensor<?x16xf32>) outs(%z : tensor<16xf32>) dimensions = [0]
  return %s : tensor<16xf32>
}
