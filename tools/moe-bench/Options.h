// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_MOE_BENCH_OPTIONS_H
#define MOEC_TOOLS_MOE_BENCH_OPTIONS_H

#include "tools/moe-bench/Routing.h"
#include <cstdint>
#include <string>
#include <vector>

namespace moec::bench {

enum class Format { Markdown, Csv, Json };

struct Options {
  std::string artifact;
  std::string function; ///< empty: all
  std::vector<int64_t> tokens = {1, 8, 512, 2048};
  Routing routing;
  Format format = Format::Markdown;
  uint32_t threads = 0; ///< 0: the processors in the affinity mask
  bool checkModel = false;
  bool help = false;
};

/// What --help prints.
extern const char *const usage;

/// Returns what is wrong, or an empty text.
std::string parseOptions(int argc, char **argv, Options &options);

} // namespace moec::bench

#endif // MOEC_TOOLS_MOE_BENCH_OPTIONS_H
