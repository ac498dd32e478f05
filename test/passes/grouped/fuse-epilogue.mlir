// RUN: moe-opt %s --moe-fuse-epilogue | FileCheck %s

#rn = affine_map<(e, r, t, s, n) -> (r, n)>
#nr = affine_map<(e, r, t, s, n) -> (n, r)>
#en = affine_map<(e, r, t, s, n) -> (e, n)>
#ts = affine_map<(e, r, t, s, n) -> (t, s)>

// CHECK-DAG: #[[EN:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d4)>
// CHECK-DAG: #[[TS:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d2, d3)>
// CHECK-DAG: #[[R:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1)>
// CHECK-DAG: #[[RN:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d4)>

// A bias, then the routing weight.
// CHECK-LABEL: func.func @chain_of_maps
// CHECK-SAME: %[[B:[^:]*]]: tensor<8x32xf32>, %[[C:[^:]*]]: tensor<?x2xf32>
func.func @chain_of_maps(%b: tensor<8x32xf32>, %c: tensor<?x2xf32>, %x: tensor<?x16xf32>,
    %w: tensor<8x32x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>,
    %e: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: grouped.matmul
  // CHECK-SAME: extras(%[[B]], %[[C]] : tensor<8x32xf32>, tensor<?x2xf32>)
  // CHECK-SAME: maps = [#[[EN]], #[[TS]]]
  // CHECK-NEXT: ^bb0(%[[A:[^:]*]]: f32, %[[BV:[^:]*]]: f32, %[[CV:[^:]*]]: f32):
  // CHECK-NEXT: %[[S:.*]] = arith.addf %[[A]], %[[BV]]
  // CHECK-NEXT: %[[M:.*]] = arith.mulf %[[CV]], %[[S]]
  // CHECK-NEXT: grouped.yield %[[M]]
  // CHECK-NOT: grouped.map
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%0, %b : tensor<?x32xf32>, tensor<8x32xf32>) maps [#rn, #en] outs(%e : tensor<?x32xf32>) {
  ^bb0(%a: f32, %v: f32):
    %m = arith.addf %a, %v : f32
    grouped.yield %m : f32
  } -> tensor<?x32xf32>
  %2 = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%c, %1 : tensor<?x2xf32>, tensor<?x32xf32>) maps [#ts, #rn] outs(%e : tensor<?x32xf32>) {
  ^bb0(%v: f32, %a: f32):
    %m = arith.mulf %v, %a : f32
    grouped.yield %m : f32
  } -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

// A gated shared expert: one factor a token, then added to what the routed
// experts gave. The destination of the sum is an input, so the matmul keeps its own.
// CHECK-LABEL: func.func @dense_linalg
// CHECK-SAME: %[[G:[^:]*]]: tensor<?xf32>, %[[Y:[^:]*]]: tensor<?x32xf32>
// CHECK-SAME: %[[E:[^:]*]]: tensor<?x32xf32>) ->
func.func @dense_linalg(%g: tensor<?xf32>, %y: tensor<?x32xf32>, %x: tensor<?x16xf32>,
    %w: tensor<32x16xf32>, %e: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: grouped.matmul
  // CHECK-SAME: extras(%[[G]], %[[Y]] : tensor<?xf32>, tensor<?x32xf32>)
  // CHECK-SAME: outs(%[[E]] : tensor<?x32xf32>)
  // CHECK-SAME: maps = [#[[R]], #[[RN]]]
  // CHECK-NEXT: ^bb0(%[[A:[^:]*]]: f32, %[[GV:[^:]*]]: f32, %[[YV:[^:]*]]: f32):
  // CHECK-NEXT: %[[M:.*]] = arith.mulf %[[A]], %[[GV]]
  // CHECK-NEXT: %[[S:.*]] = arith.addf %[[YV]], %[[M]]
  // CHECK-NEXT: grouped.yield %[[S]]
  // CHECK-NOT: linalg
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>,
      affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
    ins(%0, %g : tensor<?x32xf32>, tensor<?xf32>) outs(%e : tensor<?x32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
    ins(%1 : tensor<?x32xf32>) outs(%y : tensor<?x32xf32>) {
  ^bb0(%a: f32, %c: f32):
    %m = arith.addf %c, %a : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_others_read
func.func @no_fuse_when_others_read(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>,
    %e: tensor<?x32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK: grouped.matmul
  // CHECK: linalg.exp
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = linalg.exp ins(%0 : tensor<?x32xf32>) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %0, %1 : tensor<?x32xf32>, tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_read_transposed
func.func @no_fuse_when_read_transposed(%x: tensor<32x16xf32>, %w: tensor<32x16xf32>,
    %e: tensor<32x32xf32>) -> tensor<32x32xf32> {
  // CHECK: grouped.matmul
  // CHECK: grouped.map
  %0 = grouped.matmul lhs(%x : tensor<32x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%e : tensor<32x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<32x32xf32>
  %1 = grouped.map ins(%0 : tensor<32x32xf32>) maps [#nr] outs(%e : tensor<32x32xf32>) {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<32x32xf32>
  return %1 : tensor<32x32xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_reduced
func.func @no_fuse_when_reduced(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>, %o: tensor<9xi32>,
    %t: tensor<?xi32>, %s: tensor<?xi32>, %e: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: grouped.matmul
  // CHECK: grouped.map
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x32xf32>) attributes {reduce, maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%0 : tensor<?x32xf32>) maps [#rn] outs(%e : tensor<?x32xf32>) {
  ^bb0(%a: f32):
    %m = arith.negf %a : f32
    grouped.yield %m : f32
  } -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_tables_differ
func.func @no_fuse_when_tables_differ(%x: tensor<?x16xf32>, %w: tensor<8x32x16xf32>, %o: tensor<9xi32>,
    %t: tensor<?xi32>, %s: tensor<?xi32>, %e: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: grouped.matmul
  // CHECK: linalg.exp
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = linalg.exp ins(%0 : tensor<?x32xf32>) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_fuse_when_not_f32
func.func @no_fuse_when_not_f32(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %e: tensor<?x32xf32>,
    %z: tensor<?x32xbf16>) -> tensor<?x32xbf16> {
  // CHECK: grouped.matmul
  // CHECK: grouped.map
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.map ins(%0 : tensor<?x32xf32>) maps [#rn] outs(%z : tensor<?x32xbf16>) {
  ^bb0(%a: f32):
    %b = arith.truncf %a : f32 to bf16
    grouped.yield %b : bf16
  } -> tensor<?x32xbf16>
  return %1 : tensor<?x32xbf16>
}

// A position is not something that an epilogue knows.
// CHECK-LABEL: func.func @no_fuse_when_position_is_read
func.func @no_fuse_when_position_is_read(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>,
    %e: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: grouped.matmul
  // CHECK: linalg.generic
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
    ins(%0 : tensor<?x32xf32>) outs(%e : tensor<?x32xf32>) {
  ^bb0(%a: f32, %c: f32):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i32
    %f = arith.sitofp %j : i32 to f32
    %m = arith.mulf %a, %f : f32
    linalg.yield %m : f32
  } -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// Nor is a tensor read at a computed place an extra.
// CHECK-LABEL: func.func @no_fuse_when_a_tensor_is_read
func.func @no_fuse_when_a_tensor_is_read(%x: tensor<?x16xf32>, %w: tensor<32x16xf32>,
    %v: tensor<?xf32>, %i: index, %e: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: grouped.matmul
  // CHECK: grouped.map
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.map ins(%0 : tensor<?x32xf32>) maps [#rn] outs(%e : tensor<?x32xf32>) {
  ^bb0(%a: f32):
    %b = tensor.extract %v[%i] : tensor<?xf32>
    %m = arith.mulf %a, %b : f32
    grouped.yield %m : f32
  } -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}

// A scalar from outside may be captured.
// CHECK-LABEL: func.func @capture
// CHECK-SAME: %[[C:[^:]*]]: f32
func.func @capture(%c: f32, %x: tensor<?x16xf32>, %w: tensor<32x16xf32>, %e: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: ^bb0(%[[A:[^:]*]]: f32):
  // CHECK: arith.mulf %[[A]], %[[C]]
  // CHECK-NOT: grouped.map
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%w : tensor<32x16xf32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.map ins(%0 : tensor<?x32xf32>) maps [#rn] outs(%e : tensor<?x32xf32>) {
  ^bb0(%a: f32):
    %m = arith.mulf %a, %c : f32
    grouped.yield %m : f32
  } -> tensor<?x32xf32>
  return %1 : tensor<?x32xf32>
}
