// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: %moe-opt %s --cpu-lower-expand-shape | FileCheck %s

// CHECK-LABEL: func.func @two_dynamic
// CHECK: %[[BASE:.*]], %{{.*}}, %{{.*}}:2, %{{.*}}:2 = memref.extract_strided_metadata
// CHECK: %[[ROW:.*]] = arith.muli %{{.*}}, %arg2
// CHECK: memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%arg1, %arg2, 8], strides: [%[[ROW]], 8, 1]
// CHECK-NOT: expand_shape
func.func @two_dynamic(%m: memref<?x8xf32>, %b: index, %s: index) -> memref<?x?x8xf32> {
  %v = memref.expand_shape %m [[0, 1], [2]] output_shape [%b, %s, 8]
     : memref<?x8xf32> into memref<?x?x8xf32>
  return %v : memref<?x?x8xf32>
}

// Upstream knows what to do with one.
// CHECK-LABEL: func.func @one_dynamic
// CHECK: memref.expand_shape
func.func @one_dynamic(%m: memref<?x8xf32>, %b: index) -> memref<?x2x8xf32> {
  %v = memref.expand_shape %m [[0, 1], [2]] output_shape [%b, 2, 8]
     : memref<?x8xf32> into memref<?x2x8xf32>
  return %v : memref<?x2x8xf32>
}
