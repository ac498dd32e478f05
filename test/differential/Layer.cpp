// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/differential/Layer.h"

namespace moec::test {

void replaceAll(std::string &text, const std::string &from,
                const std::string &to) {
  for (size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

std::string print(const Layer &layer) {
  std::string text = R"mlir(
#lhs = affine_map<(m, n, k) -> (m, k)>
#rhs = affine_map<(m, n, k) -> (n, k)>
#out = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(r, c) -> (r, c)>
#column = affine_map<(r, c) -> (c)>
ml_program.global private @router(#moe.random<seed = 1, std = 0.5 : f64>) : tensor<$Ex$Hx$D>
ml_program.global private @gate(#moe.random<seed = 2, std = 0.3 : f64>) : tensor<$Ex$Fx$Hx$D>
ml_program.global private @up(#moe.random<seed = 3, std = 0.3 : f64>) : tensor<$Ex$Fx$Hx$D>
ml_program.global private @down(#moe.random<seed = 4, std = 0.3 : f64>) : tensor<$Ex$Hx$Fx$D>
ml_program.global private @vector(#moe.random<seed = 5, std = 1.0 : f64>) : tensor<$Ex$Fxf32>
func.func @"layers.0.moe"(%x: tensor<?x$Hxf32> {moe.name = "hidden_states", moe.dims = ["T", "$H"]})
    -> (tensor<?x$Hxf32> {moe.name = "moe_out", moe.dims = ["T", "$H"]},
        tensor<?x$Kxi32> {moe.name = "topk_ids", moe.dims = ["T", "$K"]},
        tensor<?x$Kxf32> {moe.name = "topk_weights", moe.dims = ["T", "$K"]}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %t = tensor.dim %x, %c0 : tensor<?x$Hxf32>
  %router = ml_program.global_load_const @router : tensor<$Ex$Hx$D>
  %empty = tensor.empty(%t) : tensor<?x$Exf32>
  %z = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x$Exf32>) -> tensor<?x$Exf32>
  %logits = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
    ins(%x, %router : tensor<?x$Hxf32>, tensor<$Ex$Hx$D>) outs(%z : tensor<?x$Exf32>) -> tensor<?x$Exf32>
  $SCORES
  %ids = moe.select $POLICY scores(%scores : tensor<?x$Exf32>) -> tensor<?x$Kxi32>
  %w = moe.weigh $WEIGH : tensor<?x$Exf32>, tensor<?x$Kxi32> -> tensor<?x$Kxf32>
  %plan = moe.plan %ids : tensor<?x$Kxi32> -> !moe.plan<experts = $E, slots = $K>
  %rows = moe.dispatch %x by %plan : tensor<?x$Hxf32>, !moe.plan<experts = $E, slots = $K> -> tensor<?x$Hxf32>
  %gate = ml_program.global_load_const @gate : tensor<$Ex$Fx$Hx$D>
  %up = ml_program.global_load_const @up : tensor<$Ex$Fx$Hx$D>
  %down = ml_program.global_load_const @down : tensor<$Ex$Hx$Fx$D>
  %vector = ml_program.global_load_const @vector : tensor<$Ex$Fxf32>
  %outs = moe.experts %plan rows(%rows : tensor<?x$Hxf32>)
      params(%gate, %up, %down, %vector : tensor<$Ex$Fx$Hx$D>, tensor<$Ex$Fx$Hx$D>, tensor<$Ex$Hx$Fx$D>, tensor<$Ex$Fxf32>)
      : !moe.plan<experts = $E, slots = $K> -> tensor<?x$Hxf32> {
  ^bb0(%r: tensor<?x$Hxf32>, %wg: tensor<$Fx$Hx$D>, %wu: tensor<$Fx$Hx$D>, %wd: tensor<$Hx$Fx$D>, %wv: tensor<$Fxf32>, %expert: index):
    %n0 = tensor.dim %r, %c0 : tensor<?x$Hxf32>
    %ef = tensor.empty(%n0) : tensor<?x$Fxf32>
    %zf = linalg.fill ins(%zero : f32) outs(%ef : tensor<?x$Fxf32>) -> tensor<?x$Fxf32>
    %gated = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%r, %wg : tensor<?x$Hxf32>, tensor<$Fx$Hx$D>) outs(%zf : tensor<?x$Fxf32>) -> tensor<?x$Fxf32>
    %lifted = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%r, %wu : tensor<?x$Hxf32>, tensor<$Fx$Hx$D>) outs(%zf : tensor<?x$Fxf32>) -> tensor<?x$Fxf32>
    %th = linalg.generic {indexing_maps = [#all, #all, #column, #all], iterator_types = ["parallel", "parallel"]}
      ins(%gated, %lifted, %wv : tensor<?x$Fxf32>, tensor<?x$Fxf32>, tensor<$Fxf32>) outs(%ef : tensor<?x$Fxf32>) {
    ^bb0(%g: f32, %u: f32, %v: f32, %o: f32):
      $BODY
      linalg.yield %h : f32
    } -> tensor<?x$Fxf32>
    %eh = tensor.empty(%n0) : tensor<?x$Hxf32>
    %zh = linalg.fill ins(%zero : f32) outs(%eh : tensor<?x$Hxf32>) -> tensor<?x$Hxf32>
    %y = linalg.matmul indexing_maps = [#lhs, #rhs, #out]
      ins(%th, %wd : tensor<?x$Fxf32>, tensor<$Hx$Fx$D>) outs(%zh : tensor<?x$Hxf32>) -> tensor<?x$Hxf32>
    moe.yield %y : tensor<?x$Hxf32>
  }
  %e0 = tensor.empty(%t) : tensor<?x$Hxf32>
  %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x$Hxf32>) -> tensor<?x$Hxf32>
  %sum = moe.combine add %outs by %plan weights(%w : tensor<?x$Kxf32>) init(%z0 : tensor<?x$Hxf32>)
    : tensor<?x$Hxf32>, !moe.plan<experts = $E, slots = $K> -> tensor<?x$Hxf32>
  return %sum, %ids, %w : tensor<?x$Hxf32>, tensor<?x$Kxi32>, tensor<?x$Kxf32>
}
)mlir";
  // Longer texts first: they hold the shorter names.
  replaceAll(text, "$SCORES", layer.scores);
  replaceAll(text, "$POLICY", layer.policy);
  replaceAll(text, "$WEIGH", layer.weigh);
  replaceAll(text, "$BODY", layer.body);
  replaceAll(text, "$H", std::to_string(layer.hidden));
  replaceAll(text, "$F", std::to_string(layer.inner));
  replaceAll(text, "$E", std::to_string(layer.experts));
  replaceAll(text, "$K", std::to_string(layer.slots));
  replaceAll(text, "$D", layer.dtype);
  return text;
}

} // namespace moec::test
