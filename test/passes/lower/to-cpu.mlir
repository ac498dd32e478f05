// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %S/pipeline.mlir --moe-to-cpu | FileCheck %s --implicit-check-not="= moe." --implicit-check-not="grouped." --implicit-check-not="= tensor." --implicit-check-not="= memref." --implicit-check-not="scf."

// Nothing but the LLVM dialect is left; the function has its two entries.
// CHECK-DAG: llvm.func @moec_fn_layers_0_moe(
// CHECK-DAG: llvm.func @moec_workspace_layers_0_moe(
