// RUN: %moe-opt %s --split-input-file --verify-diagnostics --cpu-emit-entry-points

// expected-error @below {{has no workspace function}}
func.func @alone(%x: memref<8xf32>) {
  return
}

// -----

func.func private @"a.b_workspace"(%w: index) -> index {
  return %w : index
}
func.func private @"a-b_workspace"(%w: index) -> index {
  return %w : index
}
func.func @"a.b"(%x: memref<8xf32>) attributes {moe.workspace = @"a.b_workspace"} {
  return
}
// expected-error @below {{has the C name 'a_b' of another function}}
func.func @"a-b"(%x: memref<8xf32>) attributes {moe.workspace = @"a-b_workspace"} {
  return
}
