// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Predictions of the cost model, with the roofs of this run, beside what was
// measured: of the experts' kernel (the longest parallel loop of a call) and of
// the whole layer.

#ifndef MOEC_TOOLS_MOE_BENCH_MODELCHECK_H
#define MOEC_TOOLS_MOE_BENCH_MODELCHECK_H

#include "moec/runtime.h"
#include "passes/Strategy.h"
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace moec::bench {

/// Receives the tasks of calls and keeps how long each loop took.
class LoopTimes {
public:
  /// For moec_context_options.trace; `host` is a LoopTimes.
  static void trace(void *host, const moec_trace_event *event);

  /// Begins a call; afterwards: seconds of its longest loop, 0 without loops.
  void begin();
  double longest() const;

private:
  struct Loop {
    int64_t begin, end;
  };
  std::mutex mutex;
  std::vector<Loop> loops;
};

/// The machine that the artifact was compiled for.
moec::Machine getTarget(const moec_module *module);

/// The matmuls of a function that its artifact has packed weights for.
class LayerModel {
public:
  /// `slots`: rows of a token.
  LayerModel(const moec_module *module, const moec_function *function,
             int64_t slots);

  /// Whether the function has two matmuls of experts that run in waves.
  bool isKnown() const { return experts.has_value(); }
  /// Seconds that the experts' kernel and the layer take on this machine.
  double predictExperts(const moec::Machine &machine, int64_t tokens) const;
  double predictLayer(const moec::Machine &machine, int64_t tokens) const;

private:
  struct Experts {
    MatmulShape first, second;
    PairStrategy strategy;
  };
  std::optional<Experts> experts;
  /// What all tokens share: the router, shared experts.
  std::vector<MatmulShape> dense;
};

struct ModelRow {
  std::string function, kernel;
  int64_t tokens;
  double measured, predicted; ///< seconds
};

std::string toMarkdown(const std::vector<ModelRow> &rows);

} // namespace moec::bench

#endif // MOEC_TOOLS_MOE_BENCH_MODELCHECK_H
