// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-bench/Roof.h"
#include "tools/moe-bench/Clock.h"
#include <algorithm>
#include <cstring>
#include <immintrin.h>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace moec::bench {

/// Independent sums: more than latency times issue width of any current core.
static constexpr int sums = 12;
static constexpr int64_t fmaSteps = 4000000;
static constexpr size_t bufferSize = size_t(1) << 30;
/// Kernels are timed for a second, so the roof gets as many chances.
static constexpr int rounds = 5, readRounds = 10;

/// Seconds that `work(thread)` takes on all threads at once.
template <typename Work>
static double timeOnThreads(uint32_t threads, Work work) {
  double begin = now();
  std::vector<std::thread> others;
  for (uint32_t i = 1; i < threads; ++i)
    others.emplace_back(work, i);
  work(0);
  for (std::thread &other : others)
    other.join();
  return now() - begin;
}

// The instruction is written out so that no compiler can fold the loop.
__attribute__((target("avx2,fma"))) static void multiplyAvx2() {
  __m256 a[sums], b = _mm256_set1_ps(0.999999f), c = _mm256_set1_ps(1e-7f);
#pragma GCC unroll 16
  for (int j = 0; j < sums; ++j)
    a[j] = _mm256_set1_ps(1.0f + j);
  for (int64_t i = 0; i < fmaSteps; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < sums; ++j)
      asm volatile("vfmadd231ps %1, %2, %0" : "+x"(a[j]) : "x"(b), "x"(c));
  }
}

__attribute__((target("avx512f"))) static void multiplyAvx512() {
  __m512 a[sums], b = _mm512_set1_ps(0.999999f), c = _mm512_set1_ps(1e-7f);
#pragma GCC unroll 16
  for (int j = 0; j < sums; ++j)
    a[j] = _mm512_set1_ps(1.0f + j);
  for (int64_t i = 0; i < fmaSteps; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < sums; ++j)
      asm volatile("vfmadd231ps %1, %2, %0" : "+v"(a[j]) : "v"(b), "v"(c));
  }
}

__attribute__((target("avx2"))) static void read(const char *data,
                                                 size_t size) {
  const auto *p = reinterpret_cast<const __m256i *>(data);
  __m256i s[4] = {};
  for (size_t i = 0; i < size / 32; i += 4) {
    _mm_prefetch(reinterpret_cast<const char *>(p + i) + 2048, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char *>(p + i) + 2112, _MM_HINT_T0);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j)
      s[j] = _mm256_xor_si256(s[j], _mm256_load_si256(p + i + j));
  }
  __m256i all = _mm256_xor_si256(_mm256_xor_si256(s[0], s[1]),
                                 _mm256_xor_si256(s[2], s[3]));
  asm volatile("" : : "x"(all));
}

bool measureRoof(uint32_t threads, Roof &roof) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return false;
  bool wide = __builtin_cpu_supports("avx512f");
  roof.vectors = wide ? "avx512" : "avx2";
  double flop = 2.0 * sums * (wide ? 16 : 8) * fmaSteps * threads;

  void *memory = mmap(nullptr, bufferSize, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  madvise(memory, bufferSize, MADV_HUGEPAGE);
  std::memset(memory, 1, bufferSize);
  const char *bytes = static_cast<const char *>(memory);
  size_t share = bufferSize / threads / 128 * 128;

  for (int round = 0; round < rounds; ++round) {
    double seconds = timeOnThreads(
        threads, [&](uint32_t) { wide ? multiplyAvx512() : multiplyAvx2(); });
    roof.gflops = std::max(roof.gflops, 1e-9 * flop / seconds);
  }
  for (int round = 0; round < readRounds; ++round) {
    double seconds = timeOnThreads(
        threads, [&](uint32_t i) { read(bytes + i * share, share); });
    roof.gbps = std::max(roof.gbps, 1e-9 * double(share) * threads / seconds);
  }
  munmap(memory, bufferSize);
  return true;
}

} // namespace moec::bench
