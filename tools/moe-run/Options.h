// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_MOE_RUN_OPTIONS_H
#define MOEC_TOOLS_MOE_RUN_OPTIONS_H

#include "tools/moe-run/Failure.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace moec {

/// The command line of moe-run.
struct RunOptions {
  using Assignment = std::pair<std::string, std::string>; ///< NAME, place

  std::string artifact;
  std::string function; ///< empty: the only one
  std::vector<Assignment> inputs;
  std::vector<Assignment> parameters; ///< --set
  std::vector<Assignment> taps;
  std::string output; ///< empty: run without writing
  std::vector<std::string> outputs;
  std::string level; ///< of --target=cpu:LEVEL; empty: the best
  std::string trace;
  uint32_t threads = 0;
  uint32_t chunk = 0;   ///< tokens of one call over a session; 0: all
  uint32_t context = 0; ///< tokens that a session has room for; 0: enough
  std::string prompt;
  uint32_t maxTokens = 128;
  double temperature = 0; ///< 0: always the likeliest token
  double topP = 1;
  uint64_t seed = 0;
  bool reference = false;
  bool verify = false;
  bool help = false;
  bool version = false;
};

extern const char *const runUsage;

Failure parseRunOptions(int argc, char **argv, RunOptions &options);

} // namespace moec

#endif // MOEC_TOOLS_MOE_RUN_OPTIONS_H
