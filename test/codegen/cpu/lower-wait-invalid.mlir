// RUN: moe-opt %s --cpu-lower-wait --verify-diagnostics

func.func private @task(%counters: memref<?xi32>, %i: index) {
  // expected-error @+1 {{has no services, which cpu-outline-parallel adds}}
  cpu.wait %counters[%i] until %i : memref<?xi32>
  return
}
