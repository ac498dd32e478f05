// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A small pool for parallel loops. Tasks are claimed one by one from a counter,
// so a worker whose core was taken delays at most the task that it holds, and
// one that sleeps through a loop delays nothing. Waits spin for a bounded time
// and then sleep. The calling thread takes part as worker 0; thread i is always
// worker i.
//
// One loop has the pool at a time. A loop that finds it taken (another session
// calls, or a task starts a loop) runs alone on its calling thread.

#ifndef MOEC_RUNTIME_THREADPOOL_H
#define MOEC_RUNTIME_THREADPOOL_H

#include "moec/frame.h"
#include "runtime/Memory.h"

#include <atomic>
#include <pthread.h>

namespace moec::runtime {

/// Processors in the affinity mask of the calling thread, at least 1.
uint32_t countUsableProcessors();

class ThreadPool {
public:
  explicit ThreadPool(const Allocator &allocator) : arena(allocator) {}
  ~ThreadPool();

  /// Starts workers - 1 threads. False when the system refuses; errno says why.
  bool start(uint32_t workers);

  /// Runs task(argument, i, worker) for i in [0, count); returns when all are
  /// done.
  void parallelFor(int64_t count, moec_task task, void *argument);

  uint32_t numWorkers() const { return numThreads + 1; }

private:
  struct Thread {
    ThreadPool *pool;
    pthread_t handle;
    int64_t worker;
  };

  static void *threadMain(void *argument);
  void work(int64_t worker);
  void waitUntilNobodyIsIn();

  Arena arena;
  Thread *threads = nullptr;
  uint32_t numThreads = 0;

  // The loop that has the pool; written while nobody is in.
  moec_task task = nullptr;
  void *argument = nullptr;
  int64_t count = 0;

  alignas(64) std::atomic<int64_t> next{0};
  /// Number of threads in the loop, and the flags `open` and `callerSleeps`.
  alignas(64) std::atomic<uint32_t> gate{0};
  /// Changes with every loop; threads sleep on it.
  alignas(64) std::atomic<uint32_t> bell{0};
  std::atomic<uint32_t> sleepers{0};
  std::atomic<bool> taken{false};
  std::atomic<bool> stopping{false};
};

} // namespace moec::runtime

#endif // MOEC_RUNTIME_THREADPOOL_H
