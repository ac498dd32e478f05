// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// object IN OUT: runs a layer that is linked into the program on the tokens of
// IN (raw f32, rows of 48) and writes the result to OUT. Needs no runtime:
//
//   moec examples/checkpoints/tiny-qwen2-moe -o tiny.o --emit=object
//   cc -I . examples/embed/object.c tiny.o -o object

#include "tiny.h"
#include <stdio.h>
#include <stdlib.h>

enum { hidden = 48, experts = 8, chosen = 3, maxTokens = 64 };

// As an engine's thread pool would, but in one thread and backwards.
static void parallelFor(void *host, int64_t count, moec_task task,
                        void *argument) {
  ++*(int *)host;
  for (int64_t i = count; i-- > 0;)
    task(argument, i, i % 4);
}

static float in[maxTokens * hidden], out[maxTokens * hidden];
static float own[maxTokens * hidden];
static float logits[maxTokens * experts], weights[maxTokens * chosen];
static int32_t ids[maxTokens * chosen];

int main(int argc, char **argv) {
  FILE *input = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (!input)
    return 2;
  int64_t tokens =
      (int64_t)(fread(in, sizeof(float) * hidden, maxTokens, input));
  fclose(input);

  int calls = 0;
  moec_services services = {.struct_size = sizeof(services),
                            .num_workers = 4,
                            .host = &calls,
                            .parallel_for = parallelFor};
  int64_t size = tiny_layers_0_moe_workspace(tokens, &services);
  if (size < 0)
    return 1;
  void *workspace = aligned_alloc(64, ((size_t)size + 63) / 64 * 64);

  // Wrong calls say so and write nothing.
  int refused =
      tiny_layers_0_moe(NULL, tokens, out, logits, ids, weights, workspace,
                        size, NULL) != MOEC_FRAME_OK &&
      tiny_layers_0_moe(in, tokens, out, logits, ids, weights, workspace,
                        size - 1, &services) == MOEC_FRAME_BAD_WORKSPACE &&
      tiny_layers_0_moe(in, tokens, out, logits, ids, weights, NULL, size,
                        NULL) == MOEC_FRAME_BAD_WORKSPACE &&
      tiny_layers_0_moe(in, -1, out, logits, ids, weights, workspace, size,
                        NULL) != MOEC_FRAME_OK &&
      tiny_layers_0_moe_workspace(-1, NULL) < 0;
  for (int i = 0; i < maxTokens * hidden; ++i)
    refused &= out[i] == 0.0f;
  if (!refused)
    return 1;

  // On the caller's threads and on this one.
  if (tiny_layers_0_moe(in, tokens, out, logits, ids, weights, workspace, size,
                        &services) ||
      tiny_layers_0_moe(in, tokens, own, logits, ids, weights, workspace, size,
                        NULL) ||
      calls == 0)
    return 1;
  for (int i = 0; i < maxTokens * hidden; ++i)
    if (out[i] != own[i])
      return 1;
  FILE *output = fopen(argv[2], "wb");
  if (!output ||
      fwrite(out, sizeof(float) * hidden, (size_t)tokens, output) !=
          (size_t)tokens ||
      fclose(output))
    return 1;
  free(workspace);
  return 0;
}
