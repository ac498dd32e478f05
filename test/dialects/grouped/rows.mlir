// RUN: moe-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func.func @sort
func.func @sort(%ids: tensor<?x2xi32>, %o0: tensor<9xi32>, %t0: tensor<?xi32>,
                %s0: tensor<?xi32>) -> tensor<?xi32> {
  // CHECK: grouped.sort ids(%{{.*}} : tensor<?x2xi32>) outs(%{{.*}}, %{{.*}}, %{{.*}} : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<9xi32>, tensor<?xi32>, tensor<?xi32>
  %o, %t, %s = grouped.sort ids(%ids : tensor<?x2xi32>)
    outs(%o0, %t0, %s0 : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    -> tensor<9xi32>, tensor<?xi32>, tensor<?xi32>
  return %t : tensor<?xi32>
}

// CHECK-LABEL: func.func @sort_by_expert
func.func @sort_by_expert(%ids: tensor<8x?xi32>, %n: index, %o0: tensor<9xi32>,
    %t0: tensor<?xi32>, %s0: tensor<?xi32>) -> tensor<?xi32> {
  // CHECK: by_expert(%{{.*}}) outs(
  %o, %t, %s = grouped.sort ids(%ids : tensor<8x?xi32>) by_expert(%n)
    outs(%o0, %t0, %s0 : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    -> tensor<9xi32>, tensor<?xi32>, tensor<?xi32>
  return %t : tensor<?xi32>
}

// CHECK-LABEL: func.func @gather
func.func @gather(%x: tensor<?x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>,
                  %e: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: grouped.gather source(%{{.*}} : tensor<?x16xf32>) groups(%{{.*}}, %{{.*}} : tensor<9xi32>, tensor<?xi32>) outs(%{{.*}} : tensor<?x16xf32>) -> tensor<?x16xf32>
  %r = grouped.gather source(%x : tensor<?x16xf32>)
    groups(%o, %t : tensor<9xi32>, tensor<?xi32>)
    outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @map
func.func @map(%rows: tensor<?x16xf32>, %w: tensor<?x2xf32>, %o: tensor<9xi32>,
    %t: tensor<?xi32>, %s: tensor<?xi32>, %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: grouped.map groups({{.*}}) ins({{.*}}) maps [#{{.*}}, #{{.*}}] outs(%{{.*}} : tensor<?x16xf32>) {
  %y = grouped.map groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    ins(%rows, %w : tensor<?x16xf32>, tensor<?x2xf32>)
    maps [affine_map<(e, r, t, s, n) -> (r, n)>, affine_map<(e, r, t, s, n) -> (t, s)>]
    outs(%z : tensor<?x16xf32>) {
  ^bb0(%a: f32, %b: f32):
    %m = arith.mulf %a, %b : f32
    grouped.yield %m : f32
  } -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @map_without_inputs
func.func @map_without_inputs(%z: memref<?x16xf32>) {
  // CHECK: grouped.map maps [] outs(%{{.*}} : memref<?x16xf32>) {
  grouped.map maps [] outs(%z : memref<?x16xf32>) {
    %c = arith.constant 1.0 : f32
    grouped.yield %c : f32
  }
  return
}

// CHECK-LABEL: func.func @combine
func.func @combine(%r: tensor<?x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>,
                   %z: tensor<?x16xf32>) -> tensor<?x16xf32> {
  // CHECK: grouped.combine rows(%{{.*}} : tensor<?x16xf32>)
  %y = grouped.combine rows(%r : tensor<?x16xf32>)
    groups(%o, %t : tensor<9xi32>, tensor<?xi32>)
    outs(%z : tensor<?x16xf32>) -> tensor<?x16xf32>
  // CHECK: grouped.combine replace rows(%{{.*}} : tensor<?x16xf32>)
  %w = grouped.combine replace rows(%r : tensor<?x16xf32>)
    groups(%o, %t : tensor<9xi32>, tensor<?xi32>)
    outs(%y : tensor<?x16xf32>) -> tensor<?x16xf32>
  return %w : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @slots
func.func @slots(%r: tensor<?x16xf32>, %o: tensor<9xi32>, %t: tensor<?xi32>,
    %s: tensor<?xi32>, %z: tensor<?x2x16xf32>) -> tensor<?x2x16xf32> {
  // CHECK: grouped.slots rows(%{{.*}} : tensor<?x16xf32>)
  %y = grouped.slots rows(%r : tensor<?x16xf32>)
    groups(%o, %t, %s : tensor<9xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x2x16xf32>) -> tensor<?x2x16xf32>
  return %y : tensor<?x2x16xf32>
}

// CHECK-LABEL: func.func @select
func.func @select(%p: tensor<?x8xf32>, %e: tensor<?x2xi32>) -> tensor<?x2xi32> {
  // CHECK: grouped.select #moe.top_k<2> scores(%{{.*}} : tensor<?x8xf32>) outs(%{{.*}} : tensor<?x2xi32>) -> tensor<?x2xi32>
  %i = grouped.select #moe.top_k<2> scores(%p : tensor<?x8xf32>)
    outs(%e : tensor<?x2xi32>) -> tensor<?x2xi32>
  return %i : tensor<?x2xi32>
}
