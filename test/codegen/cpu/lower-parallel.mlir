// RUN: %moe-opt %s --cpu-lower-parallel | FileCheck %s

// The structure lies in the entry block, so that a loop does not grow the stack.
// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[N:.*]]: index, %[[V:.*]]: f32, %[[S:.*]]: !llvm.ptr)
// CHECK-NEXT: llvm.mlir.constant(1 : i64)
// CHECK-NEXT: %[[ARG:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(f32)>
// CHECK: scf.for
// CHECK: %[[SOME:.*]] = arith.cmpi sgt, %[[N]]
// CHECK: scf.if %[[SOME]] {
// CHECK: llvm.store %[[V]]
// CHECK: scf.if
// CHECK: call @task_thunk(%[[ARG]]
// CHECK: } else {
// CHECK: %[[HOST:.*]] = llvm.load
// CHECK: %[[SERVICE:.*]] = llvm.load
// CHECK: llvm.call %[[SERVICE]](%[[HOST]], %{{.*}}, %{{.*}}, %[[ARG]])
// CHECK-LABEL: func.func private @task_thunk(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64)
// CHECK: %[[V:.*]] = llvm.load
// CHECK: call @task(%{{.*}}, %{{.*}}, %[[V]])
func.func private @task(%i: index, %w: index, %v: f32) {
  return
}
func.func @f(%n: index, %v: f32, %s: !llvm.ptr) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    cpu.parallel_for @task(%n) services(%s : !llvm.ptr) captures(%v : f32)
  }
  return
}
