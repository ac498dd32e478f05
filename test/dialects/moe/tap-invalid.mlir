// RUN: moe-opt %s --verify-diagnostics --split-input-file

func.func @tap_c1(%p: tensor<?x8xf32>) {
  // expected-error@+1 {{expects a name}}
  moe.tap "" %p : tensor<?x8xf32>
  return
}
