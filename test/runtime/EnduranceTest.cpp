// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Many calls on many threads, and many loads: the same results, and memory that
// does not grow. MOEC_TEST_REPEATS changes the number of calls of a thread, ten
// times that of loads.

#include "test/runtime/TestArtifact.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <thread>
#include <unistd.h>

using namespace moec;
using namespace moec::test;

namespace {

int64_t countRepeats() {
  const char *text = getenv("MOEC_TEST_REPEATS");
  return text ? atoll(text) : 100000;
}

/// Bytes of this process that are in memory.
int64_t residentBytes() {
  malloc_trim(0);
  long whole = 0, resident = 0;
  if (FILE *file = fopen("/proc/self/statm", "r")) {
    if (fscanf(file, "%ld %ld", &whole, &resident) != 2)
      resident = 0;
    fclose(file);
  }
  return resident * sysconf(_SC_PAGESIZE);
}

/// Sanitizers keep what is freed, and shadows of it.
constexpr bool isSanitized =
#if defined(__has_feature)
    __has_feature(thread_sanitizer) || __has_feature(address_sanitizer);
#else
    false;
#endif

void expectNoGrowth(int64_t before) {
  int64_t growth = residentBytes() - before;
  if (!isSanitized)
    EXPECT_LT(growth, 1 << 20);
  printf("resident memory grew by %lld KiB\n", (long long)growth >> 10);
}

/// Calls "scale" on rows of this thread's own.
void callOften(const moec_module *module, int64_t calls, float factor) {
  Session session = makeSession(module);
  const moec_function *function = moec_module_find_function(module, "scale");
  std::vector<float> x(3 * 5), y(3 * 5);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = factor * float(i);
  View input(x, {3, 5}), output(y, {3, 5});
  const DLTensor *arguments[] = {&input.tensor}, *results[] = {&output.tensor};
  alignas(64) char workspace[1024];
  moec_error error;
  int64_t wrong = 0;
  for (int64_t call = 0; call < calls; ++call) {
    y.assign(y.size(), -1);
    wrong +=
        moec_session_call(session.get(), function, arguments, 1, results, 1,
                          workspace, sizeof(workspace), &error) != MOEC_OK;
    for (size_t i = 0; i < y.size(); ++i)
      wrong += y[i] != x[i] * float(i % 5 + 1);
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Endurance, EightThreadsCallOneModule) {
  Context context = makeContext(2);
  moec_error error = {};
  Image image = scaleImage();
  Module module = load(context.get(), image, error);
  ASSERT_NE(module, nullptr) << error.text;
  auto run = [&](int64_t calls) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back(
          [&, i] { callOften(module.get(), calls, float(i + 1)); });
    for (std::thread &thread : threads)
      thread.join();
  };
  run(10); // stacks and the like
  int64_t before = residentBytes();
  run(countRepeats());
  expectNoGrowth(before);
}

TEST(Endurance, LoadsAndUnloads) {
  Context context = makeContext(1);
  moec_error error = {};
  Image image = scaleImage();
  auto loadOnce = [&] {
    Module module = load(context.get(), image, error);
    ASSERT_NE(module, nullptr) << error.text;
    Session session = makeSession(module.get());
    EXPECT_EQ(callScale(module.get(), session.get(), 2), expectedScale(2));
    session.reset(); // before its module
  };
  for (int i = 0; i < 50; ++i)
    loadOnce();
  int64_t before = residentBytes();
  for (int64_t i = 0; i < countRepeats() / 10; ++i)
    loadOnce();
  expectNoGrowth(before);
}

} // namespace
