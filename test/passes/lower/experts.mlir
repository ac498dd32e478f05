// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --split-input-file --convert-moe-to-grouped --canonicalize | FileCheck %s

!plan = !moe.plan<experts = 8, slots = 2>

// A contraction with a slice runs on all rows at once, over the whole stack;
// the activation becomes one map.
// CHECK: #[[RN:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d4)>
// CHECK-LABEL: func @swiglu(
// CHECK-SAME: %[[R:[^:]*]]: tensor<?x16xf32>, %[[IDS:[^:]*]]: tensor<?x2xi32>, %[[G:[^:]*]]: tensor<8x24x16xbf16>, %[[U:[^:]*]]: tensor<8x24x16xbf16>, %[[D:[^:]*]]: tensor<8x24x16xbf16>
// CHECK: %[[S:.*]]:3 = grouped.sort
// CHECK-NOT: linalg
// CHECK: %[[A:.*]] = grouped.matmul lhs(%[[R]] : tensor<?x16xf32>) rhs(%[[G]] : tensor<8x24x16xbf16>) groups(%[[S]]#0, %[[S]]#1, %[[S]]#2 : {{.*}}) outs({{.*}} : tensor<?x24xf32>) attributes {maps = []} {
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT:   grouped.yield %[[ACC]] : f32
// CHECK: %[[B:.*]] = grouped.matmul lhs(%[[R]] : tensor<?x16xf32>) rhs(%[[U]]
// CHECK: %[[H:.*]] = grouped.map groups({{.*}}) ins(%[[A]], %[[B]] : {{.*}}) maps [#[[RN]], #[[RN]]]
// CHECK:   arith.divf
// CHECK:   arith.mulf
// CHECK: grouped.matmul lhs(%[[H]] : tensor<?x24xf32>) rhs(%[[D]] : tensor<8x24x16xbf16>) {{.*}} attributes {layout = #grouped<rhs_layout kn>, maps = []}
func.func @swiglu(%rows: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %g: tensor<8x24x16xbf16>, %u: tensor<8x24x16xbf16>, %d: tensor<8x24x16xbf16>, %init0: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %y = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%g, %u, %d : tensor<8x24x16xbf16>, tensor<8x24x16xbf16>, tensor<8x24x16xbf16>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %gs: tensor<24x16xbf16>, %us: tensor<24x16xbf16>, %ds: tensor<24x16xbf16>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x24xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x24xf32>) -> tensor<?x24xf32>
    %a = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%r, %gs : tensor<?x16xf32>, tensor<24x16xbf16>) outs(%z : tensor<?x24xf32>) -> tensor<?x24xf32>
    %b = linalg.contract indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%r, %us : tensor<?x16xf32>, tensor<24x16xbf16>) outs(%z : tensor<?x24xf32>) -> tensor<?x24xf32>
    %h = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : tensor<?x24xf32>, tensor<?x24xf32>) outs(%e : tensor<?x24xf32>) {
    ^bb0(%av: f32, %bv: f32, %o: f32):
      %neg = arith.negf %av : f32
      %ex = math.exp %neg : f32
      %den = arith.addf %ex, %one : f32
      %s = arith.divf %av, %den : f32
      %m = arith.mulf %s, %bv : f32
      linalg.yield %m : f32
    } -> tensor<?x24xf32>
    %e2 = tensor.empty(%n) : tensor<?x16xf32>
    %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %q = linalg.matmul ins(%h, %ds : tensor<?x24xf32>, tensor<24x16xbf16>) outs(%z2 : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %q : tensor<?x16xf32>
  }
  %o0 = moe.combine add %y by %plan init(%init0 : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o0 : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 8, slots = 2>

// A body that nobody foresaw: x * sigmoid(1.3 * x) + 0.1 * g with a vector and a
// scalar an expert, a vector for all and a captured scalar.
// CHECK-DAG: #[[RN:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d4)>
// CHECK-DAG: #[[EN:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d4)>
// CHECK-DAG: #[[E:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0)>
// CHECK-DAG: #[[N:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d4)>
// CHECK-LABEL: func @unforeseen(
// CHECK-SAME: %[[R:[^:]*]]: tensor<?x16xf32>, %{{[^:]*}}: tensor<?x2xi32>, %[[G:[^:]*]]: tensor<8x16xf32>, %[[S:[^:]*]]: tensor<8xf32>, %[[V:[^:]*]]: tensor<16xf32>, %[[C:[^:]*]]: f32
// CHECK: grouped.map groups({{.*}}) ins(%[[R]], %[[G]], %[[S]], %[[V]] : {{.*}}) maps [#[[RN]], #[[EN]], #[[E]], #[[N]]]
// CHECK: ^bb0(%[[X:.*]]: f32, %[[GN:.*]]: f32, %[[SE:.*]]: f32, %[[VN:.*]]: f32):
// CHECK:   arith.mulf %[[X]], %cst
// CHECK:   arith.mulf %[[GN]], %[[C]]
func.func @unforeseen(%rows: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %g: tensor<8x16xf32>, %s: tensor<8xf32>, %v: tensor<16xf32>, %c: f32, %init0: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %one = arith.constant 1.0 : f32
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %y = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%g, %s : tensor<8x16xf32>, tensor<8xf32>) : !plan -> tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %gs: tensor<16xf32>, %ss: tensor<f32>, %expert: index):
    %slope = arith.constant 1.3 : f32
    %h = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> ()>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%r, %gs, %ss, %v : tensor<?x16xf32>, tensor<16xf32>, tensor<f32>, tensor<16xf32>) outs(%r : tensor<?x16xf32>) {
    ^bb0(%x: f32, %gn: f32, %se: f32, %vn: f32, %o: f32):
      %t = arith.mulf %x, %slope : f32
      %neg = arith.negf %t : f32
      %ex = math.exp %neg : f32
      %den = arith.addf %ex, %one : f32
      %q = arith.divf %x, %den : f32
      %w = arith.mulf %gn, %c : f32
      %a = arith.addf %q, %w : f32
      %b = arith.mulf %a, %se : f32
      %d = arith.addf %b, %vn : f32
      linalg.yield %d : f32
    } -> tensor<?x16xf32>
    moe.yield %h : tensor<?x16xf32>
  }
  %o0 = moe.combine add %y by %plan init(%init0 : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o0 : tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 8, slots = 2>

// A LoRA base is one shared matmul for all rows; the low-rank parts are grouped
// and the second accumulates on the base in its epilogue.
// CHECK-LABEL: func @lora(
// CHECK-SAME: %[[R:[^:]*]]: tensor<?x16xf32>, %{{[^:]*}}: tensor<?x2xi32>, %[[W:[^:]*]]: tensor<24x16xf32>, %[[A:[^:]*]]: tensor<8x4x16xf32>, %[[B:[^:]*]]: tensor<8x24x4xf32>
// CHECK: %[[BASE:.*]] = grouped.matmul lhs(%[[R]] : tensor<?x16xf32>) rhs(%[[W]] : tensor<24x16xf32>) outs(
// CHECK: %[[LOW:.*]] = grouped.matmul lhs(%[[R]] : tensor<?x16xf32>) rhs(%[[A]] : tensor<8x4x16xf32>) groups(
// CHECK: grouped.matmul lhs(%[[LOW]] : tensor<?x4xf32>) rhs(%[[B]] : tensor<8x24x4xf32>) groups({{.*}}) extras(%[[BASE]] : tensor<?x24xf32>) outs(
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32, %[[EXTRA:.*]]: f32):
// CHECK-NEXT:   arith.addf %[[EXTRA]], %[[ACC]]
func.func @lora(%rows: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %w: tensor<24x16xf32>, %a: tensor<8x4x16xf32>, %b: tensor<8x24x4xf32>, %init0: tensor<?x24xf32>) -> tensor<?x24xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %y = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%a, %b : tensor<8x4x16xf32>, tensor<8x24x4xf32>) : !plan -> tensor<?x24xf32> {
  ^bb0(%r: tensor<?x16xf32>, %as: tensor<4x16xf32>, %bs: tensor<24x4xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x24xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x24xf32>) -> tensor<?x24xf32>
    %base = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%r, %w : tensor<?x16xf32>, tensor<24x16xf32>) outs(%z : tensor<?x24xf32>) -> tensor<?x24xf32>
    %e4 = tensor.empty(%n) : tensor<?x4xf32>
    %z4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %low = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%r, %as : tensor<?x16xf32>, tensor<4x16xf32>) outs(%z4 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %q = linalg.matmul indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>]
      ins(%low, %bs : tensor<?x4xf32>, tensor<24x4xf32>) outs(%base : tensor<?x24xf32>) -> tensor<?x24xf32>
    moe.yield %q : tensor<?x24xf32>
  }
  %o0 = moe.combine add %y by %plan init(%init0 : tensor<?x24xf32>) : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  return %o0 : tensor<?x24xf32>
}

// -----

!plan = !moe.plan<experts = 8, slots = 2>

// Weights as the first operand of a generic contraction, a bias as the start
// through linalg.broadcast, a start of 1, and what is the same for all experts.
// CHECK-LABEL: func @starts(
// CHECK-SAME: %[[R:[^:]*]]: tensor<?x16xf32>, %{{[^:]*}}: tensor<?x2xi32>, %[[W:[^:]*]]: tensor<8x16x24xf32>, %[[B:[^:]*]]: tensor<8x24xf32>, %[[C:[^:]*]]: f32
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK: %[[BIAS:.*]] = grouped.map groups({{.*}}) ins(%[[B]] : tensor<8x24xf32>)
// CHECK: %[[A:.*]] = grouped.matmul lhs(%[[R]] {{.*}} rhs(%[[W]] {{.*}} extras(%[[BIAS]] : tensor<?x24xf32>) {{.*}}layout = #grouped<rhs_layout kn>
// CHECK: %[[K:.*]] = arith.addf %[[C]], %[[ONE]]
// CHECK: grouped.matmul lhs(%[[R]]
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT:   arith.addf %[[K]], %[[ACC]]
func.func @starts(%rows: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x16x24xf32>, %bias: tensor<8x24xf32>, %c: f32, %init0: tensor<?x24xf32>, %init1: tensor<?x24xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>) {
  %c0 = arith.constant 0 : index
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %y:2 = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%w, %bias : tensor<8x16x24xf32>, tensor<8x24xf32>) : !plan -> tensor<?x24xf32>, tensor<?x24xf32> {
  ^bb0(%r: tensor<?x16xf32>, %ws: tensor<16x24xf32>, %bs: tensor<24xf32>, %expert: index):
    %one = arith.constant 1.0 : f32
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x24xf32>
    %b = linalg.broadcast ins(%bs : tensor<24xf32>) outs(%e : tensor<?x24xf32>) dimensions = [0]
    %a = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%ws, %r : tensor<16x24xf32>, tensor<?x16xf32>) outs(%b : tensor<?x24xf32>) {
    ^bb0(%x: f32, %z: f32, %acc: f32):
      %p = arith.mulf %x, %z : f32
      %s = arith.addf %p, %acc : f32
      linalg.yield %s : f32
    } -> tensor<?x24xf32>
    %k = arith.addf %c, %one : f32
    %f = linalg.fill ins(%k : f32) outs(%e : tensor<?x24xf32>) -> tensor<?x24xf32>
    %q = linalg.matmul ins(%r, %ws : tensor<?x16xf32>, tensor<16x24xf32>) outs(%f : tensor<?x24xf32>) -> tensor<?x24xf32>
    moe.yield %a, %q : tensor<?x24xf32>, tensor<?x24xf32>
  }
  %o0 = moe.combine add %y#0 by %plan init(%init0 : tensor<?x24xf32>) : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  %o1 = moe.combine add %y#1 by %plan init(%init1 : tensor<?x24xf32>) : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  return %o0, %o1 : tensor<?x24xf32>, tensor<?x24xf32>
}

// -----

!plan = !moe.plan<experts = 8, slots = 2>

// Rows of bf16 meet the weights in f32; the result is rounded back.
// CHECK-LABEL: func @bf16_rows(
// CHECK-SAME: %[[R:[^:]*]]: tensor<?x16xbf16>
// CHECK: %[[WIDE:.*]] = grouped.map groups({{.*}}) ins(%[[R]]
// CHECK:   arith.extf
// CHECK: %[[A:.*]] = grouped.matmul lhs(%[[WIDE]] : tensor<?x16xf32>)
// CHECK: grouped.map groups({{.*}}) ins(%[[A]] : tensor<?x24xf32>)
// CHECK:   arith.truncf
func.func @bf16_rows(%rows: tensor<?x16xbf16>, %ids: tensor<?x2xi32>, %w: tensor<8x16x24xbf16>, %init0: tensor<?x24xbf16>) -> tensor<?x24xbf16> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : bf16
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %y = moe.experts %plan rows(%rows : tensor<?x16xbf16>) params(%w : tensor<8x16x24xbf16>) : !plan -> tensor<?x24xbf16> {
  ^bb0(%r: tensor<?x16xbf16>, %ws: tensor<16x24xbf16>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xbf16>
    %e = tensor.empty(%n) : tensor<?x24xbf16>
    %z = linalg.fill ins(%zero : bf16) outs(%e : tensor<?x24xbf16>) -> tensor<?x24xbf16>
    %q = linalg.matmul ins(%r, %ws : tensor<?x16xbf16>, tensor<16x24xbf16>) outs(%z : tensor<?x24xbf16>) -> tensor<?x24xbf16>
    moe.yield %q : tensor<?x24xbf16>
  }
  %o0 = moe.combine add %y by %plan init(%init0 : tensor<?x24xbf16>) : tensor<?x24xbf16>, !plan -> tensor<?x24xbf16>
  return %o0 : tensor<?x24xbf16>
}

// -----

!plan = !moe.plan<experts = 8, slots = 2>

// The identity costs nothing; a constant is a fill; two results, two maps.
// CHECK-LABEL: func @identity_constant_two_results(
// CHECK-SAME: %[[R:[^:]*]]: tensor<?x16xf32>
// CHECK: %[[FILL:.*]] = linalg.fill
// CHECK: grouped.combine rows(%[[R]] :
// CHECK: grouped.combine rows(%[[FILL]] :
// CHECK-LABEL: func @two_results(
// CHECK: %[[A:.*]] = grouped.map
// CHECK-NEXT: ^bb0
// CHECK-NEXT: math.exp
// CHECK-NEXT: grouped.yield
// CHECK: %[[B:.*]] = grouped.map
// CHECK-NEXT: ^bb0
// CHECK-NEXT: math.tanh
// CHECK-NEXT: grouped.yield
// CHECK: grouped.combine rows(%[[A]] :
// CHECK: grouped.combine rows(%[[B]] :
func.func @identity_constant_two_results(%rows: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %init0: tensor<?x16xf32>, %init1: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  %two = arith.constant 2.0 : f32
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %y:2 = moe.experts %plan rows(%rows : tensor<?x16xf32>) : !plan -> tensor<?x16xf32>, tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    %f = linalg.fill ins(%two : f32) outs(%r : tensor<?x16xf32>) -> tensor<?x16xf32>
    moe.yield %r, %f : tensor<?x16xf32>, tensor<?x16xf32>
  }
  %o0 = moe.combine add %y#0 by %plan init(%init0 : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %o1 = moe.combine add %y#1 by %plan init(%init1 : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o0, %o1 : tensor<?x16xf32>, tensor<?x16xf32>
}
func.func @two_results(%rows: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %init0: tensor<?x16xf32>, %init1: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %y:2 = moe.experts %plan rows(%rows : tensor<?x16xf32>) : !plan -> tensor<?x16xf32>, tensor<?x16xf32> {
  ^bb0(%r: tensor<?x16xf32>, %expert: index):
    %h:2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%r : tensor<?x16xf32>) outs(%r, %r : tensor<?x16xf32>, tensor<?x16xf32>) {
    ^bb0(%x: f32, %o0: f32, %o1: f32):
      %a = math.exp %x : f32
      %b = math.tanh %x : f32
      linalg.yield %a, %b : f32, f32
    } -> (tensor<?x16xf32>, tensor<?x16xf32>)
    moe.yield %h#0, %h#1 : tensor<?x16xf32>, tensor<?x16xf32>
  }
  %o0 = moe.combine add %y#0 by %plan init(%init0 : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  %o1 = moe.combine add %y#1 by %plan init(%init1 : tensor<?x16xf32>) : tensor<?x16xf32>, !plan -> tensor<?x16xf32>
  return %o0, %o1 : tensor<?x16xf32>, tensor<?x16xf32>
}

// -----

!plan = !moe.plan<experts = 8, slots = 2>

// The halves of a fused projection, and a norm of each row with a vector an
// expert: columns and the row's sum are taken of all experts' rows at once.
// CHECK-DAG: #[[RN:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d4)>
// CHECK-DAG: #[[R:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1)>
// CHECK-DAG: #[[EN:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d4)>
// CHECK-LABEL: func @columns_and_norm(
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x16xf32>, %{{[^:]*}}: tensor<?x2xi32>, %{{[^:]*}}: tensor<8x16x16xf32>, %[[V:[^:]*]]: tensor<8x8xf32>
// CHECK: %[[ROWS:.*]] = arith.muli
// CHECK: %[[H:.*]] = grouped.matmul
// CHECK: %[[G:.*]] = tensor.extract_slice %[[H]][0, 0] [%[[ROWS]], 8] [1, 1]
// CHECK: %[[U:.*]] = tensor.extract_slice %[[H]][0, 8] [%[[ROWS]], 8] [1, 1]
// CHECK: %[[M:.*]] = grouped.map {{.*}} ins(%[[G]], %[[U]] : {{.*}}) maps [#[[RN]], #[[RN]]]
// CHECK: %[[Z:.*]] = linalg.fill ins({{.*}}) outs({{.*}} : tensor<?xf32>)
// CHECK: %[[S:.*]] = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[M]] : tensor<?x8xf32>) outs(%[[Z]] : tensor<?xf32>)
// CHECK: grouped.map {{.*}} ins(%[[M]], %[[S]], %[[V]] : {{.*}}) maps [#[[RN]], #[[R]], #[[EN]]]
func.func @columns_and_norm(%rows: tensor<?x16xf32>, %ids: tensor<?x2xi32>, %w: tensor<8x16x16xf32>, %v: tensor<8x8xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %plan = moe.plan %ids : tensor<?x2xi32> -> !plan
  %y = moe.experts %plan rows(%rows : tensor<?x16xf32>) params(%w, %v : tensor<8x16x16xf32>, tensor<8x8xf32>) : !plan -> tensor<?x8xf32> {
  ^bb0(%r: tensor<?x16xf32>, %ws: tensor<16x16xf32>, %vs: tensor<8xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x16xf32>
    %e = tensor.empty(%n) : tensor<?x16xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
    %h = linalg.matmul ins(%r, %ws : tensor<?x16xf32>, tensor<16x16xf32>) outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
    %g = tensor.extract_slice %h[0, 0] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
    %u = tensor.extract_slice %h[0, 8] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
    %e8 = tensor.empty(%n) : tensor<?x8xf32>
    %m = linalg.mul ins(%g, %u : tensor<?x8xf32>, tensor<?x8xf32>) outs(%e8 : tensor<?x8xf32>) -> tensor<?x8xf32>
    %e1 = tensor.empty(%n) : tensor<?xf32>
    %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?xf32>) -> tensor<?xf32>
    %s = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%m : tensor<?x8xf32>) outs(%z1 : tensor<?xf32>) {
    ^bb0(%a: f32, %acc: f32):
      %q = arith.mulf %a, %a : f32
      %t = arith.addf %acc, %q : f32
      linalg.yield %t : f32
    } -> tensor<?xf32>
    %o = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%m, %s, %vs : tensor<?x8xf32>, tensor<?xf32>, tensor<8xf32>) outs(%e8 : tensor<?x8xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32, %out: f32):
      %d = math.rsqrt %b : f32
      %f = arith.mulf %a, %d : f32
      %k = arith.mulf %f, %c : f32
      linalg.yield %k : f32
    } -> tensor<?x8xf32>
    moe.yield %o : tensor<?x8xf32>
  }
  %p = moe.combine add %y by %plan init(%init : tensor<?x8xf32>) : tensor<?x8xf32>, !plan -> tensor<?x8xf32>
  return %p : tensor<?x8xf32>
}
