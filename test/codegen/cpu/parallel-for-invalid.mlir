// RUN: %moe-opt %s --split-input-file --verify-diagnostics

func.func @unknown(%n: index, %s: !llvm.ptr) {
  // expected-error @below {{'cpu.parallel_for' op expects @task to be a function}}
  cpu.parallel_for @task(%n) services(%s : !llvm.ptr)
  return
}

// -----

func.func private @task(%i: index, %w: index) -> f32
func.func @result(%n: index, %s: !llvm.ptr) {
  // expected-error @below {{expects task @task to have no results}}
  cpu.parallel_for @task(%n) services(%s : !llvm.ptr)
  return
}

// -----

func.func private @task(%i: index, %w: index, %x: f32)
func.func @captures(%n: index, %s: !llvm.ptr) {
  // expected-error @below {{expects task @task to take (index, index, captures), found '(index, index, f32) -> ()'}}
  cpu.parallel_for @task(%n) services(%s : !llvm.ptr)
  return
}
