// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_MOE_BENCH_REPORT_H
#define MOEC_TOOLS_MOE_BENCH_REPORT_H

#include "tools/moe-bench/Roof.h"
#include <cstdint>
#include <string>
#include <vector>

namespace moec::bench {

/// One function with one number of tokens.
struct Measurement {
  std::string function;
  std::string routing;
  int64_t tokens = 0;
  int64_t iterations = 0;
  double bestSeconds = 0;
  double medianSeconds = 0;
  double flop = 0;           ///< useful operations of a call
  double bytes = 0;          ///< of weights that a call has to read
  double touchedExperts = 0; ///< mean over the calls
  int64_t workspace = 0;     ///< bytes that a call needs
  int64_t peakMemory = 0;    ///< bytes resident at most, mapped weights too

  double gflops() const { return 1e-9 * flop / medianSeconds; }
  double gbps() const { return 1e-9 * bytes / medianSeconds; }
  /// Time at the roof, the longer of computing and reading, by time taken.
  double roofFraction(const Roof &roof) const;
};

struct Machine {
  uint32_t threads = 1;
  std::string level; ///< of the code that ran: "x86-64-v3"
  Roof roof;
};

/// A Markdown table.
std::string toMarkdown(const Machine &machine,
                       const std::vector<Measurement> &measurements);
std::string toCsv(const Machine &machine,
                  const std::vector<Measurement> &measurements);
/// Google Benchmark's JSON: `context` and `benchmarks` with counters.
std::string toJson(const Machine &machine, const std::string &executable,
                   const std::vector<Measurement> &measurements);

} // namespace moec::bench

#endif // MOEC_TOOLS_MOE_BENCH_REPORT_H
