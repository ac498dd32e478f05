// RUN: %moe-opt %s --split-input-file --allow-unregistered-dialect --cpu-allocate-arena --canonicalize --cse | FileCheck %s

// Sizes are rounded up to 64 bytes; the second function gets the sizes' names.
// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32> {{.*}}, %[[W:.*]]: index {moe.workers}, %[[WS:.*]]: memref<?xi8> {moe.workspace})
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK: %[[T:.*]] = memref.dim %[[X]], %[[C0]]
// CHECK: %[[A:.*]] = memref.view %[[WS]][%[[C0]]][] : memref<?xi8> to memref<5xf32>
// CHECK: %[[B:.*]] = memref.view %[[WS]][%[[C64]]][%[[T]]] : memref<?xi8> to memref<?x4xf32>
// CHECK: "test.use"(%[[A]], %[[B]])
// CHECK-LABEL: func.func private @f_workspace(
// CHECK-SAME: %[[T:.*]]: index, %[[W:.*]]: index) -> index
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C63:.*]] = arith.constant 63 : index
// CHECK: %[[BYTES:.*]] = arith.muli %[[T]], %[[C16]]
// CHECK: %[[MORE:.*]] = arith.addi %[[BYTES]], %[[C63]]
// CHECK: %[[ROUND:.*]] = arith.andi %[[MORE]]
// CHECK: %[[SUM:.*]] = arith.addi %[[ROUND]], %{{.*}}
// CHECK: return %[[SUM]]
func.func @f(%x: memref<?x8xf32> {moe.dims = ["T", "8"]}, %w: index {moe.workers}) {
  %c0 = arith.constant 0 : index
  %t = memref.dim %x, %c0 : memref<?x8xf32>
  %a = memref.alloc() : memref<5xf32>
  %b = memref.alloc(%t) : memref<?x4xf32>
  "test.use"(%a, %b) : (memref<5xf32>, memref<?x4xf32>) -> ()
  return
}

// -----

// A buffer takes the place of a dead one, also if it is used through a view.
// CHECK-LABEL: func.func @reuse(
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
// CHECK: %[[A:.*]] = memref.view %{{.*}}[%[[C0]]][] : memref<?xi8> to memref<16xf32>
// CHECK: %[[B:.*]] = memref.view %{{.*}}[%[[C64]]][] : memref<?xi8> to memref<16xf32>
// CHECK: "test.second"
// CHECK: "test.third"(%[[A]])
// CHECK-LABEL: func.func private @reuse_workspace(
// CHECK: %[[C:.*]] = arith.constant 128 : index
// CHECK: return %[[C]]
func.func @reuse() {
  %a = memref.alloc() : memref<16xf32>
  %part = memref.subview %a[0] [8] [1] : memref<16xf32> to memref<8xf32, strided<[1]>>
  %b = memref.alloc() : memref<16xf32>
  "test.second"(%part, %b) : (memref<8xf32, strided<[1]>>, memref<16xf32>) -> ()
  %c = memref.alloc() : memref<16xf32>
  "test.third"(%c) : (memref<16xf32>) -> ()
  return
}

// -----

// Variants share their bytes; the larger one counts.
// CHECK-LABEL: func.func @variants(
// CHECK: %[[C0:.*]] = arith.constant 0 : index
// CHECK: case 0 {
// CHECK: memref.view %{{.*}}[%[[C0]]][] : memref<?xi8> to memref<16xf32>
// CHECK: default {
// CHECK: memref.view %{{.*}}[%[[C0]]][] : memref<?xi8> to memref<32xf32>
// CHECK-LABEL: func.func private @variants_workspace(
// CHECK: %[[C:.*]] = arith.constant 128 : index
// CHECK: return %[[C]]
func.func @variants(%x: memref<4xf32>, %which: index {moe.workers}) {
  scf.index_switch %which
  case 0 {
    %a = memref.alloc() : memref<16xf32>
    "test.use"(%a) : (memref<16xf32>) -> ()
    scf.yield
  }
  default {
    %a = memref.alloc() : memref<32xf32>
    "test.use"(%a) : (memref<32xf32>) -> ()
  }
  return
}

// -----

// What a branch yields lives on after it.
// CHECK-LABEL: func.func @escape(
// CHECK-LABEL: func.func private @escape_workspace(
// CHECK: %[[C:.*]] = arith.constant 128 : index
// CHECK: return %[[C]]
func.func @escape(%x: memref<4xi1>) {
  %c0 = arith.constant 0 : index
  %c = memref.load %x[%c0] : memref<4xi1>
  %r = scf.if %c -> memref<16xf32> {
    %a = memref.alloc() : memref<16xf32>
    scf.yield %a : memref<16xf32>
  } else {
    %a = memref.alloc() : memref<16xf32>
    scf.yield %a : memref<16xf32>
  }
  %b = memref.alloc() : memref<16xf32>
  "test.use"(%r, %b) : (memref<16xf32>, memref<16xf32>) -> ()
  return
}

// -----

// The size of joined dimensions is the product of the arguments' sizes.
// CHECK-LABEL: func.func @joined(
// CHECK-LABEL: func.func private @joined_workspace(
// CHECK-SAME: %[[B:.*]]: index, %[[S:.*]]: index, %{{.*}}: index) -> index
// CHECK: arith.muli %[[B]], %[[S]]
func.func @joined(%x: memref<?x?x8xf32> {moe.dims = ["B", "S", "8"]}, %w: index {moe.workers}) {
  %c0 = arith.constant 0 : index
  %rows = memref.collapse_shape %x [[0, 1], [2]] : memref<?x?x8xf32> into memref<?x8xf32>
  %t = memref.dim %rows, %c0 : memref<?x8xf32>
  %a = memref.alloc(%t) : memref<?x4xf32>
  "test.use"(%a, %rows) : (memref<?x4xf32>, memref<?x8xf32>) -> ()
  return
}
