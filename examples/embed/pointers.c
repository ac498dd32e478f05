// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// pointers WEIGHTS IN OUT: an engine that has its own weights. WEIGHTS holds
// the bf16 matrices of a layer, row-major, in the order of tiny.h; IN and OUT
// are raw f32, rows of 48.
//
//   moec examples/checkpoints/tiny-qwen2-moe -o tiny.o --emit=object
//     --weights=pointers
//   cc -I . examples/embed/pointers.c tiny.o -o pointers

#include "tiny.h"
#include <stdio.h>
#include <stdlib.h>

enum { hidden = 48, experts = 8, inner = 24, shared = 40, maxTokens = 64 };
enum { numWeights = 6, maxRows = 2 * experts };

/// The matrices that make each weight: how many, and elements of one.
static const struct {
  int count, elements;
} sources[numWeights] = {
    {1, experts * hidden},         // router
    {2 * experts, inner * hidden}, // gates, then ups
    {experts, hidden * inner},     // downs
    {2, shared * hidden},          // of the shared expert
    {1, hidden},                   // its switch
    {1, hidden * shared},          // its down
};

static float in[maxTokens * hidden], out[maxTokens * hidden];
static float logits[maxTokens * experts], scores[maxTokens * 3];
static int32_t ids[maxTokens * 3];

/// 64-byte aligned.
static void *allocate(int64_t size) {
  return aligned_alloc(64, ((size_t)size + 63) / 64 * 64);
}

/// Reads the matrices of a weight and packs them; null: something is wrong.
static void *pack(FILE *file, int weight) {
  int count = sources[weight].count;
  size_t elements = (size_t)sources[weight].elements;
  uint16_t *engine = malloc((size_t)count * elements * sizeof(uint16_t));
  if (fread(engine, elements * sizeof(uint16_t), (size_t)count, file) !=
      (size_t)count)
    return NULL;
  const void *rows[maxRows];
  for (int i = 0; i < count; ++i)
    rows[i] = engine + (size_t)i * elements;
  void *packed = allocate(tiny_layers_0_moe_weight_size(weight));
  int32_t status = tiny_layers_0_moe_pack_weight(weight, rows, packed, NULL);
  free(engine);
  if (status == MOEC_FRAME_OK)
    return packed;
  fprintf(stderr, "weight %d: %s\n", weight, moec_frame_status_text(status));
  return NULL;
}

int main(int argc, char **argv) {
  FILE *file = argc == 4 ? fopen(argv[1], "rb") : NULL;
  FILE *input = argc == 4 ? fopen(argv[2], "rb") : NULL;
  FILE *output = argc == 4 ? fopen(argv[3], "wb") : NULL;
  if (!file || !input || !output)
    return 2;
  const void *weights[numWeights];
  for (int i = 0; i < numWeights; ++i)
    if (!(weights[i] = pack(file, i)))
      return 1;
  int64_t tokens = (int64_t)fread(in, sizeof(float) * hidden, maxTokens, input);
  int64_t size = tiny_layers_0_moe_workspace(tokens, NULL);
  void *workspace = allocate(size);
  if (tiny_layers_0_moe(in, tokens, out, logits, ids, scores, weights,
                        workspace, size, NULL) != MOEC_FRAME_OK ||
      fwrite(out, sizeof(float) * hidden, (size_t)tokens, output) !=
          (size_t)tokens)
    return 1;
  return fclose(output) ? 1 : 0;
}
