// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "runtime/ThreadPool.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

using moec::runtime::Allocator;
using moec::runtime::ThreadPool;

namespace {

/// Counts how often each task ran, and whether a worker ran two at once.
struct Record {
  explicit Record(int64_t count, int64_t workers)
      : runs(count), busy(workers) {}
  std::vector<std::atomic<int>> runs;
  std::vector<std::atomic<int>> busy;
  std::atomic<int> clashes{0};
  std::atomic<int> outside{0};

  static void run(void *data, int64_t index, int64_t worker) {
    auto &record = *static_cast<Record *>(data);
    if (worker < 0 || worker >= int64_t(record.busy.size())) {
      record.outside++;
      return;
    }
    if (record.busy[worker].fetch_add(1) != 0)
      record.clashes++;
    record.runs[index]++;
    record.busy[worker].fetch_sub(1);
  }

  void expectEachOnce() {
    for (auto &count : runs)
      ASSERT_EQ(count.load(), 1);
    EXPECT_EQ(clashes.load(), 0);
    EXPECT_EQ(outside.load(), 0);
  }
};

TEST(ThreadPool, RunsEachTaskOnceOnItsOwnWorker) {
  for (uint32_t workers : {1, 2, 3, 7}) {
    ThreadPool pool(Allocator::standard());
    ASSERT_TRUE(pool.start(workers));
    EXPECT_EQ(pool.numWorkers(), workers);
    for (int64_t count : {0, 1, 2, 5, 1000}) {
      Record record(count, workers);
      pool.parallelFor(count, Record::run, &record);
      record.expectEachOnce();
    }
  }
}

TEST(ThreadPool, SurvivesManyShortLoops) {
  ThreadPool pool(Allocator::standard());
  ASSERT_TRUE(pool.start(4));
  for (int i = 0; i < 5000; ++i) {
    Record record(i % 9, 4);
    pool.parallelFor(i % 9, Record::run, &record);
    record.expectEachOnce();
  }
}

TEST(ThreadPool, WakesSleepers) {
  ThreadPool pool(Allocator::standard());
  ASSERT_TRUE(pool.start(2));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  // Both tasks wait for the other: the loop ends only if the thread wakes up.
  std::atomic<int> arrived{0};
  auto meet = [](void *data, int64_t, int64_t) {
    auto &count = *static_cast<std::atomic<int> *>(data);
    count++;
    while (count.load() < 2)
      std::this_thread::yield();
  };
  pool.parallelFor(2, meet, &arrived);
  EXPECT_EQ(arrived.load(), 2);
}

TEST(ThreadPool, CallerWaitsAsleepForALongTask) {
  ThreadPool pool(Allocator::standard());
  ASSERT_TRUE(pool.start(2));
  std::atomic<int> done{0};
  auto unequal = [](void *data, int64_t, int64_t worker) {
    if (worker != 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    else
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ++*static_cast<std::atomic<int> *>(data);
  };
  pool.parallelFor(3, unequal, &done);
  EXPECT_EQ(done.load(), 3);
}

TEST(ThreadPool, ServesSeveralCallersAndNestedLoops) {
  ThreadPool pool(Allocator::standard());
  ASSERT_TRUE(pool.start(3));
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        Record record(7, 3);
        pool.parallelFor(7, Record::run, &record);
        record.expectEachOnce();
      }
    });
  for (std::thread &caller : callers)
    caller.join();

  struct Nested {
    ThreadPool &pool;
    std::atomic<int> inner{0};
  } nested{pool};
  auto outer = [](void *data, int64_t, int64_t) {
    auto &self = *static_cast<Nested *>(data);
    self.pool.parallelFor(
        3,
        [](void *count, int64_t, int64_t) {
          ++*static_cast<std::atomic<int> *>(count);
        },
        &self.inner);
  };
  pool.parallelFor(5, outer, &nested);
  EXPECT_EQ(nested.inner.load(), 15);
}

} // namespace
