// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// call_overhead EMPTY.moe [CALLS]: nanoseconds of a call on one token with one
// expert, an empty region and one thread, through the runtime and as a function
// that is linked in. The best of ten runs; the work itself is in both.

#include "empty.h"
#include "moec/runtime.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static float x = 7, y;
static int32_t ids;
_Alignas(64) static char workspace[4096];

static moec_session *session;
static const moec_function *function;
static const DLTensor *arguments[2], *results[1];

static int callRuntime(void) {
  return moec_session_call(session, function, arguments, 2, results, 1,
                           workspace, sizeof(workspace), NULL);
}

static int callObject(void) {
  return empty_empty(&x, 1, &ids, &y, workspace, sizeof(workspace), NULL);
}

/// Negative: a call failed.
static double measure(int (*call)(void), long calls) {
  double best = 1e30;
  for (int run = 0; run < 10; ++run) {
    double begin = now();
    for (long i = 0; i < calls; ++i)
      if (call())
        return -1;
    double time = (now() - begin) / (double)calls;
    if (time < best)
      best = time;
  }
  return y == x ? best : -1;
}

int main(int argc, char **argv) {
  long calls = argc > 2 ? atol(argv[2]) : 200000;
  moec_error error = {{0}};
  moec_context_options options = {.struct_size = sizeof(options), .threads = 1};
  moec_context *context = NULL;
  moec_module *module = NULL;
  if (argc < 2 || moec_context_create(&options, &context, &error) ||
      moec_module_load_file(context, argv[1], NULL, &module, &error) ||
      moec_session_create(module, &session, &error)) {
    fprintf(stderr, "call_overhead: %s\n", error.text);
    return 1;
  }
  function = moec_module_find_function(module, "empty");

  int64_t shape[] = {1, 1};
  DLTensor input = {&x, {kDLCPU, 0}, 2, {kDLFloat, 32, 1}, shape, NULL, 0};
  DLTensor experts = {&ids, {kDLCPU, 0}, 2, {kDLInt, 32, 1}, shape, NULL, 0};
  DLTensor output = {&y, {kDLCPU, 0}, 2, {kDLFloat, 32, 1}, shape, NULL, 0};
  arguments[0] = &input;
  arguments[1] = &experts;
  results[0] = &output;

  double runtime = measure(callRuntime, calls);
  double object = measure(callObject, calls);
  moec_session_destroy(session);
  moec_module_destroy(module);
  moec_context_destroy(context);
  if (runtime < 0 || object < 0) {
    fprintf(stderr, "call_overhead: a call failed\n");
    return 1;
  }
  printf("runtime call %.1f ns, linked function %.1f ns\n", runtime, object);
  return 0;
}
