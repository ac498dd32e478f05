// RUN: moe-opt %s --moe-select-strategy --split-input-file | FileCheck %s

// The row count is known only at run time and the weights are large: few rows
// stream whole panels, many rows are blocked for the caches.
// CHECK-LABEL: func.func @two_variants
func.func @two_variants(%x: tensor<?x2048xf32>, %w: tensor<64x128x1024x16x2xbf16>, %ids: tensor<?x8xi32>,
    %o0: tensor<65xi32>, %t0: tensor<?xi32>, %e: tensor<?x1024xf32>) -> tensor<?x1024xf32> {
  // CHECK: %[[SORT:.*]]:3 = grouped.sort
  // CHECK: %[[ROWS:.*]] = tensor.dim %[[SORT]]#1, %{{.*}} : tensor<?xi32>
  // CHECK: %[[FEW:.*]] = arith.cmpi ult, %[[ROWS]], %{{.*}} : index
  // CHECK: %[[H:.*]] = scf.if %[[FEW]] -> (tensor<?x1024xf32>) {
  // CHECK: grouped.matmul
  // CHECK-SAME: tile = #grouped.tile<rows = {{[0-9]+}}, depth = 2048, panels = 1, task_panels = {{[0-9]+}}>
  // CHECK: arith.mulf
  // CHECK: } else {
  // CHECK: grouped.matmul
  // CHECK-SAME: tile = #grouped.tile<rows = {{[0-9]+}}, depth = 512, panels = {{8|16}}, task_panels = {{64|128}}>
  // CHECK: arith.mulf
  // CHECK: return %[[H]]
  %o, %t, %s = grouped.sort ids(%ids : tensor<?x8xi32>)
    outs(%o0, %t0, %t0 : tensor<65xi32>, tensor<?xi32>, tensor<?xi32>)
    -> tensor<65xi32>, tensor<?xi32>, tensor<?xi32>
  %h = grouped.matmul lhs(%x : tensor<?x2048xf32>) rhs(%w : tensor<64x128x1024x16x2xbf16>)
    groups(%o, %t, %s : tensor<65xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x1024xf32>)
    attributes {gather, maps = [], panels = #grouped.panels<parts = 2, columns = 1024, depth = 2048>} {
  ^bb0(%a: f32, %b: f32):
    %m = arith.mulf %a, %b : f32
    grouped.yield %m : f32
  } -> tensor<?x1024xf32>
  return %h : tensor<?x1024xf32>
}

// -----

// Rows of a dense matmul are the rows of its lhs.
// CHECK-LABEL: func.func @two_dense_variants
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x4095xf32>
func.func @two_dense_variants(%x: tensor<?x4095xf32>, %w: tensor<1x256x4095x16x1xf32>,
                              %e: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
  // CHECK: tensor.dim %[[X]],
  // CHECK: scf.if
  // An odd depth is rounded up.
  // CHECK: depth = 4096
  // CHECK: } else {
  %h = grouped.matmul lhs(%x : tensor<?x4095xf32>) rhs(%w : tensor<1x256x4095x16x1xf32>)
    outs(%e : tensor<?x4096xf32>)
    attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 4096, depth = 4095>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x4096xf32>
  return %h : tensor<?x4096xf32>
}

// -----

// Where memory is never the roof and one core does all, streaming gains nothing.
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<
    "moec.cores" = 1 : i64, "moec.read_gbps" = 1000000 : i64>>} {
  // CHECK-LABEL: func.func @one_variant_when_it_is_enough
  func.func @one_variant_when_it_is_enough(%x: tensor<?x512xf32>, %w: tensor<1x256x512x16x1xf32>, %e: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
    // CHECK-NOT: scf.if
    // CHECK: tile = #grouped.tile<rows = {{[0-9]+}}, depth = 512,
    // CHECK-NOT: grouped.matmul
    %h = grouped.matmul lhs(%x : tensor<?x512xf32>) rhs(%w : tensor<1x256x512x16x1xf32>)
      outs(%e : tensor<?x4096xf32>)
      attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 4096, depth = 512>} {
    ^bb0(%a: f32):
      grouped.yield %a : f32
    } -> tensor<?x4096xf32>
    return %h : tensor<?x4096xf32>
  }
}

// -----

// CHECK-LABEL: func.func @one_variant_when_rows_are_static
func.func @one_variant_when_rows_are_static(%x: tensor<1x2048xf32>, %w: tensor<1x128x1024x16x2xbf16>, %e: tensor<1x2048xf32>) -> tensor<1x2048xf32> {
  // CHECK-NOT: scf.if
  // CHECK: tile = #grouped.tile<rows = 6, depth = 2048, panels = 1,
  %h = grouped.matmul lhs(%x : tensor<1x2048xf32>) rhs(%w : tensor<1x128x1024x16x2xbf16>)
    outs(%e : tensor<1x2048xf32>)
    attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 2048, depth = 2048>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<1x2048xf32>
  return %h : tensor<1x2048xf32>
}

// -----

// In a loop over blocks of rows the block is the row count, and one task has
// all panels.
// CHECK-LABEL: func.func @one_variant_when_nested
func.func @one_variant_when_nested(%x: tensor<?x2048xf32>, %w: tensor<1x4x2048x16x1xf32>, %e: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: scf.forall
  // CHECK-NOT: scf.if
  // CHECK: tile = #grouped.tile<rows = {{6|12|18|24|30|36}}, depth = {{[0-9]+}}, panels = {{[0-9]+}}, task_panels = 4>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x2048xf32>
  %c32 = arith.constant 32 : index
  %r = scf.forall (%i) = (0) to (%n) step (32) shared_outs(%out = %e) -> (tensor<?x64xf32>) {
    %left = arith.subi %n, %i : index
    %m = arith.minui %left, %c32 : index
    %b = tensor.extract_slice %x[%i, 0] [%m, 2048] [1, 1] : tensor<?x2048xf32> to tensor<?x2048xf32>
    %z = tensor.empty(%m) : tensor<?x64xf32>
    %h = grouped.matmul lhs(%b : tensor<?x2048xf32>) rhs(%w : tensor<1x4x2048x16x1xf32>)
      outs(%z : tensor<?x64xf32>)
      attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 64, depth = 2048>} {
    ^bb0(%a: f32):
      grouped.yield %a : f32
    } -> tensor<?x64xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %h into %out[%i, 0] [%m, 64] [1, 1] : tensor<?x64xf32> into tensor<?x64xf32>
    }
  }
  return %r : tensor<?x64xf32>
}

// -----

// Tasks can make panels of weights that nobody packed; few rows need none.
// CHECK-LABEL: func.func @row_major
func.func @row_major(%x: tensor<?x2048xf32>, %w: tensor<4096x2048xbf16>, %e: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
  // CHECK: scf.if
  // CHECK: tile = #grouped.tile<rows = 24, depth = 2048, panels = 1,
  // CHECK: } else {
  // CHECK: tile = #grouped.tile<rows = {{[0-9]+}}, depth = {{256|512|1024}}, panels = {{[0-9]+}},
  %h = grouped.matmul lhs(%x : tensor<?x2048xf32>) rhs(%w : tensor<4096x2048xbf16>)
    outs(%e : tensor<?x4096xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x4096xf32>
  return %h : tensor<?x4096xf32>
}

// -----

// CHECK-LABEL: func.func @no_tile_without_panels
func.func @no_tile_without_panels(%x: tensor<?x7xf32>, %w: tensor<20x7xf64>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  // CHECK-NOT: #grouped.tile
  %h = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%w : tensor<20x7xf64>)
    outs(%e : tensor<?x20xf32>) attributes {maps = []} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  return %h : tensor<?x20xf32>
}

// -----

// CHECK-LABEL: func.func @tile_stays
func.func @tile_stays(%x: tensor<?x7xf32>, %w: tensor<1x2x7x16x1xf32>, %e: tensor<?x20xf32>) -> tensor<?x20xf32> {
  // CHECK: tile = #grouped.tile<rows = 2, depth = 4, panels = 1, task_panels = 1>
  %h = grouped.matmul lhs(%x : tensor<?x7xf32>) rhs(%w : tensor<1x2x7x16x1xf32>)
    outs(%e : tensor<?x20xf32>)
    attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 20, depth = 7>,
                tile = #grouped.tile<rows = 2, depth = 4, panels = 1, task_panels = 1>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x20xf32>
  return %h : tensor<?x20xf32>
}

// -----

// The module's description replaces the default: with a cache of 64 KiB, blocks
// are smaller than 32 KiB.
// CHECK-LABEL: func.func @target_description
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<
    "moec.level" = "x86-64-v3", "moec.cores" = 2 : i64, "moec.l2_bytes" = 65536 : i64,
    "moec.core_gflops" = 100.0 : f64, "moec.read_gbps" = 1000.0 : f64>>} {
  func.func @target_description(%x: tensor<512x2048xf32>, %w: tensor<1x128x2048x16x1xf32>, %e: tensor<512x2048xf32>) -> tensor<512x2048xf32> {
    // CHECK: tile = #grouped.tile<rows = {{6|12|24|48}}, depth = {{128|256|512}}, panels = {{4|8|16}}, task_panels = {{[0-9]+}}>
    %h = grouped.matmul lhs(%x : tensor<512x2048xf32>) rhs(%w : tensor<1x128x2048x16x1xf32>)
      outs(%e : tensor<512x2048xf32>)
      attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 2048, depth = 2048>} {
    ^bb0(%a: f32):
      grouped.yield %a : f32
    } -> tensor<512x2048xf32>
    return %h : tensor<512x2048xf32>
  }
}

// -----

// CHECK-LABEL: func.func @no_tile_on_buffers
func.func @no_tile_on_buffers(%x: memref<?x7xf32>, %w: memref<1x2x7x16x1xf32>, %e: memref<?x20xf32>) {
  // CHECK-NOT: #grouped.tile
  grouped.matmul lhs(%x : memref<?x7xf32>) rhs(%w : memref<1x2x7x16x1xf32>)
    outs(%e : memref<?x20xf32>)
    attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 20, depth = 7>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }
  return
}

// -----

// Two matmuls of the same rows, of which the second reduces what the first
// makes: both are in each variant, with equally many rows, and run in waves.
// CHECK-LABEL: func.func @waves
func.func @waves(%x: tensor<?x2048xf32>, %w: tensor<64x128x2048x16x1xf32>, %v: tensor<64x128x1024x16x1xf32>,
    %o: tensor<65xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>, %e: tensor<?x1024xf32>, %z: tensor<?x2048xf32>) -> tensor<?x2048xf32> {
  // CHECK-NOT: grouped.matmul
  // CHECK: %[[Y:.*]] = scf.if %{{.*}} -> (tensor<?x2048xf32>) {
  // CHECK: %[[H:.*]] = grouped.matmul
  // CHECK-SAME: tile = #grouped.tile<rows = [[ROWS:[0-9]+]],
  // CHECK-NOT: wave_rows
  // CHECK: grouped.matmul lhs(%[[H]]
  // CHECK-SAME: tile = #grouped.tile<rows = [[ROWS]],
  // CHECK-SAME: wave_rows = 1024 : i64
  // CHECK: } else {
  // CHECK: %[[H2:.*]] = grouped.matmul
  // CHECK-SAME: tile = #grouped.tile<rows = [[MORE:[0-9]+]],
  // CHECK: grouped.matmul lhs(%[[H2]]
  // CHECK-SAME: tile = #grouped.tile<rows = [[MORE]],
  // CHECK-SAME: wave_rows = 1024 : i64
  // CHECK-NOT: grouped.matmul
  // CHECK: return %[[Y]]
  %h = grouped.matmul lhs(%x : tensor<?x2048xf32>) rhs(%w : tensor<64x128x2048x16x1xf32>)
    groups(%o, %t, %s : tensor<65xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x1024xf32>)
    attributes {gather, maps = [], panels = #grouped.panels<parts = 2, columns = 1024, depth = 2048>} {
  ^bb0(%a: f32, %b: f32):
    %m = arith.mulf %a, %b : f32
    grouped.yield %m : f32
  } -> tensor<?x1024xf32>
  %y = grouped.matmul lhs(%h : tensor<?x1024xf32>) rhs(%v : tensor<64x128x1024x16x1xf32>)
    groups(%o, %t, %s : tensor<65xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x2048xf32>)
    attributes {reduce, maps = [], panels = #grouped.panels<parts = 1, columns = 2048, depth = 1024>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x2048xf32>
  return %y : tensor<?x2048xf32>
}

// -----

// Whoever reads the rows in between keeps them whole.
// CHECK-LABEL: func.func @no_waves
func.func @no_waves(%x: tensor<?x2048xf32>, %w: tensor<64x128x2048x16x1xf32>, %v: tensor<64x128x1024x16x1xf32>,
    %o: tensor<65xi32>, %t: tensor<?xi32>, %s: tensor<?xi32>, %e: tensor<?x1024xf32>, %z: tensor<?x2048xf32>)
    -> (tensor<?x1024xf32>, tensor<?x2048xf32>) {
  // CHECK-NOT: wave_rows
  %h = grouped.matmul lhs(%x : tensor<?x2048xf32>) rhs(%w : tensor<64x128x2048x16x1xf32>)
    groups(%o, %t, %s : tensor<65xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%e : tensor<?x1024xf32>)
    attributes {gather, maps = [], panels = #grouped.panels<parts = 2, columns = 1024, depth = 2048>} {
  ^bb0(%a: f32, %b: f32):
    %m = arith.mulf %a, %b : f32
    grouped.yield %m : f32
  } -> tensor<?x1024xf32>
  %y = grouped.matmul lhs(%h : tensor<?x1024xf32>) rhs(%v : tensor<64x128x1024x16x1xf32>)
    groups(%o, %t, %s : tensor<65xi32>, tensor<?xi32>, tensor<?xi32>)
    outs(%z : tensor<?x2048xf32>)
    attributes {reduce, maps = [], panels = #grouped.panels<parts = 1, columns = 2048, depth = 1024>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  } -> tensor<?x2048xf32>
  return %h, %y : tensor<?x1024xf32>, tensor<?x2048xf32>
}
