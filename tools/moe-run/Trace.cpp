// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Trace.h"

#include "codegen/artifact/TemporaryFile.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace moec {

void Trace::record(void *host, const moec_trace_event *event) {
  auto &trace = *static_cast<Trace *>(host);
  std::lock_guard lock(trace.mutex);
  trace.events.push_back(*event);
}

Failure Trace::write(const std::string &path) const {
  int64_t origin = INT64_MAX;
  for (const moec_trace_event &event : events)
    origin = std::min(origin, event.begin);
  nlohmann::json list = nlohmann::json::array();
  for (const moec_trace_event &event : events) {
    bool whole = event.loop < 0;
    nlohmann::json entry;
    entry["name"] = whole ? std::string(event.function)
                          : "loop " + std::to_string(event.loop);
    entry["cat"] = whole ? "call" : "task";
    entry["ph"] = "X";
    entry["ts"] = double(event.begin - origin) / 1000; // microseconds
    entry["dur"] = double(event.end - event.begin) / 1000;
    entry["pid"] = 0;
    entry["tid"] = event.worker;
    if (!whole)
      entry["args"] = {{"task", event.index}};
    list.push_back(std::move(entry));
  }
  nlohmann::json file = {{"traceEvents", std::move(list)}};
  std::string text =
      file.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  artifact::TemporaryFile output;
  std::string error = output.open(path);
  if (error.empty())
    error = output.write(text.data(), text.size());
  if (error.empty())
    error = output.keep();
  return error.empty() ? success() : Failure{ExitEnvironment, error};
}

} // namespace moec
