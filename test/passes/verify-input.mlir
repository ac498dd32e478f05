// RUN: moe-opt %s --moe-verify-input --split-input-file --verify-diagnostics

ml_program.global private @gate(#moe.source<"m.safetensors", "gate">) : tensor<8x16xf32>
func.func @legal(%x: tensor<?x16xf32>) -> tensor<?x2xi32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %w = ml_program.global_load_const @gate : tensor<8x16xf32>
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
    ins(%x, %w : tensor<?x16xf32>, tensor<8x16xf32>) outs(%z : tensor<?x8xf32>) -> tensor<?x8xf32>
  %ids = moe.select #moe.top_k<2> scores(%s : tensor<?x8xf32>) -> tensor<?x2xi32>
  return %ids : tensor<?x2xi32>
}

// -----

func.func @unknown_operation(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{'bufferization.materialize_in_destination' op is not part of the input contract}}
  %0 = bufferization.materialize_in_destination %x in %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func private @memory(%x: memref<4xf32>, %v: f32) {
  // expected-error@+1 {{'linalg.fill' op expects tensors, got a memref}}
  linalg.fill ins(%v : f32) outs(%x : memref<4xf32>)
  return
}

// -----

// expected-error@+1 {{'func.func' op expects tensors in an exported signature, got '!moe.plan<experts = 8, slots = 2>'}}
func.func @exported_plan(%plan: !moe.plan<experts = 8, slots = 2>) {
  return
}

// -----

// A plan may go to a private function.
func.func private @private_plan(%plan: !moe.plan<experts = 8, slots = 2>) {
  return
}

// -----

// expected-error@+1 {{'ml_program.global' op expects a tensor of static shape, got 'tensor<?xf32>'}}
ml_program.global private @dynamic(#moe.source<"m.safetensors", "gate">) : tensor<?xf32>

// -----

// expected-error@+1 {{'ml_program.global' op expects a value of #moe.source, #moe.expr, #moe.quantized, #moe.random, #moe.state or dense}}
ml_program.global private @no_value(#ml_program.extern<tensor<4xf32>>) : tensor<4xf32>
