// RUN: moe-opt %s --cpu-share-tasks | FileCheck %s

// Tasks of the same text become one; another one stays.
// CHECK-LABEL: func @f
// CHECK: cpu.parallel_for @a({{.*}}) services({{.*}}) captures(%[[X:.*]] : memref<4xf32>)
// CHECK: cpu.parallel_for @a({{.*}}) services({{.*}}) captures(%{{.*}} : memref<4xf32>)
// CHECK: cpu.parallel_for @c
func.func @f(%n: index, %s: !llvm.ptr, %x: memref<4xf32>, %y: memref<4xf32>) {
  cpu.parallel_for @a(%n) services(%s : !llvm.ptr) captures(%x : memref<4xf32>)
  cpu.parallel_for @b(%n) services(%s : !llvm.ptr) captures(%y : memref<4xf32>)
  cpu.parallel_for @c(%n) services(%s : !llvm.ptr) captures(%y : memref<4xf32>)
  return
}
// CHECK: func.func private @a
// CHECK-NOT: func.func private @b
// CHECK: func.func private @c
func.func private @a(%i: index, %w: index, %m: memref<4xf32>) {
  %0 = arith.constant 1.0 : f32
  memref.store %0, %m[%i] : memref<4xf32>
  return
}
func.func private @b(%i: index, %w: index, %m: memref<4xf32>) {
  %0 = arith.constant 1.0 : f32
  memref.store %0, %m[%i] : memref<4xf32>
  return
}
func.func private @c(%i: index, %w: index, %m: memref<4xf32>) {
  %0 = arith.constant 2.0 : f32
  memref.store %0, %m[%i] : memref<4xf32>
  return
}
