// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_TOOLS_MOE_RUN_TRACE_H
#define MOEC_TOOLS_MOE_RUN_TRACE_H

#include "tools/moe-run/Failure.h"

#include <mutex>
#include <string>
#include <vector>

namespace moec {

/// The tasks of a call, as chrome://tracing and Perfetto show them.
class Trace {
public:
  /// For moec_context_options.trace, with the Trace as host.
  static void record(void *host, const moec_trace_event *event);

  /// Writes what was recorded, one row a worker.
  Failure write(const std::string &path) const;

private:
  std::mutex mutex;
  std::vector<moec_trace_event> events;
};

} // namespace moec

#endif // MOEC_TOOLS_MOE_RUN_TRACE_H
