// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compared programs share: a decoder, and a conversation on stdin and
// stdout, so that run.py can interleave them:
//
//   prefill TOKENS FIRST   forgets what was, and reads TOKENS tokens, which
//                          number FIRST chooses, at once; answers the seconds
//   decode TOKENS          reads further ones, one by one; likewise
//   save FILE              writes the logits of the last token, f32
//   memory                 answers the peak resident MiB

#ifndef MOEC_BENCH_LLAMA_DECODER_H
#define MOEC_BENCH_LLAMA_DECODER_H

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace moec::bench {

[[noreturn]] inline void fail(const std::string &text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  std::exit(1);
}

/// Tokens that a session has room for.
constexpr int kContext = 1024;

/// The token at a position of the `first`-th sequence.
inline int32_t tokenAt(int64_t first, int64_t position, int64_t vocabulary) {
  auto hash = uint64_t(first * 1000003 + position + 1) * 0x9E3779B97F4A7C15u;
  return int32_t((hash >> 33) % uint64_t(vocabulary));
}

/// Answers run.py until its end of the pipe closes. `clear()` forgets all
/// tokens, `read(ids)` reads some and returns the logits of the last, a vector
/// of `vocabulary` numbers.
template <typename Clear, typename Read>
int converse(const std::string &version, int64_t vocabulary, Clear clear,
             Read read) {
  using Clock = std::chrono::steady_clock;
  std::printf("ready %s\n", version.c_str());
  std::fflush(stdout);
  const float *logits = nullptr;
  int64_t first = 0, position = 0;
  char line[4096], file[4000];
  auto take = [&](int64_t count) {
    std::vector<int32_t> ids;
    for (int64_t i = 0; i < count; ++i)
      ids.push_back(tokenAt(first, position++, vocabulary));
    auto begin = Clock::now();
    logits = read(ids);
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  while (std::fgets(line, sizeof(line), stdin)) {
    long count;
    if (std::sscanf(line, "prefill %ld %ld", &count, &first) == 2) {
      clear();
      position = 0;
      std::printf("%.9f\n", take(count));
    } else if (std::sscanf(line, "decode %ld", &count) == 1) {
      double seconds = 0;
      for (long i = 0; i < count; ++i)
        seconds += take(1);
      std::printf("%.9f\n", seconds);
    } else if (std::sscanf(line, "save %3999s", file) == 1) {
      std::FILE *out = std::fopen(file, "wb");
      if (!out ||
          std::fwrite(logits, 4, size_t(vocabulary), out) != size_t(vocabulary))
        fail(std::string("cannot write ") + file);
      std::fclose(out);
      std::printf("saved\n");
    } else if (!std::strncmp(line, "memory", 6)) {
      struct rusage usage;
      getrusage(RUSAGE_SELF, &usage);
      std::printf("%.1f\n", double(usage.ru_maxrss) / 1024);
    } else {
      fail(std::string("cannot read the command ") + line);
    }
    std::fflush(stdout);
  }
  return 0;
}

} // namespace moec::bench

#endif // MOEC_BENCH_LLAMA_DECODER_H
