// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_RUNTIME_CONTEXT_H
#define MOEC_RUNTIME_CONTEXT_H

#include "moec/runtime.h"
#include "runtime/Handle.h"
#include "runtime/ThreadPool.h"

/// Threads and host hooks.
struct moec_context {
  moec::runtime::Allocator allocator;
  void *host = nullptr;
  void (*hostParallelFor)(void *host, int64_t count, moec_task task,
                          void *argument) = nullptr;
  void (*hostLog)(void *host, int32_t level, const char *text) = nullptr;
  void (*trace)(void *host, const moec_trace_event *event) = nullptr;
  moec::runtime::ThreadPool *pool = nullptr; ///< null with hostParallelFor
  uint32_t numWorkers = 1;
  moec::runtime::Mark<0x6d6f65632d637478> mark; // "moec-ctx"

  void parallelFor(int64_t count, moec_task task, void *argument) {
    if (hostParallelFor)
      hostParallelFor(host, count, task, argument);
    else
      pool->parallelFor(count, task, argument);
  }
};

#endif // MOEC_RUNTIME_CONTEXT_H
