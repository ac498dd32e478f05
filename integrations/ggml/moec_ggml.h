// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled MoE layer as an operator of ggml graphs on the CPU backend. The
// layer is an object that moec wrote with --weights=pointers:
//
//   moec model.gguf -o model.o --emit=object --weights=pointers
//
//   #include "model.h"
//   moec_ggml_kernel kernel = MOEC_GGML_KERNEL(model_layers_0_moe);
//   moec_ggml_layer *layer = moec_ggml_create(&kernel, &config, error,
//                                             sizeof(error));
//   moec_ggml_pack(layer, 0, &router, 1, NULL, error, sizeof(error)); // ...
//   out = moec_ggml_apply(layer, context, x, error, sizeof(error));
//
// `out` takes the place of what ggml_mul_mat_id and its neighbours compute. The
// threads that compute the graph run the layer; nothing is allocated then.

#ifndef MOEC_INTEGRATIONS_GGML_MOEC_GGML_H
#define MOEC_INTEGRATIONS_GGML_MOEC_GGML_H

#include "ggml.h"
#include "moec/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The functions of a layer, as its header declares them.
typedef struct moec_ggml_kernel {
  int32_t (*run)(const float *hidden_states, int64_t T, float *moe_out,
                 float *router_logits, int32_t *topk_ids, float *topk_weights,
                 const void *const *weights, void *workspace,
                 int64_t workspace_size, const moec_services *services);
  int64_t (*workspace_size)(int64_t T, const moec_services *services);
  int64_t (*weight_size)(int32_t weight);
  int32_t (*pack_weight)(int32_t weight, const void *const *rows, void *packed,
                         const moec_services *services);
} moec_ggml_kernel;

#define MOEC_GGML_KERNEL(NAME)                                                 \
  {NAME, NAME##_workspace, NAME##_weight_size, NAME##_pack_weight}

/// What the header says that a weight is made from: "from 16 pointers: ..; each
/// rows of q8_0 blocks [64, 96]" is {GGML_TYPE_Q8_0, 96, 64, 16}.
typedef struct moec_ggml_weight {
  enum ggml_type type;
  int64_t columns; ///< ne[0]
  int64_t rows;    ///< ne[1]
  int64_t count;   ///< matrices, of all tensors together
} moec_ggml_weight;

typedef struct moec_ggml_config {
  int64_t hidden, experts, top_k;
  int32_t threads; ///< most threads that work on a call; ggml may have others
  int32_t num_weights;
  const moec_ggml_weight *weights; ///< in the order of the header
} moec_ggml_config;

typedef struct moec_ggml_layer moec_ggml_layer;

/// Null and a text in `error` (may be null) where the config is none.
moec_ggml_layer *moec_ggml_create(const moec_ggml_kernel *kernel,
                                  const moec_ggml_config *config, char *error,
                                  size_t error_size);
void moec_ggml_free(moec_ggml_layer *layer);

/// Packs weights[weight] from the matrices of `tensors`, in their order (such
/// as ffn_gate_exps, ffn_up_exps). The tensors may be freed afterwards.
/// `services` spreads the work; null packs in the calling thread.
bool moec_ggml_pack(moec_ggml_layer *layer, int32_t weight,
                    const struct ggml_tensor *const *tensors, int32_t count,
                    const moec_services *services, char *error,
                    size_t error_size);

/// For a layer that was compiled to read the engine's own layout
/// (--disable-pass=moe-encode-weights): weights[weight] is the data of
/// `tensor`, 64-byte aligned, which outlives the layer.
bool moec_ggml_borrow(moec_ggml_layer *layer, int32_t weight,
                      const struct ggml_tensor *tensor, char *error,
                      size_t error_size);

/// The layer on x, f32 [hidden, T] without gaps, as a node of f32 [hidden, T].
/// The layer outlives the graph; graphs that share it may run at once. Null and
/// a text in `error` for an x of another form or weights that are not set.
struct ggml_tensor *moec_ggml_apply(moec_ggml_layer *layer,
                                    struct ggml_context *context,
                                    struct ggml_tensor *x, char *error,
                                    size_t error_size);

/// MOEC_FRAME_OK, or what the first call that failed returned; the results of
/// such a call are not numbers (NaN). ggml's operators cannot say it
/// themselves.
int32_t moec_ggml_status(const moec_ggml_layer *layer);

#ifdef __cplusplus
}
#endif

#endif // MOEC_INTEGRATIONS_GGML_MOEC_GGML_H
