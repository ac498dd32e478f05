// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --moe-fuse-router=block-rows=16 --canonicalize | FileCheck %s

// CHECK: #[[BLOCK:.*]] = affine_map<(d0)[s0] -> (-d0 + s0, 16)>
// Matmul, softmax, selection and weights of 16 tokens in one iteration; the
// logits are returned too and are written out.
// CHECK-LABEL: func @router(
// CHECK-SAME: %[[X:.*]]: tensor<?x32xf32>, %[[WEIGHT:.*]]: tensor<8x32xf32>
// CHECK: %[[T:.*]] = tensor.dim %[[X]]
// CHECK-NOT: linalg
// CHECK: scf.forall (%[[I:.*]]) = (0) to (%[[T]]) step (16) shared_outs(%[[O0:.*]] = %{{.*}}, %[[O1:.*]] = %{{.*}}, %[[O2:.*]] = %{{.*}}) -> (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>)
// CHECK:   %[[N:.*]] = affine.min #[[BLOCK]](%[[I]])[%[[T]]]
// CHECK:   %[[XB:.*]] = tensor.extract_slice %[[X]][%[[I]], 0] [%[[N]], 32] [1, 1]
// CHECK:   %[[L:.*]] = linalg.matmul {{.*}} ins(%[[XB]], %[[WEIGHT]]
// CHECK:   %[[P:.*]] = linalg.softmax dimension(1) ins(%[[L]]
// CHECK:   %[[IDS:.*]] = moe.select #moe.top_k<2> scores(%[[P]]
// CHECK:   %[[W:.*]] = moe.weigh none %[[P]], %[[IDS]]
// CHECK:   scf.forall.in_parallel
// CHECK:     tensor.parallel_insert_slice %[[L]] into %[[O0]][%[[I]], 0] [%[[N]], 8] [1, 1]
// CHECK:     tensor.parallel_insert_slice %[[IDS]] into %[[O1]]
// CHECK:     tensor.parallel_insert_slice %[[W]] into %[[O2]]
func.func @router(%x: tensor<?x32xf32>, %weight: tensor<8x32xf32>) -> (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x32xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %l = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
    ins(%x, %weight : tensor<?x32xf32>, tensor<8x32xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  %p = linalg.softmax dimension(1) ins(%l : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh none %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %l, %ids, %w : tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// An unforeseen score: elementwise with a vector an expert, weights from another
// tensor than the selection. A fixed token count works alike.
// CHECK-LABEL: func @biased_sigmoid(
// CHECK-SAME: %[[L:.*]]: tensor<40x8xf32>, %[[BIAS:.*]]: tensor<8xf32>
// CHECK: scf.forall (%{{.*}}) = (0) to (40) step (16) {{.*}} -> (tensor<40x2xi32>, tensor<40x2xf32>)
// CHECK:   %[[S:.*]]:2 = linalg.generic {{.*}} ins(%{{.*}}, %[[BIAS]] : tensor<?x8xf32>, tensor<8xf32>) outs({{.*}} : tensor<?x8xf32>, tensor<?x8xf32>)
// CHECK:   %[[IDS:.*]] = moe.select #moe.top_k<2> scores(%[[S]]#1
// CHECK:   moe.weigh sum %[[S]]#0, %[[IDS]]
func.func @biased_sigmoid(%l: tensor<40x8xf32>, %bias: tensor<8xf32>) -> (tensor<40x2xi32>, tensor<40x2xf32>) {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<40x8xf32>
  %s:2 = linalg.generic {indexing_maps = [affine_map<(t, k) -> (t, k)>, affine_map<(t, k) -> (k)>, affine_map<(t, k) -> (t, k)>, affine_map<(t, k) -> (t, k)>], iterator_types = ["parallel", "parallel"]}
      ins(%l, %bias : tensor<40x8xf32>, tensor<8xf32>) outs(%e, %e : tensor<40x8xf32>, tensor<40x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32, %o2: f32):
    %n = arith.negf %a : f32
    %x = math.exp %n : f32
    %d = arith.addf %one, %x : f32
    %g = arith.divf %one, %d : f32
    %q = arith.addf %g, %b : f32
    linalg.yield %g, %q : f32, f32
  } -> (tensor<40x8xf32>, tensor<40x8xf32>)
  %ids = moe.select #moe.top_k<2> scores(%s#1 : tensor<40x8xf32>) -> tensor<40x2xi32>
  %w = moe.weigh sum %s#0, %ids : tensor<40x8xf32>, tensor<40x2xi32> -> tensor<40x2xf32>
  return %ids, %w : tensor<40x2xi32>, tensor<40x2xf32>
}

// -----

// The plan stands between selection and weights; it moves behind the loop.
// CHECK-LABEL: func @plan_between(
// CHECK: %[[R:.*]]:2 = scf.forall
// CHECK: moe.plan %[[R]]#0
func.func @plan_between(%p: tensor<?x8xf32>) -> (index, tensor<?x2xf32>) {
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %plan = moe.plan %ids : tensor<?x2xi32> -> !moe.plan<experts = 8, slots = 2>
  %n = moe.rows %plan : !moe.plan<experts = 8, slots = 2>
  %w = moe.weigh sum %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %n, %w : index, tensor<?x2xf32>
}

// -----

// The hidden states are wider than the scores and have another reader, so the
// operation that makes them is not pulled in.
// CHECK-LABEL: func @wide_producer_stays(
// CHECK: %[[H:.*]] = linalg.generic
// CHECK: scf.forall
// CHECK:   tensor.extract_slice %[[H]]
// CHECK:   linalg.matmul
func.func @wide_producer_stays(%x: tensor<?x32xf32>, %weight: tensor<32x8xf32>) -> (tensor<?x32xf32>, tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x32xf32>
  %eh = tensor.empty(%t) : tensor<?x32xf32>
  %h = linalg.generic {indexing_maps = [affine_map<(t, k) -> (t, k)>, affine_map<(t, k) -> (t, k)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x32xf32>) outs(%eh : tensor<?x32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = math.tanh %a : f32
    linalg.yield %n : f32
  } -> tensor<?x32xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %l = linalg.matmul ins(%h, %weight : tensor<?x32xf32>, tensor<32x8xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%l : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh softmax %l, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %h, %ids, %w : tensor<?x32xf32>, tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// A reduction over tokens couples rows: it stays outside, whole.
// CHECK-LABEL: func @coupled_rows_stay(
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: scf.forall
// CHECK-NOT: "reduction"
// CHECK:   linalg.generic {{.*}} ins(%{{.*}}, %[[SUM]] : tensor<?x8xf32>, tensor<8xf32>)
// CHECK:   moe.select
func.func @coupled_rows_stay(%l: tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %l, %c0 : tensor<?x8xf32>
  %es = tensor.empty() : tensor<8xf32>
  %zs = linalg.fill ins(%zero : f32) outs(%es : tensor<8xf32>) -> tensor<8xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(k, t) -> (t, k)>, affine_map<(k, t) -> (k)>], iterator_types = ["parallel", "reduction"]}
      ins(%l : tensor<?x8xf32>) outs(%zs : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %a, %o : f32
    linalg.yield %n : f32
  } -> tensor<8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(t, k) -> (t, k)>, affine_map<(t, k) -> (k)>, affine_map<(t, k) -> (t, k)>], iterator_types = ["parallel", "parallel"]}
      ins(%l, %sum : tensor<?x8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %n = arith.divf %a, %b : f32
    linalg.yield %n : f32
  } -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %w = moe.weigh none %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %ids, %w : tensor<?x2xi32>, tensor<?x2xf32>
}

// -----

// A softmax over tokens, a row's number, and another row's value couple rows.
// CHECK-LABEL: func @no_fuse_when_all_producers_couple_rows(
// CHECK-NOT: scf.forall
func.func @no_fuse_when_all_producers_couple_rows(%l: tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xi32>, tensor<4x2xi32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %l, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%t) : tensor<?x8xf32>
  %p = linalg.softmax dimension(0) ins(%l : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %a = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  %q = linalg.generic {indexing_maps = [affine_map<(t, k) -> (t, k)>, affine_map<(t, k) -> (t, k)>], iterator_types = ["parallel", "parallel"]}
      ins(%l : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%v: f32, %o: f32):
    %i = linalg.index 0 : index
    %j = arith.index_cast %i : index to i32
    %f = arith.sitofp %j : i32 to f32
    %n = arith.addf %v, %f : f32
    linalg.yield %n : f32
  } -> tensor<?x8xf32>
  %b = moe.select #moe.top_k<2> scores(%q : tensor<?x8xf32>) -> tensor<?x2xi32>
  %g = tensor.empty() : tensor<4x4xf32>
  %h = linalg.transpose ins(%g : tensor<4x4xf32>) outs(%g : tensor<4x4xf32>) permutation = [1, 0]
  %c = moe.select #moe.top_k<2> scores(%h : tensor<4x4xf32>) -> tensor<4x2xi32>
  return %a, %b, %c : tensor<?x2xi32>, tensor<?x2xi32>, tensor<4x2xi32>
}

// -----

// A call between selection and weights reads the ids and has effects, so
// nothing can move.
// CHECK-LABEL: func @no_fuse_across_effects(
// CHECK-NOT: scf.forall
// CHECK: moe.select
// CHECK-NEXT: call @effect
// CHECK-NEXT: moe.weigh
func.func private @effect(tensor<?x2xi32>)
func.func @no_fuse_across_effects(%p: tensor<?x8xf32>) -> tensor<?x2xf32> {
  %ids = moe.select #moe.top_k<2> scores(%p : tensor<?x8xf32>) -> tensor<?x2xi32>
  func.call @effect(%ids) : (tensor<?x2xi32>) -> ()
  %w = moe.weigh none %p, %ids : tensor<?x8xf32>, tensor<?x2xi32> -> tensor<?x2xf32>
  return %w : tensor<?x2xf32>
}

// -----

// A matmul of all rows with all rows reads more than its block: what makes those
// rows stays outside.
// CHECK-LABEL: func @no_fuse_of_rows_that_another_reads_whole(
// CHECK: %[[L:.*]] = linalg.tanh
// CHECK: scf.forall
// CHECK: linalg.matmul ins(%{{.*}}, %[[L]] : tensor<?x32xf32>, tensor<32x32xf32>)
// CHECK: moe.select
func.func @no_fuse_of_rows_that_another_reads_whole(%x: tensor<32x32xf32>) -> tensor<32x2xi32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<32x32xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<32x32xf32>) -> tensor<32x32xf32>
  %l = linalg.tanh ins(%x : tensor<32x32xf32>) outs(%e : tensor<32x32xf32>) -> tensor<32x32xf32>
  %m = linalg.matmul ins(%l, %l : tensor<32x32xf32>, tensor<32x32xf32>) outs(%z : tensor<32x32xf32>) -> tensor<32x32xf32>
  %ids = moe.select #moe.top_k<2> scores(%m : tensor<32x32xf32>) -> tensor<32x2xi32>
  return %ids : tensor<32x2xi32>
}
