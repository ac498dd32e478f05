// RUN: %moe-opt %s --split-input-file --cpu-lower-grouped --canonicalize --cse | FileCheck %s

// Chunks of few rows read quantised weights in registers. The sums of a row's
// elements in each block take the 8 from 4-bit codes, which are stored plus 8,
// after the products, and a scale is applied to the sums of a block.
// CHECK-LABEL: func.func @streamed(
// CHECK: %[[ROWSUMS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<6x2xf32>
// CHECK: vector.reduction <add>
// CHECK: memref.store %{{.*}}, %[[ROWSUMS]]
// CHECK-NOT: call @expand
// CHECK: call @tile_6x16_stream_int4_32_half
// CHECK-NOT: call @expand
// CHECK-LABEL: func.func private @tile_6x16_stream_int4_32_half
// CHECK: memref.prefetch
// CHECK: scf.for
// CHECK-COUNT-48: math.fma
// CHECK: scf.yield
// CHECK: arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
// CHECK-COUNT-24: math.fma
// CHECK-NOT: math.fma
// One row has four sums for each vector, which hide the latency of
// multiply-adds; codes stay where they are, all but the last without a shift.
// CHECK-LABEL: func.func private @tile_1x16_stream_int4_32_half
// CHECK-SAME: passthrough = ["moec-sums-in-memory"]
// CHECK: scf.for
// CHECK: %{{.*}}:8 = scf.for
// CHECK: arith.andi %{{.*}}, %[[LOW:.*]] : vector<8xi32>
// CHECK-NOT: arith.shrui
// CHECK: arith.andi %{{.*}}, %[[HIGH:.*]] : vector<8xi32>
// CHECK-NOT: arith.shrui
// CHECK-COUNT-5: arith.andi
// CHECK: arith.shrui
// CHECK-COUNT-8: math.fma
// CHECK: scf.yield
func.func @streamed(%x: memref<?x64xf32>, %w: memref<1x2x2x16x18xi8>, %y: memref<?x32xf32>) {
  grouped.matmul lhs(%x : memref<?x64xf32>) rhs(%w : memref<1x2x2x16x18xi8>)
    outs(%y : memref<?x32xf32>)
    attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 32, depth = 64, blocks = <code = int4, size = 32, half = true, offset = false>>,
                tile = #grouped.tile<rows = 6, depth = 64, panels = 1, task_panels = 2>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }
  return
}

// -----

// For many rows a panel becomes f32 once, and the plain tile reads it; only a
// chunk of one register tile reads codes. int8 needs no sums of rows.
// CHECK-LABEL: func.func @expanded(
// CHECK-NOT: vector.reduction
// CHECK: %[[EXPANDED:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1024xf32>
// CHECK-NOT: vector.reduction
// CHECK: call @expand_int8_32_half
// CHECK: scf.if
// CHECK: call @tile_6x16_stream_int8_32_half
// CHECK: call @tile_6x16_0({{.*}}%[[EXPANDED]]
func.func @expanded(%x: memref<?x64xf32>, %w: memref<1x2x2x16x34xi8>, %y: memref<?x32xf32>) {
  grouped.matmul lhs(%x : memref<?x64xf32>) rhs(%w : memref<1x2x2x16x34xi8>)
    outs(%y : memref<?x32xf32>)
    attributes {maps = [], panels = #grouped.panels<parts = 1, columns = 32, depth = 64, blocks = <code = int8, size = 32, half = true, offset = false>>,
                tile = #grouped.tile<rows = 96, depth = 64, panels = 1, task_panels = 2>} {
  ^bb0(%a: f32):
    grouped.yield %a : f32
  }
  return
}
