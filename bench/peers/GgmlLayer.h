// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An MoE layer as llama.cpp builds it (build_moe_ffn): softmax over all
// experts, top-k, renormalised, SwiGLU.

#ifndef MOEC_BENCH_PEERS_GGMLLAYER_H
#define MOEC_BENCH_PEERS_GGMLLAYER_H

#include "bench/peers/Peer.h"
#include "ggml-alloc.h"
#include "ggml-backend.h"
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
  return result;
}

inline ggml_context *createContext(size_t tensors) {
  return ggml_init({ggml_tensor_overhead() * tensors + ggml_graph_overhead(),
                    nullptr, true});
}

/// Computes the graph of one layer that `build(context, graph, input)` makes,
/// on x [tokens, hidden], and returns the seconds of computing alone.
template <typename Build>
double computeGgmlLayer(ggml_backend_t backend, ggml_gallocr_t allocator,
                        const Layer &layer, const float *x, int64_t tokens,
                        float *y, Build build) {
  ggml_context *context = createContext(256);
  ggml_cgraph *graph = ggml_new_graph(context);
  ggml_tensor *input =
      ggml_new_tensor_2d(context, GGML_TYPE_F32, layer.hidden, tokens);
  ggml_set_input(input);
  ggml_tensor *output = build(context, graph, input);
  ggml_build_forward_expand(graph, output);
  ggml_set_output(output);
  ggml_gallocr_alloc_graph(allocator, graph);
  size_t bytes = size_t(tokens * layer.hidden) * sizeof(float);
  ggml_backend_tensor_set(input, x, 0, bytes);
  double begin = now();
  ggml_backend_graph_compute(backend, graph);
  double seconds = now() - begin;
  ggml_backend_tensor_get(output, y, 0, bytes);
  ggml_free(context);
  return seconds;
}

} // namespace moec::peers

#endif // MOEC_BENCH_PEERS_GGMLLAYER_H
