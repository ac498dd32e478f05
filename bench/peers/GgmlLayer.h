// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An MoE layer as llama.cpp builds it (build_moe_ffn): softmax over all
// experts, top-k, renormalised, SwiGLU.

#ifndef MOEC_BENCH_PEERS_GGMLLAYER_H
#define MOEC_BENCH_PEERS_GGMLLAYER_H

#include "ggml.h"
#include <cmath>
#include <vector>

namespace moec::peers {

struct GgmlWeights {
  ggml_tensor *router; ///< [hidden, experts]
  ggml_tensor *gate, *up, *down;
};

/// The graph of one layer on x, [hidden, T]; its output is the last node.
inline ggml_tensor *buildGgmlLayer(ggml_context *context, ggml_cgraph *graph,
                                   const GgmlWeights &weights, int64_t topK,
                                   ggml_tensor *x) {
  int64_t hidden = x->ne[0], tokens = x->ne[1];
  ggml_tensor *scores =
      ggml_soft_max(context, ggml_mul_mat(context, weights.router, x));
  ggml_tensor *ids = ggml_argsort_top_k(context, scores, int(topK));
  ggml_tensor *w = ggml_get_rows(
      context,
      ggml_reshape_3d(context, scores, 1, weights.router->ne[1], tokens), ids);
  w = ggml_reshape_2d(context, w, topK, tokens);
  ggml_tensor *sum =
      ggml_clamp(context, ggml_sum_rows(context, w), 6.1e-5f, INFINITY);
  w = ggml_reshape_3d(context, ggml_div(context, w, sum), 1, topK, tokens);
  ggml_build_forward_expand(graph, w);

  ggml_tensor *rows = ggml_reshape_3d(context, x, hidden, 1, tokens);
  ggml_tensor *up = ggml_mul_mat_id(context, weights.up, rows, ids);
  ggml_tensor *gate = ggml_mul_mat_id(context, weights.gate, rows, ids);
  ggml_tensor *h = ggml_swiglu_split(context, gate, up);
  ggml_tensor *out = ggml_mul_mat_id(context, weights.down, h, ids);
  out = ggml_mul(context, out, w);
  ggml_build_forward_expand(graph, out);
  std::vector<ggml_tensor *> slots;
  for (int64_t i = 0; i < topK; ++i) {
    slots.push_back(ggml_view_2d(context, out, hidden, tokens, out->nb[2],
                                 size_t(i) * out->nb[1]));
    ggml_build_forward_expand(graph, slots.back());
  }
  ggml_tensor *result = slots[0];
  for (size_t i = 1; i < slots.size(); ++i)
    result = ggml_add(context, result, slots[i]);
  ggml_build_forward_expand(graph, result);
  return result;
}

} // namespace moec::peers

#endif // MOEC_BENCH_PEERS_GGMLLAYER_H
