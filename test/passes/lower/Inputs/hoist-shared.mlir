// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A LoRA bank with its base in the region.
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#rc = affine_map<(r, c) -> (r, c)>
!plan = !moe.plan<experts = 6, slots = 3>
ml_program.global private @router(#moe.random<seed = 1, std = 0.5 : f64>) : tensor<6x24xf32>
ml_program.global private @base(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<24x24xf32>
ml_program.global private @a(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<6x4x24xf32>
ml_program.global private @b(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<6x24x4xf32>

func.func @lora(%x: tensor<?x24xf32> {moe.name = "x", moe.dims = ["T", "24"]}) -> (tensor<?x24xf32> {moe.name = "y", moe.dims = ["T", "24"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x24xf32>
  %router = ml_program.global_load_const @router : tensor<6x24xf32>
  %e6 = tensor.empty(%t) : tensor<?x6xf32>
  %z6 = linalg.fill ins(%zero : f32) outs(%e6 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %logits = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%x, %router : tensor<?x24xf32>, tensor<6x24xf32>) outs(%z6 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %p = linalg.softmax dimension(1) ins(%logits : tensor<?x6xf32>) outs(%e6 : tensor<?x6xf32>) -> tensor<?x6xf32>
  %ids = moe.select #moe.top_k<3> scores(%p : tensor<?x6xf32>) -> tensor<?x3xi32>
  %w = moe.weigh sum %p, %ids : tensor<?x6xf32>, tensor<?x3xi32> -> tensor<?x3xf32>
  %plan = moe.plan %ids : tensor<?x3xi32> -> !plan
  %rows = moe.dispatch %x by %plan : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  %base = ml_program.global_load_const @base : tensor<24x24xf32>
  %a = ml_program.global_load_const @a : tensor<6x4x24xf32>
  %b = ml_program.global_load_const @b : tensor<6x24x4xf32>
  %y = moe.experts %plan rows(%rows : tensor<?x24xf32>) params(%a, %b : tensor<6x4x24xf32>, tensor<6x24x4xf32>) : !plan -> tensor<?x24xf32> {
  ^bb0(%r: tensor<?x24xf32>, %sa: tensor<4x24xf32>, %sb: tensor<24x4xf32>, %expert: index):
    %n = tensor.dim %r, %c0 : tensor<?x24xf32>
    %e = tensor.empty(%n) : tensor<?x24xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x24xf32>) -> tensor<?x24xf32>
    %h = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %base : tensor<?x24xf32>, tensor<24x24xf32>) outs(%z : tensor<?x24xf32>) -> tensor<?x24xf32>
    %e4 = tensor.empty(%n) : tensor<?x4xf32>
    %z4 = linalg.fill ins(%zero : f32) outs(%e4 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %low = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%r, %sa : tensor<?x24xf32>, tensor<4x24xf32>) outs(%z4 : tensor<?x4xf32>) -> tensor<?x4xf32>
    %v = linalg.matmul indexing_maps = [#lhs, #rhs, #out] ins(%low, %sb : tensor<?x4xf32>, tensor<24x4xf32>) outs(%z : tensor<?x24xf32>) -> tensor<?x24xf32>
    %s = linalg.generic {indexing_maps = [#rc, #rc, #rc], iterator_types = ["parallel", "parallel"]} ins(%h, %v : tensor<?x24xf32>, tensor<?x24xf32>) outs(%e : tensor<?x24xf32>) {
    ^bb1(%f: f32, %g: f32, %o: f32):
      %sum = arith.addf %f, %g : f32
      %relu = arith.maximumf %sum, %zero : f32
      linalg.yield %relu : f32
    } -> tensor<?x24xf32>
    moe.yield %s : tensor<?x24xf32>
  }
  %out = moe.combine add %y by %plan weights(%w : tensor<?x3xf32>) init(%x : tensor<?x24xf32>) : tensor<?x24xf32>, !plan -> tensor<?x24xf32>
  return %out : tensor<?x24xf32>
}
