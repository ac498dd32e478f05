// RUN: %moe-opt %s --split-input-file --allow-unregistered-dialect --cpu-bound-allocations | FileCheck %s

// CHECK-LABEL: func.func @last_block_is_short
// CHECK: affine.min
// CHECK: %[[A:.*]] = memref.alloc() {alignment = 64 : i64} : memref<16x8xf32>
// CHECK: %[[S:.*]] = memref.subview %[[A]][0, 0] [%{{.*}}, 8] [1, 1]
// CHECK: %[[C:.*]] = memref.cast %[[S]] : {{.*}} to memref<?x8xf32>
// CHECK: "test.use"(%[[C]])
func.func @last_block_is_short(%rows: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = affine.apply affine_map<()[s] -> (s ceildiv 16)>()[%rows]
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %size = affine.min affine_map<(i)[t] -> (16, t - i * 16)>(%i)[%rows]
    %a = memref.alloc(%size) {alignment = 64 : i64} : memref<?x8xf32>
    "test.use"(%a) : (memref<?x8xf32>) -> ()
  }
  return
}

// -----

// A size that does not change in the loop stays.
// CHECK-LABEL: func.func @same_size
// CHECK: memref.alloc(%{{.*}}) : memref<?x8xf32>
func.func @same_size(%rows: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %rows step %c1 {
    %a = memref.alloc(%rows) : memref<?x8xf32>
    "test.use"(%a) : (memref<?x8xf32>) -> ()
  }
  return
}
