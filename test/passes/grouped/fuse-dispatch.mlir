// RUN: moe-opt %s --moe-fuse-dispatch | FileCheck %s

// CHECK-DAG: #[[TOKEN:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d2, d4)>
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d4)>

// CHECK-LABEL: func.func @gather_into_lhs
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x16xf32>,
func.func @gather_into_lhs(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>,
    %o: tensor<9xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>,
    %e: tensor<?x16xf32>, %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK-NOT: grouped.gather
  // CHECK: grouped.matmul lhs(%[[X]] : tensor<?x16xf32>)
  // CHECK-SAME: attributes {gather, maps = []}
  %r = grouped.gather source(%x : tensor<?x16xf32>)
    groups(%o, %t : tensor<9xi32>, tensor<?xi32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h = grouped.matmul lhs(%r : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// Other readers keep the gather.
// CHECK-LABEL: func.func @gather_stays_for_other_uses
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x16xf32>,
func.func @gather_stays_for_other_uses(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>,
    %o: tensor<9xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>,
    %e: tensor<?x16xf32>, %z: tensor<?x32xf32>) -> (tensor<?x32xf32>, tensor<?x16xf32>) {
  // CHECK: %[[R:.*]] = grouped.gather
  // CHECK: grouped.matmul lhs(%[[X]] : tensor<?x16xf32>)
  // CHECK: return %{{.*}}, %[[R]]
  %r = grouped.gather source(%x : tensor<?x16xf32>)
    groups(%o, %t : tensor<9xi32>, tensor<?xi32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h = grouped.matmul lhs(%r : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return %h, %r : tensor<?x32xf32>, tensor<?x16xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_tables_differ
func.func @no_fuse_when_tables_differ(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>,
    %o: tensor<9xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>, %t2: tensor<?xi32>,
    %e: tensor<?x16xf32>, %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: %[[R:.*]] = grouped.gather
  // CHECK: grouped.matmul lhs(%[[R]] : tensor<?x16xf32>)
  // CHECK-SAME: attributes {maps = []}
  %r = grouped.gather source(%x : tensor<?x16xf32>)
    groups(%o, %t2 : tensor<9xi32>, tensor<?xi32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h = grouped.matmul lhs(%r : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_rows_are_weighted
func.func @no_fuse_when_rows_are_weighted(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>,
    %c: tensor<?x2xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>,
    %e: tensor<?x16xf32>, %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK-NOT: grouped.gather
  // CHECK: %[[M:.*]] = grouped.map {{.*}} ins({{.*}}) maps [#[[TOKEN]], #
  // CHECK: grouped.matmul lhs(%[[M]] : tensor<?x16xf32>)
  // CHECK-SAME: attributes {maps = []}
  %r = grouped.gather source(%x : tensor<?x16xf32>)
    groups(%o, %t : tensor<9xi32>, tensor<?xi32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %m = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%r, %c : tensor<?x16xf32>, tensor<?x2xf32>)
    maps [affine_map<(e, r, t, s, n) -> (r, n)>, affine_map<(e, r, t, s, n) -> (t, s)>]
    outs(%e : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32):
    %y = arith.mulf %a, %b : f32
    grouped.yield %y : f32
  } -> tensor<?x16xf32>
  %h = grouped.matmul lhs(%m : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// Rows of rows: the outer gather indexes the inner one's result by token.
// CHECK-LABEL: func.func @no_fuse_when_matmul_gathers
func.func @no_fuse_when_matmul_gathers(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>,
    %o: tensor<9xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>,
    %e: tensor<?x16xf32>, %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: %[[R:.*]] = grouped.gather
  // CHECK: grouped.matmul lhs(%[[R]] : tensor<?x16xf32>)
  %r = grouped.gather source(%x : tensor<?x16xf32>)
    groups(%o, %t : tensor<9xi32>, tensor<?xi32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %h = grouped.matmul lhs(%r : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x32xf32>) attributes {gather, maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}

// What the epilogue reads of gathered rows lies where the tokens are, too.
// CHECK-LABEL: func.func @extras_read_the_source
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x16xf32>, %[[B:[^:]*]]: tensor<?x32xf32>,
func.func @extras_read_the_source(%x: tensor<?x16xf32>, %b: tensor<?x32xf32>, %w: tensor<8x32x16xf32>,
    %o: tensor<9xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>, %t2: tensor<?xi32>,
    %e: tensor<?x32xf32>, %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: %[[R:.*]] = grouped.gather
  // CHECK-NOT: grouped.gather
  // CHECK: grouped.matmul {{.*}} extras(%[[B]], %[[R]] : {{.*}}maps = [#[[TOKEN]], #[[ROW]]]
  %r = grouped.gather source(%b : tensor<?x32xf32>)
    groups(%o, %t : tensor<9xi32>, tensor<?xi32>) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
  %r2 = grouped.gather source(%b : tensor<?x32xf32>)
    groups(%o, %t2 : tensor<9xi32>, tensor<?xi32>) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    extras(%r, %r2 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%z : tensor<?x32xf32>)
    attributes {maps = [affine_map<(e, r, t, s, n) -> (r, n)>, affine_map<(e, r, t, s, n) -> (r, n)>]} {
  ^bb0(%a: f32, %p: f32, %q: f32):
    %y = arith.addf %a, %p : f32
    %v = arith.addf %y, %q : f32
    grouped.yield %v : f32
  } -> tensor<?x32xf32>
  return %h : tensor<?x32xf32>
}
