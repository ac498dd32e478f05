// RUN: moe-opt %s --moe-merge-gate-up | FileCheck %s
// RUN: moe-opt %s --moe-fuse-maps --moe-merge-gate-up | FileCheck %s --check-prefix=MAPS

#rn = affine_map<(e, r, t, s, n) -> (r, n)>
#en = affine_map<(e, r, t, s, n) -> (e, n)>
#d = affine_map<(i, j) -> (i, j)>

// Up is the map's first input, so it is the first weight.
// CHECK-LABEL: func.func @two_weights
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x16xf32>, %[[G:[^:]*]]: tensor<8x32x16xbf16>, %[[U:[^:]*]]: tensor<8x32x16xbf16>
func.func @two_weights(%x: tensor<?x16xf32>, %g: tensor<8x32x16xbf16>, %u: tensor<8x32x16xbf16>,
    %o: tensor<9xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>, %e: tensor<?x32xf32>,
    %z: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: %[[H:.*]] = grouped.matmul lhs(%[[X]] : tensor<?x16xf32>) rhs(%[[U]], %[[G]] : tensor<8x32x16xbf16>, tensor<8x32x16xbf16>)
  // CHECK-SAME: attributes {gather, maps = []}
  // CHECK-NEXT: ^bb0(%[[B:[^:]*]]: f32, %[[A:[^:]*]]: f32):
  // CHECK-NEXT: %[[Q:.*]] = math.exp %[[A]]
  // CHECK-NEXT: %[[M:.*]] = arith.divf %[[B]], %[[Q]]
  // CHECK-NEXT: grouped.yield %[[M]]
  // CHECK-NOT: grouped.m
  // CHECK: return %[[H]]
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%g : tensor<8x32x16xbf16>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x32xf32>) attributes {gather, maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%u : tensor<8x32x16xbf16>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x32xf32>) attributes {gather, maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %2 = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%1, %0 : tensor<?x32xf32>, tensor<?x32xf32>) maps [#rn, #rn] outs(%z : tensor<?x32xf32>) {
  ^bb0(%b: f32, %a: f32):
    %q = math.exp %a : f32
    %m = arith.divf %b, %q : f32
    grouped.yield %m : f32
  } -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

// Biases stand between the matmuls and the activation: once the maps are one,
// the biases are extras.
// MAPS-LABEL: func.func @with_biases
// MAPS-SAME: %[[X:[^:]*]]: tensor<?x16xf32>, %[[G:[^:]*]]: tensor<8x32x16xf32>, %[[U:[^:]*]]: tensor<8x32x16xf32>, %[[BG:[^:]*]]: tensor<8x32xf32>, %[[BU:[^:]*]]: tensor<8x32xf32>
func.func @with_biases(%x: tensor<?x16xf32>, %g: tensor<8x32x16xf32>, %u: tensor<8x32x16xf32>,
    %bg: tensor<8x32xf32>, %bu: tensor<8x32xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>,
    %s: tensor<?xi32>, %e: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // MAPS: grouped.matmul lhs(%[[X]] : tensor<?x16xf32>) rhs(%[[G]], %[[U]] : tensor<8x32x16xf32>, tensor<8x32x16xf32>)
  // MAPS-SAME: extras(%[[BG]], %[[BU]] : tensor<8x32xf32>, tensor<8x32xf32>)
  // MAPS-NEXT: ^bb0(%[[A:[^:]*]]: f32, %[[B:[^:]*]]: f32, %[[C:[^:]*]]: f32, %[[D:[^:]*]]: f32):
  // MAPS-DAG: %[[AC:.*]] = arith.addf %[[A]], %[[C]]
  // MAPS-DAG: %[[BD:.*]] = arith.subf %[[B]], %[[D]]
  // MAPS: arith.divf %[[AC]], %[[BD]]
  // MAPS-NOT: grouped.m
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%g : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x32xf32>) attributes {gather, maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%u : tensor<8x32x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x32xf32>) attributes {gather, maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %2 = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%0, %bg : tensor<?x32xf32>, tensor<8x32xf32>) maps [#rn, #en] outs(%e : tensor<?x32xf32>) {
  ^bb0(%a: f32, %b: f32):
    %m = arith.addf %a, %b : f32
    grouped.yield %m : f32
  } -> tensor<?x32xf32>
  %3 = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%1, %bu : tensor<?x32xf32>, tensor<8x32xf32>) maps [#rn, #en] outs(%e : tensor<?x32xf32>) {
  ^bb0(%a: f32, %b: f32):
    %m = arith.subf %a, %b : f32
    grouped.yield %m : f32
  } -> tensor<?x32xf32>
  %4 = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%2, %3 : tensor<?x32xf32>, tensor<?x32xf32>) maps [#rn, #rn] outs(%e : tensor<?x32xf32>) {
  ^bb0(%a: f32, %b: f32):
    %m = arith.divf %a, %b : f32
    grouped.yield %m : f32
  } -> tensor<?x32xf32>
  return %4 : tensor<?x32xf32>
}

// The matmuls' own epilogues come before the map; extras are shared.
// MAPS-LABEL: func.func @with_epilogues
// CHECK-LABEL: func.func @with_epilogues
func.func @with_epilogues(%x: tensor<?x16xf32>, %g: tensor<32x16xf32>, %u: tensor<32x16xf32>,
    %b: tensor<1x32xf32>, %e: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK: extras(%{{.*}} : tensor<1x32xf32>)
  // CHECK: ^bb0(%[[A:[^:]*]]: f32, %[[B:[^:]*]]: f32, %[[C:[^:]*]]: f32):
  // CHECK-NEXT: %[[L:.*]] = arith.addf %[[A]], %[[C]]
  // CHECK-NEXT: %[[R:.*]] = arith.subf %[[B]], %[[C]]
  // CHECK-NEXT: %[[M:.*]] = arith.mulf %[[L]], %[[R]]
  // CHECK-NEXT: grouped.yield %[[M]]
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%g : tensor<32x16xf32>)
    extras(%b : tensor<1x32xf32>) outs(%e : tensor<?x32xf32>) attributes {maps = [#en]} {
  ^bb0(%a: f32, %c: f32):
    %v = arith.addf %a, %c : f32
    grouped.yield %v : f32
  } -> tensor<?x32xf32>
  %1 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%u : tensor<32x16xf32>)
    extras(%b : tensor<1x32xf32>) outs(%e : tensor<?x32xf32>) attributes {maps = [#en]} {
  ^bb0(%a: f32, %c: f32):
    %v = arith.subf %a, %c : f32
    grouped.yield %v : f32
  } -> tensor<?x32xf32>
  %2 = linalg.mul ins(%0, %1 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_merge_when_lhs_differs
func.func @no_merge_when_lhs_differs(%x: tensor<?x16xf32>, %y: tensor<?x16xf32>, %g: tensor<32x16xf32>,
    %u: tensor<32x16xf32>, %e: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK-COUNT-2: grouped.matmul
  // CHECK: linalg.mul
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%g : tensor<32x16xf32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.matmul lhs(%y : tensor<?x16xf32>) rhs(%u : tensor<32x16xf32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %2 = linalg.mul ins(%0, %1 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_merge_when_types_differ
func.func @no_merge_when_types_differ(%x: tensor<?x16xf32>, %g: tensor<32x16xf32>,
    %u: tensor<32x16xbf16>, %e: tensor<?x32xf32>) -> tensor<?x32xf32> {
  // CHECK-COUNT-2: grouped.matmul
  // CHECK: linalg.mul
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%g : tensor<32x16xf32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%u : tensor<32x16xbf16>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %2 = linalg.mul ins(%0, %1 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %2 : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @no_merge_when_others_read
func.func @no_merge_when_others_read(%x: tensor<?x16xf32>, %g: tensor<32x16xf32>,
    %u: tensor<32x16xf32>, %e: tensor<?x32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK-COUNT-2: grouped.matmul
  // CHECK: linalg.mul
  %0 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%g : tensor<32x16xf32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %1 = grouped.matmul lhs(%x : tensor<?x16xf32>) rhs(%u : tensor<32x16xf32>)
    outs(%e : tensor<?x32xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x32xf32>
  %2 = linalg.mul ins(%0, %1 : tensor<?x32xf32>, tensor<?x32xf32>) outs(%e : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %2, %1 : tensor<?x32xf32>, tensor<?x32xf32>
}
