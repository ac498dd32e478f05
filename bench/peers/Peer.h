// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compared programs share: one MoE layer's weights and tokens in two
// files, and a conversation on stdin and stdout, so that run.py can interleave
// them:
//
//   run TOKENS FIRST COPY   computes rows FIRST.. of the token file with the
//                           COPY-th copy of the weights; answers the seconds
//   save FILE               writes the last output, [TOKENS, hidden] f32
//   memory                  answers the peak resident MiB
//
// The layer: softmax over all experts, top-k, renormalised, SwiGLU.

#ifndef MOEC_BENCH_PEERS_PEER_H
#define MOEC_BENCH_PEERS_PEER_H

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace moec::peers {

/// Command line: WEIGHTS TOKENS HIDDEN INTERMEDIATE EXPERTS TOP_K FORMAT
/// THREADS COPIES, then what one program alone needs.
struct Layer {
  std::string weightFile, format;
  int64_t hidden, intermediate, experts, topK;
  int threads, copies;
  std::vector<std::string> rest;
  const float *tokens; ///< [?, hidden]
  /// f32 weights: [experts, hidden], [experts, intermediate, hidden] twice,
  /// [experts, hidden, intermediate].
  const float *router, *gate, *up, *down;

  Layer(int argc, char **argv) {
    if (argc < 10)
      fail("expected WEIGHTS TOKENS HIDDEN INTERMEDIATE EXPERTS TOP_K FORMAT "
           "THREADS COPIES");
    weightFile = argv[1];
    tokens = reinterpret_cast<const float *>(map(argv[2]));
    hidden = std::atoll(argv[3]);
    intermediate = std::atoll(argv[4]);
    experts = std::atoll(argv[5]);
    topK = std::atoll(argv[6]);
    format = argv[7];
    threads = std::atoi(argv[8]);
    copies = std::atoi(argv[9]);
    rest.assign(argv + 10, argv + argc);
  }

  /// Reads the f32 weights; the header of the safetensors file is padded to
  /// 4096 bytes.
  void mapWeights() {
    router = reinterpret_cast<const float *>(map(weightFile.c_str()) + 4096);
    gate = router + experts * hidden;
    up = gate + experts * intermediate * hidden;
    down = up + experts * intermediate * hidden;
  }

  [[noreturn]] static void fail(const std::string &text) {
    std::fprintf(stderr, "%s\n", text.c_str());
    std::exit(1);
  }

private:
  static const char *map(const char *path) {
    int file = open(path, O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status))
      fail(std::string("cannot open ") + path);
    void *data =
        mmap(nullptr, size_t(status.st_size), PROT_READ, MAP_SHARED, file, 0);
    if (data == MAP_FAILED)
      fail(std::string("cannot map ") + path);
    close(file);
    return static_cast<const char *>(data);
  }
};

inline double now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Answers run.py until its end of the pipe closes. `compute(x, tokens, y,
/// copy)` returns the seconds of the computation alone.
template <typename Compute>
int converse(const Layer &layer, const std::string &version, Compute compute) {
  std::vector<float> output;
  std::printf("ready %s\n", version.c_str());
  std::fflush(stdout);
  char line[4096], file[4000];
  while (std::fgets(line, sizeof(line), stdin)) {
    long tokens, first;
    int copy;
    if (std::sscanf(line, "run %ld %ld %d", &tokens, &first, &copy) == 3) {
      output.assign(size_t(tokens * layer.hidden), 0.0f);
      double seconds = compute(layer.tokens + first * layer.hidden, tokens,
                               output.data(), copy % layer.copies);
      std::printf("%.9f\n", seconds);
    } else if (std::sscanf(line, "save %3999s", file) == 1) {
      std::FILE *out = std::fopen(file, "wb");
      if (!out ||
          std::fwrite(output.data(), 4, output.size(), out) != output.size())
        Layer::fail(std::string("cannot write ") + file);
      std::fclose(out);
      std::printf("saved\n");
    } else if (!std::strncmp(line, "memory", 6)) {
      struct rusage usage;
      getrusage(RUSAGE_SELF, &usage);
      std::printf("%.1f\n", double(usage.ru_maxrss) / 1024);
    } else {
      Layer::fail(std::string("cannot read the command ") + line);
    }
    std::fflush(stdout);
  }
  return 0;
}

} // namespace moec::peers

#endif // MOEC_BENCH_PEERS_PEER_H
