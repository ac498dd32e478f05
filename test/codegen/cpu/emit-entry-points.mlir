// RUN: %moe-opt %s --split-input-file --cpu-outline-parallel --cpu-allocate-arena --cpu-emit-entry-points | FileCheck %s

// CHECK: func.func private @layers.0.moe(
// CHECK-NOT: moe.
// CHECK: func.func @moec_workspace_layers_0_moe(%{{.*}}: !llvm.ptr) -> i64
// CHECK: call @layers.0.moe_workspace
// CHECK: func.func @moec_fn_layers_0_moe(%{{.*}}: !llvm.ptr) -> i32
// CHECK: call @layers.0.moe_workspace
// CHECK: call @layers.0.moe(
// CHECK: llvm.mlir.global external constant @moec_abi_version(1 : i32)
func.func @layers.0.moe(%x: memref<?x8xf32> {moe.dims = ["T", "8"]}, %w: memref<8xf32> {moe.param = @w}, %y: memref<?xf32> {moe.dims = ["T"], moe.result}) {
  return
}

// -----

// A function may be called what a helper of another one would be.
// CHECK: func.func @moec_fn_g(
// CHECK: call @g_workspace_0(
// CHECK: func.func @moec_fn_g_workspace(
func.func @g(%x: memref<?x8xf32> {moe.dims = ["T", "8"]}) {
  return
}
func.func @g_workspace(%x: memref<?x8xf32> {moe.dims = ["T", "8"]}) {
  return
}
