// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: %moe-opt %s --verify-diagnostics --allow-unregistered-dialect --cpu-bound-allocations

func.func @no_bound(%rows: memref<?xindex>) {
  %c0 = arith.constant 0 : index
  // expected-note @below {{this is the size}}
  %n = memref.load %rows[%c0] : memref<?xindex>
  // expected-error @below {{has a size without an upper bound that follows from the sizes of arguments}}
  %a = memref.alloc(%n) : memref<?x8xf32>
  "test.use"(%a) : (memref<?x8xf32>) -> ()
  return
}
