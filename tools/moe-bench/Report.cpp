// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-bench/Report.h"
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <thread>
#include <unistd.h>

namespace moec::bench {

double Measurement::roofFraction(const Roof &roof) const {
  return std::max(gflops() / roof.gflops, gbps() / roof.gbps);
}

__attribute__((format(printf, 2, 3))) static void
append(std::string &text, const char *format, ...) {
  char line[512];
  va_list values;
  va_start(values, format);
  std::vsnprintf(line, sizeof(line), format, values);
  va_end(values);
  text += line;
}

static double toMiB(int64_t bytes) { return double(bytes) / (1 << 20); }

std::string toMarkdown(const Machine &machine,
                       const std::vector<Measurement> &measurements) {
  std::string text;
  append(text,
         "Roof of this machine, now, %u threads: %.1f GFLOP/s (f32, %s), "
         "%.1f GB/s read. Code: %s.\n\n",
         machine.threads, machine.roof.gflops, machine.roof.vectors,
         machine.roof.gbps, machine.level.c_str());
  text += "| function | routing | tokens | best ms | median ms | tokens/s | "
          "GFLOP/s | GB/s | experts | % of roof | workspace MiB | peak MiB |\n"
          "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";
  for (const Measurement &m : measurements) {
    text += "| " + m.function + " | " + m.routing;
    append(text,
           " | %lld | %.3f | %.3f | %.0f | %.1f | %.2f | %.1f | %.0f | %.1f | "
           "%.0f |\n",
           static_cast<long long>(m.tokens), 1e3 * m.bestSeconds,
           1e3 * m.medianSeconds, double(m.tokens) / m.medianSeconds,
           m.gflops(), m.gbps(), m.touchedExperts,
           100 * m.roofFraction(machine.roof), toMiB(m.workspace),
           toMiB(m.peakMemory));
  }
  return text;
}

std::string toCsv(const Machine &machine,
                  const std::vector<Measurement> &measurements) {
  std::string text =
      "function,routing,tokens,threads,level,iterations,best_ms,median_ms,"
      "tokens_per_second,gflops,gbps,touched_experts,roof_gflops,roof_gbps,"
      "roof_fraction,workspace_bytes,peak_rss_bytes\n";
  for (const Measurement &m : measurements) {
    text += m.function + "," + m.routing;
    append(text,
           ",%lld,%u,%s,%lld,%.6f,%.6f,%.3f,%.4f,%.4f,%.2f,%.3f,%.3f,%.4f,"
           "%lld,%lld\n",
           static_cast<long long>(m.tokens), machine.threads,
           machine.level.c_str(), static_cast<long long>(m.iterations),
           1e3 * m.bestSeconds, 1e3 * m.medianSeconds,
           double(m.tokens) / m.medianSeconds, m.gflops(), m.gbps(),
           m.touchedExperts, machine.roof.gflops, machine.roof.gbps,
           m.roofFraction(machine.roof), static_cast<long long>(m.workspace),
           static_cast<long long>(m.peakMemory));
  }
  return text;
}

std::string toJson(const Machine &machine, const std::string &executable,
                   const std::vector<Measurement> &measurements) {
  using nlohmann::ordered_json;
  char host[256] = "", date[64] = "";
  gethostname(host, sizeof(host) - 1);
  std::time_t time = std::time(nullptr);
  std::tm parts;
  std::strftime(date, sizeof(date), "%FT%T+00:00", gmtime_r(&time, &parts));
  ordered_json root = {{"context",
                        {{"date", date},
                         {"host_name", host},
                         {"executable", executable},
                         {"num_cpus", std::thread::hardware_concurrency()},
                         {"caches", ordered_json::array()},
                         {"library_build_type", "release"},
                         {"threads", machine.threads},
                         {"level", machine.level},
                         {"roof_gflops", machine.roof.gflops},
                         {"roof_gbps", machine.roof.gbps}}},
                       {"benchmarks", ordered_json::array()}};
  size_t index = 0;
  for (const Measurement &m : measurements) {
    std::string name = m.function + "/tokens:" + std::to_string(m.tokens) +
                       "/routing:" + m.routing;
    root["benchmarks"].push_back(
        {{"name", name},
         {"family_index", index++},
         {"per_family_instance_index", 0},
         {"run_name", name},
         {"run_type", "iteration"},
         {"repetitions", 1},
         {"repetition_index", 0},
         {"threads", machine.threads},
         {"iterations", m.iterations},
         {"real_time", 1e3 * m.medianSeconds},
         {"cpu_time", 1e3 * m.medianSeconds},
         {"time_unit", "ms"},
         {"best_ms", 1e3 * m.bestSeconds},
         {"tokens", m.tokens},
         {"items_per_second", double(m.tokens) / m.medianSeconds},
         {"touched_experts", m.touchedExperts},
         {"gflops", m.gflops()},
         {"gbps", m.gbps()},
         {"roof_gflops", machine.roof.gflops},
         {"roof_gbps", machine.roof.gbps},
         {"roof_fraction", m.roofFraction(machine.roof)},
         {"workspace_bytes", m.workspace},
         {"peak_rss_bytes", m.peakMemory}});
  }
  return root.dump(2, ' ', false, ordered_json::error_handler_t::replace) +
         "\n";
}

} // namespace moec::bench
