// RUN: %moe-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect --cpu-bound-allocations

func.func @no_bound(%rows: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %rows step %c1 {
    // expected-error @below {{has a size that changes in a loop and has no constant upper bound}}
    %a = memref.alloc(%i) : memref<?x8xf32>
    "test.use"(%a) : (memref<?x8xf32>) -> ()
  }
  return
}

// -----

func.func @inner_size(%rows: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %rows step %c1 {
    %size = affine.min affine_map<(i)[t] -> (16, t - i * 16)>(%i)[%rows]
    // expected-error @below {{has an inner size that changes in a loop}}
    %a = memref.alloc(%size) : memref<8x?xf32>
    "test.use"(%a) : (memref<8x?xf32>) -> ()
  }
  return
}
