// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes inputs that a layer's own router sends where a benchmark wants them.
// Nothing in the layer is replaced: a token is a sum of the router rows of the
// experts that it shall reach, plus noise.

#ifndef MOEC_TOOLS_MOE_BENCH_ROUTING_H
#define MOEC_TOOLS_MOE_BENCH_ROUTING_H

#include "moec/runtime.h"
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace moec::bench {

class Routing {
public:
  enum class Kind {
    Uniform, ///< random tokens; the router decides
    Zipf,    ///< expert e is wanted with a weight of 1 / (e + 1)
    Hot,     ///< half of the choices fall on an eighth of the experts
    Trace    ///< the ids of a file, one token a line
  };

  /// Reads "uniform", "zipf", "hot" or "trace:FILE". Returns what is wrong, or
  /// an empty text.
  std::string parse(const std::string &text);
  const std::string &name() const { return text; }

  /// Finds the router weights [experts, hidden] of a function; kinds other than
  /// uniform need them. Returns what is wrong, or an empty text.
  std::string bind(const moec_module *module, const moec_function *function,
                   int64_t experts, int64_t slots, int64_t hidden);

  /// Writes fresh tokens, hidden numbers each.
  void fill(float *tokens, int64_t count, int64_t hidden, std::mt19937 &random);

private:
  std::vector<int64_t> choose(std::mt19937 &random);
  std::string readTrace(const std::string &path);

  Kind kind = Kind::Uniform;
  std::string text = "uniform";
  int64_t experts = 0, slots = 0;
  /// Router rows divided by their squared length.
  std::vector<float> rows;
  std::vector<std::vector<int64_t>> trace;
  size_t nextLine = 0;
};

} // namespace moec::bench

#endif // MOEC_TOOLS_MOE_BENCH_ROUTING_H
