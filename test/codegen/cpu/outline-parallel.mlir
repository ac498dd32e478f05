// RUN: %moe-opt %s --split-input-file --allow-unregistered-dialect --cpu-outline-parallel | FileCheck %s

// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[N:.*]]: index, %[[M:.*]]: memref<?xf32>, %[[V:.*]]: f32, %[[W:.*]]: index {moe.workers}, %[[S:.*]]: !llvm.ptr {moe.services})
// CHECK: cpu.parallel_for @f_task_0(%[[N]]) services(%[[S]] : !llvm.ptr) captures(%[[V]], %[[M]] : f32, memref<?xf32>)
// CHECK-LABEL: func.func private @f_task_0(
// CHECK-SAME: %[[I:.*]]: index, %{{.*}}: index, %[[V:.*]]: f32, %[[M:.*]]: memref<?xf32>)
// Constants are not captured.
// CHECK: %[[C:.*]] = arith.constant 3.000000e+00
// CHECK: %[[X:.*]] = arith.addf %[[V]], %[[C]]
// CHECK: memref.store %[[X]], %[[M]][%[[I]]]
// CHECK: return
func.func @f(%n: index, %m: memref<?xf32>, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %three = arith.constant 3.0 : f32
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %x = arith.addf %v, %three : f32
    memref.store %x, %m[%i] : memref<?xf32>
  }
  return
}

// -----

// Two loops are numbered row-major; lower bounds and steps count.
// CHECK-LABEL: func.func @two_loops(
// CHECK: arith.subi
// CHECK: arith.ceildivsi
// CHECK: arith.muli
// CHECK: cpu.parallel_for @two_loops_task_0
// CHECK-LABEL: func.func private @two_loops_task_0(
// CHECK-SAME: %[[I:[a-z0-9]+]]: index
// CHECK-DAG: arith.remui %[[I]], %[[TRIP:.*]] : index
// CHECK-DAG: arith.divui %[[I]], %[[TRIP]] : index
func.func @two_loops(%a: index, %b: index, %n: index, %m: memref<?x?xf32>, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i, %j) = (%c0, %a) to (%n, %b) step (%c1, %n) {
    memref.store %v, %m[%i, %j] : memref<?x?xf32>
  }
  return
}

// -----

// What a task allocates is allocated once for each worker, outside.
// CHECK-LABEL: func.func @buffers(
// CHECK-SAME: %[[N:.*]]: index, %[[W:.*]]: index {moe.workers}
// CHECK: %[[C192:.*]] = arith.constant 192 : index
// CHECK: %[[BYTES:.*]] = arith.muli %[[W]], %[[C192]]
// CHECK: %[[B:.*]] = memref.alloc(%[[BYTES]]) {alignment = 64 : i64} : memref<?xi8>
// CHECK: cpu.parallel_for @buffers_task_0(%[[N]]) {{.*}} captures(%[[B]] : memref<?xi8>)
// CHECK-LABEL: func.func private @buffers_task_0(
// CHECK-SAME: %{{.*}}: index, %[[WORKER:.*]]: index, %[[B:.*]]: memref<?xi8>)
// CHECK: %[[STRIDE:.*]] = arith.constant 192
// CHECK: %[[OFFSET:.*]] = arith.muli %[[WORKER]], %[[STRIDE]]
// CHECK: memref.view %[[B]][%[[OFFSET]]][] : memref<?xi8> to memref<5x7xf32>
func.func @buffers(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    %a = memref.alloc() : memref<5x7xf32>
    "test.use"(%a) : (memref<5x7xf32>) -> ()
  }
  return
}

// -----

// A parallel loop in a parallel loop runs in order.
// CHECK-LABEL: func.func @nested(
// CHECK-COUNT-1: cpu.parallel_for
// CHECK-NOT: cpu.parallel_for
// CHECK-LABEL: func.func private @nested_task_0(
// CHECK: scf.for
func.func @nested(%n: index, %m: memref<?x?xf32>, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    scf.parallel (%j) = (%c0) to (%n) step (%c1) {
      memref.store %v, %m[%i, %j] : memref<?x?xf32>
    }
  }
  return
}
