// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What generated code looks like to the runtime, small enough to read:
// y[t][h] = x[t][h] * scale[h], one task a row, with a tap of y. MOEC_TEST_ABI
// and MOEC_TEST_STATUS make variants that the runtime must refuse.

#include "moec/frame.h"

#ifndef MOEC_TEST_ABI
#define MOEC_TEST_ABI MOEC_FRAME_ABI_VERSION
#endif

#define EXPORT __attribute__((visibility("default")))

EXPORT const uint32_t moec_abi_version = MOEC_TEST_ABI;

enum { hiddenSize = 5 };

/// Eight bytes a row and a line a worker, so that the size depends on both.
EXPORT int64_t moec_workspace_scale(const moec_frame *frame) {
  return frame->arguments[0].shape[0] * 8 +
         (int64_t)frame->services->num_workers * 64;
}

static void scaleRow(void *argument, int64_t row, int64_t worker) {
  const moec_frame *frame = argument;
  const float *x = frame->arguments[0].data;
  const float *scale = frame->parameters[0];
  float *y = frame->results[0].data;
  // Each worker has its own line.
  float *scratch = (float *)((char *)frame->workspace + worker * 64);
  for (int i = 0; i < hiddenSize; ++i)
    scratch[i] = x[row * hiddenSize + i] * scale[i];
  for (int i = 0; i < hiddenSize; ++i)
    y[row * hiddenSize + i] = scratch[i];
}

EXPORT int32_t moec_fn_scale(const moec_frame *frame) {
  if (frame->num_arguments != 1 || frame->num_results != 1 ||
      frame->num_parameters != 1)
    return MOEC_FRAME_BAD_COUNT;
  if (frame->workspace_size < moec_workspace_scale(frame))
    return MOEC_FRAME_BAD_WORKSPACE;
#ifdef MOEC_TEST_STATUS
  return MOEC_TEST_STATUS;
#endif
  const moec_services *services = frame->services;
  services->parallel_for(services->host, frame->arguments[0].shape[0], scaleRow,
                         (void *)frame);
  if (services->tap)
    services->tap(services->host, "scaled", &frame->results[0]);
  return MOEC_FRAME_OK;
}
