// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// roof THREADS: answers each line on stdin with the machine's roof, "GFLOP/s
// GB/s INT8_GOP/s INT4_GOP/s VECTORS". The integer roofs are of the instruction
// sequences that blocks of 32 allow: products of 8-bit values widened to 32
// bits at once; products with 4-bit values summed in 16 bits.

#include "tools/moe-bench/Roof.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <immintrin.h>
#include <thread>
#include <vector>

namespace {
constexpr int sums = 8;
constexpr int64_t steps = 4000000;

__attribute__((target("avx2"))) void multiplyInt8() {
  __m256i acc[sums], a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(1);
  __m256i one = _mm256_set1_epi16(1), p;
#pragma GCC unroll 16
  for (int j = 0; j < sums; ++j)
    acc[j] = _mm256_set1_epi32(j);
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < sums; ++j)
      asm volatile("vpmaddubsw %2, %3, %1\n\tvpmaddwd %4, %1, %1\n\t"
                   "vpaddd %1, %0, %0"
                   : "+x"(acc[j]), "=&x"(p)
                   : "x"(b), "x"(a), "x"(one));
  }
}

__attribute__((target("avx2"))) void multiplyInt4() {
  __m256i acc[sums], a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(1), p;
#pragma GCC unroll 16
  for (int j = 0; j < sums; ++j)
    acc[j] = _mm256_set1_epi32(j);
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < sums; ++j)
      asm volatile("vpmaddubsw %2, %3, %1\n\tvpaddw %1, %0, %0"
                   : "+x"(acc[j]), "=&x"(p)
                   : "x"(b), "x"(a));
  }
}

/// 1e9 operations a second, two for each of 32 products an instruction.
template <typename Work> double measure(unsigned threads, Work work) {
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> others;
    for (unsigned i = 1; i < threads; ++i)
      others.emplace_back(work);
    work();
    for (std::thread &other : others)
      other.join();
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - begin;
    best = std::max(best, 64e-9 * sums * steps * threads / seconds.count());
  }
  return best;
}
} // namespace

int main(int argc, char **argv) {
  unsigned threads = argc > 1 ? unsigned(std::atoi(argv[1])) : 1;
  char line[64];
  std::puts("ready");
  std::fflush(stdout);
  while (std::fgets(line, sizeof(line), stdin)) {
    moec::bench::Roof roof;
    if (!moec::bench::measureRoof(threads, roof)) {
      std::fprintf(stderr, "the machine lacks AVX2 or 1 GiB\n");
      return 1;
    }
    std::printf("%.1f %.2f %.1f %.1f %s\n", roof.gflops, roof.gbps,
                measure(threads, multiplyInt8), measure(threads, multiplyInt4),
                roof.vectors);
    std::fflush(stdout);
  }
  return 0;
}
