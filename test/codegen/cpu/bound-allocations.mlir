// RUN: %moe-opt %s --split-input-file --allow-unregistered-dialect --cpu-bound-allocations | FileCheck %s

// CHECK-LABEL: func.func @last_block_is_short
// CHECK: %[[N:.*]] = affine.min
// CHECK: %[[MAX:.*]] = arith.constant 16 : index
// CHECK: arith.muli %{{.*}}, %[[MAX]]
// CHECK: %[[A:.*]] = memref.alloc(%{{.*}}) {alignment = 64 : i64} : memref<?xi8>
// CHECK: %[[V:.*]] = memref.view %[[A]][%{{.*}}][%[[N]]] : memref<?xi8> to memref<?x8xf32>
// CHECK: "test.use"(%[[V]])
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

// -----

// Sizes that only a call knows (rows of an expert) have a bound that follows
// from arguments; inner sizes may change, too.
// CHECK-LABEL: func.func @rows_of_an_expert
// CHECK-SAME: %[[T:.*]]: memref<?x2xi32>, %[[O:.*]]: memref<?xi32>
// CHECK: %[[ROWS:.*]] = memref.dim %[[T]]
// CHECK: %[[N:.*]] = arith.minui
// CHECK: %[[B:.*]] = arith.muli %{{.*}}, %[[ROWS]]
// CHECK: arith.muli %[[B]], %[[ROWS]]
// CHECK: %[[A:.*]] = memref.alloc(%{{.*}}) {alignment = 64 : i64} : memref<?xi8>
// CHECK: memref.view %[[A]][%{{.*}}][%[[N]], %[[N]]] : memref<?xi8> to memref<?x?xf32>
func.func @rows_of_an_expert(%tokens: memref<?x2xi32>, %offsets: memref<?xi32>) {
  %c0 = arith.constant 0 : index
  %rows = memref.dim %tokens, %c0 : memref<?x2xi32>
  %i = memref.load %offsets[%c0] : memref<?xi32>
  %end = arith.index_cast %i : i32 to index
  %n = arith.minui %end, %rows : index
  %a = memref.alloc(%n, %n) : memref<?x?xf32>
  "test.use"(%a) : (memref<?x?xf32>) -> ()
  return
}

// -----

// Of a buffer that one of two branches makes, the larger.
// CHECK-LABEL: func.func @branches
// CHECK-SAME: %{{.*}}: i1, %[[M:.*]]: index, %[[N:.*]]: index)
// CHECK: %[[B:.*]] = arith.maxsi %[[M]], %[[N]]
// CHECK: arith.muli %{{.*}}, %[[B]]
// CHECK: memref.view
func.func @branches(%c: i1, %m: index, %n: index) {
  %c0 = arith.constant 0 : index
  %b = scf.if %c -> (memref<?x8xf32>) {
    %x = memref.alloc(%m) : memref<?x8xf32>
    scf.yield %x : memref<?x8xf32>
  } else {
    %y = memref.alloc(%n) : memref<?x8xf32>
    scf.yield %y : memref<?x8xf32>
  }
  %rows = memref.dim %b, %c0 : memref<?x8xf32>
  %a = memref.alloc(%rows) : memref<?x8xf32>
  "test.use"(%a) : (memref<?x8xf32>) -> ()
  return
}
