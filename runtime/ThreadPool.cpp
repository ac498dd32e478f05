// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/ThreadPool.h"
#include "runtime/Wait.h"

#include <cerrno>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace moec::runtime {

static constexpr uint32_t open = 1u << 31;
static constexpr uint32_t callerSleeps = 1u << 30;
static constexpr uint32_t members = callerSleeps - 1;

static void futexWait(std::atomic<uint32_t> &word, uint32_t expected) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

static void futexWake(std::atomic<uint32_t> &word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

uint32_t countUsableProcessors() {
  unsigned long mask[128] = {}; // 8192 processors
  if (sched_getaffinity(0, sizeof(mask), reinterpret_cast<cpu_set_t *>(mask)) !=
      0)
    return 1;
  uint32_t count = 0;
  for (unsigned long word : mask)
    count += __builtin_popcountl(word);
  return count ? count : 1;
}

bool ThreadPool::start(uint32_t workers) {
  threads = arena.array<Thread>(workers);
  if (!threads) {
    errno = ENOMEM;
    return false;
  }
  for (uint32_t i = 1; i < workers; ++i) {
    Thread &thread = threads[numThreads];
    thread.pool = this;
    thread.worker = i;
    if (int code =
            pthread_create(&thread.handle, nullptr, threadMain, &thread)) {
      errno = code;
      return false;
    }
    ++numThreads;
  }
  return true;
}

ThreadPool::~ThreadPool() {
  stopping.store(true);
  bell.fetch_add(1);
  futexWake(bell, numThreads);
  for (uint32_t i = 0; i < numThreads; ++i)
    pthread_join(threads[i].handle, nullptr);
}

void ThreadPool::work(int64_t worker) {
  for (;;) {
    int64_t index = next.fetch_add(1, std::memory_order_relaxed);
    if (index >= count)
      return;
    task(argument, index, worker);
  }
}

void *ThreadPool::threadMain(void *data) {
  Thread &self = *static_cast<Thread *>(data);
  ThreadPool &pool = *self.pool;
  uint32_t heard = 0;
  for (;;) {
    for (int i = 0; i < kSpins && pool.bell.load() == heard; ++i)
      relax();
    if (pool.bell.load() == heard) {
      pool.sleepers.fetch_add(1);
      while (pool.bell.load() == heard)
        futexWait(pool.bell, heard);
      pool.sleepers.fetch_sub(1);
    }
    heard = pool.bell.load();
    if (pool.stopping.load())
      return nullptr;
    // Entering is announced before the loop is read, and the caller rewrites
    // the loop only when the gate is shut and everybody has left.
    uint32_t before = pool.gate.fetch_add(1);
    if (before & open)
      pool.work(self.worker);
    before = pool.gate.fetch_sub(1);
    if ((before & callerSleeps) && (before & members) == 1)
      futexWake(pool.gate, 1);
  }
}

void ThreadPool::waitUntilNobodyIsIn() {
  for (int i = 0; i < kSpins; ++i) {
    if ((gate.load() & members) == 0)
      return;
    relax();
  }
  uint32_t state = gate.fetch_or(callerSleeps) | callerSleeps;
  while (state & members) {
    futexWait(gate, state);
    state = gate.load();
  }
  gate.fetch_and(~callerSleeps);
}

void ThreadPool::parallelFor(int64_t loopCount, moec_task loopTask,
                             void *loopArgument) {
  if (numThreads == 0 || loopCount <= 1 || taken.exchange(true)) {
    for (int64_t i = 0; i < loopCount; ++i)
      loopTask(loopArgument, i, 0);
    return;
  }
  task = loopTask;
  argument = loopArgument;
  count = loopCount;
  next.store(0, std::memory_order_relaxed);
  gate.fetch_or(open);
  bell.fetch_add(1);
  if (sleepers.load() != 0) {
    int64_t useful = loopCount - 1;
    futexWake(bell, useful < numThreads ? int(useful) : int(numThreads));
  }
  work(0);
  gate.fetch_and(~open);
  waitUntilNobodyIsIn();
  taken.store(false);
}

} // namespace moec::runtime
