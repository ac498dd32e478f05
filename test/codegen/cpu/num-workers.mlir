// RUN: moe-opt %s --cpu-outline-parallel | FileCheck %s

// The number of workers is an argument, and waits in a task get the services.
// CHECK-LABEL: func.func @workers
// CHECK-SAME: %[[W:[a-z0-9]*]]: index {moe.workers}, %[[S:[a-z0-9]*]]: !llvm.ptr {moe.services}
// CHECK-NOT: cpu.num_workers
// CHECK: cpu.parallel_for @workers_task_0(%[[W]])
// CHECK: func.func private @workers_task_0
// CHECK: cpu.wait %{{.*}}[%{{.*}}] until %{{.*}} services(%{{.*}} : !llvm.ptr) : memref<?xi32>
func.func @workers(%counters: memref<?xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = cpu.num_workers : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    cpu.wait %counters[%i] until %c1 : memref<?xi32>
  }
  return
}
