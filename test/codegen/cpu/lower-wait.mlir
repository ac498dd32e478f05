// RUN: moe-opt %s --cpu-lower-wait | FileCheck %s

// Two waits share one function, which asks the host only where its table of
// services is long enough.
// CHECK-LABEL: func.func private @task
// CHECK: %[[BASE:.*]] = memref.extract_aligned_pointer_as_index %arg0
// CHECK: %[[BYTES:.*]] = arith.muli %arg1, %c4
// CHECK: %[[AT:.*]] = arith.addi %[[BASE]], %[[BYTES]]
// CHECK: %[[P:.*]] = llvm.inttoptr
// CHECK: %[[LEAST:.*]] = arith.index_cast %arg2 : index to i32
// CHECK: call @wait_for_counter(%[[P]], %[[LEAST]], %arg3) : (!llvm.ptr, i32, !llvm.ptr) -> ()
// CHECK: call @wait_for_counter(
// CHECK-NOT: cpu.wait
func.func private @task(%counters: memref<?xi32>, %i: index, %n: index, %s: !llvm.ptr) {
  cpu.wait %counters[%i] until %n services(%s : !llvm.ptr) : memref<?xi32>
  cpu.wait %counters[%n] until %i services(%s : !llvm.ptr) : memref<?xi32>
  return
}
// CHECK: func.func private @wait_for_counter(%[[C:.*]]: !llvm.ptr, %[[L:.*]]: i32, %[[S:.*]]: !llvm.ptr)
// CHECK: scf.while
// CHECK: %[[V:.*]] = llvm.load %[[C]] atomic acquire {alignment = 4 : i64} : !llvm.ptr -> i32
// CHECK: %[[EARLY:.*]] = arith.cmpi slt, %[[V]], %[[L]]
// CHECK: scf.condition(%[[EARLY]])
// CHECK: arith.cmpi uge
// CHECK: llvm.call %{{.*}}(%{{.*}}, %[[C]], %[[L]]) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, i32) -> ()
