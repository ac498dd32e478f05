// RUN: moe-opt %s --moe-fuse-maps | FileCheck %s

#rn = affine_map<(e, r, t, s, n) -> (r, n)>
#rn_swapped = affine_map<(e, r, t, s, n) -> (n, r)>
#d = affine_map<(i, j) -> (i, j)>

// x * sigmoid(x): the first map's result and its input meet in one body.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x16xf32>,
func.func @chain(%x: tensor<?x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>,
    %s: tensor<?xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: grouped.map groups({{.*}}) ins(%[[X]] : tensor<?x16xf32>) maps [#{{.*}}] outs(
  // CHECK-NEXT: ^bb0(%[[A:.*]]: f32):
  // CHECK-NEXT: %[[E:.*]] = math.exp %[[A]]
  // CHECK-NEXT: %[[M:.*]] = arith.subf %[[A]], %[[E]]
  // CHECK-NEXT: grouped.yield %[[M]]
  // CHECK-NOT: grouped.map
  %0 = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%x : tensor<?x16xf32>) maps [#rn] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    %e = math.exp %a : f32
    grouped.yield %e : f32
  } -> tensor<?x16xf32>
  %1 = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%x, %0 : tensor<?x16xf32>, tensor<?x16xf32>) maps [#rn, #rn] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32):
    %m = arith.subf %a, %b : f32
    grouped.yield %m : f32
  } -> tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}

// Dense: linalg on the rows of a matmul.
// CHECK-LABEL: func.func @dense_linalg
func.func @dense_linalg(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>,
                        %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: %[[H:.*]] = grouped.matmul
  // CHECK: grouped.map ins(%[[H]] : tensor<?x32xf32>)
  // CHECK: math.exp
  // CHECK: arith.mulf
  // CHECK-NOT: linalg
  %h = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%z : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %0 = linalg.exp ins(%h : tensor<?x32xf32>) outs(%z : tensor<?x32xf32>) -> tensor<?x32xf32>
  %1 = linalg.mul ins(%h, %0 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%z : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_no_matmul_is_near
func.func @no_fuse_when_no_matmul_is_near(%x: tensor<?x32xf32>, %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: linalg.exp
  // CHECK: linalg.mul
  %0 = linalg.exp ins(%x : tensor<?x32xf32>) outs(%z : tensor<?x32xf32>) -> tensor<?x32xf32>
  %1 = linalg.mul ins(%x, %0 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%z : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_others_read
func.func @no_fuse_when_others_read(%x: tensor<?x16xf32>, %z: tensor<?x16xf32>)
    -> (tensor<?x16xf32>, tensor<?x16xf32>) {
  // CHECK-COUNT-2: grouped.map
  %0 = grouped.map ins(%x : tensor<?x16xf32>) maps [#rn] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    %e = math.exp %a : f32
    grouped.yield %e : f32
  } -> tensor<?x16xf32>
  %1 = grouped.map ins(%0 : tensor<?x16xf32>) maps [#rn] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    %e = math.exp %a : f32
    grouped.yield %e : f32
  } -> tensor<?x16xf32>
  return %0, %1 : tensor<?x16xf32>, tensor<?x16xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_read_elsewhere
func.func @no_fuse_when_read_elsewhere(%x: tensor<16x16xf32>, %z: tensor<16x16xf32>) -> tensor<16x16xf32> {
  // CHECK-COUNT-2: grouped.map
  %0 = grouped.map ins(%x : tensor<16x16xf32>) maps [#rn] outs(%z : tensor<16x16xf32>) {
  ^bb0(%a: f32):
    %e = math.exp %a : f32
    grouped.yield %e : f32
  } -> tensor<16x16xf32>
  %1 = grouped.map ins(%0 : tensor<16x16xf32>) maps [#rn_swapped] outs(%z : tensor<16x16xf32>) {
  ^bb0(%a: f32):
    %e = math.exp %a : f32
    grouped.yield %e : f32
  } -> tensor<16x16xf32>
  return %1 : tensor<16x16xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_tables_differ
func.func @no_fuse_when_tables_differ(%x: tensor<?x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>,
    %s: tensor<?xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK-COUNT-2: grouped.map
  %0 = grouped.map ins(%x : tensor<?x16xf32>) maps [#rn] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    %e = math.exp %a : f32
    grouped.yield %e : f32
  } -> tensor<?x16xf32>
  %1 = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%0 : tensor<?x16xf32>) maps [#rn] outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32):
    %e = math.exp %a : f32
    grouped.yield %e : f32
  } -> tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}
