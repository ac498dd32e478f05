// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moe-bench OUT.moe: times the functions of an artifact and states the times as
// fractions of the machine's roof, which is measured in the same run.

#include "tools/moe-bench/Caches.h"
#include "tools/moe-bench/Clock.h"
#include "tools/moe-bench/Layer.h"
#include "tools/moe-bench/ModelCheck.h"
#include "tools/moe-bench/Options.h"
#include "tools/moe-bench/PeakMemory.h"
#include "tools/moe-bench/Report.h"
#include "tools/moe-bench/WorkModel.h"
#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace moec::bench;

namespace {
enum ExitCode {
  Ok = 0,
  InputError = 1,
  Usage = 2,
  BadArtifact = 3,
  Environment = 4
};

/// Untimed calls come first; they touch tensors and workspace.
constexpr int64_t warmUp = 2, leastIterations = 5, mostIterations = 400;
constexpr double leastSeconds = 1.0;

int fail(const std::string &what, int code) {
  std::fprintf(stderr, "moe-bench: error: %s\n", what.c_str());
  return code;
}

int toExitCode(moec_status status) {
  return status == MOEC_BAD_ARTIFACT  ? BadArtifact
         : status == MOEC_ENVIRONMENT ? Environment
                                      : InputError;
}

/// Destroys what the C interface made.
struct Loaded {
  moec_context *context = nullptr;
  moec_module *module = nullptr;
  moec_session *session = nullptr;
  ~Loaded() {
    moec_session_destroy(session);
    moec_module_destroy(module);
    moec_context_destroy(context);
  }
};

struct Call {
  double seconds, longestLoop, experts;
};

/// The best of calls that touch at least the mean number of experts, which is
/// what the model predicts.
struct TypicalTimes {
  double layer, experts;
};

/// Times one function with one number of tokens. Every call gets tokens that
/// no earlier call had, and finds caches without weights. Returns what is
/// wrong, or an empty text.
std::string measure(Layer &layer, const WorkModel &model, Routing &routing,
                    moec_session *session, LoopTimes &loops,
                    Measurement &result, TypicalTimes &typical) {
  resetPeakMemory();
  std::string wrong = layer.prepare(session, result.tokens);
  if (!wrong.empty())
    return wrong;
  std::mt19937 random(1);
  std::vector<double> seconds;
  std::vector<Call> calls;
  double rows = 0, experts = 0, start = now();
  for (int64_t i = -warmUp; i < mostIterations; ++i) {
    if (i >= leastIterations && now() - start >= leastSeconds)
      break;
    evictCaches();
    routing.fill(layer.hiddenStates(), result.tokens, layer.hidden(), random);
    loops.begin();
    double begin = now();
    wrong = layer.call();
    double taken = now() - begin;
    if (!wrong.empty())
      return wrong;
    if (i < 0)
      continue;
    seconds.push_back(taken);
    Layer::Routed routed = layer.routed(model.experts);
    rows += double(routed.rows);
    experts += double(routed.experts);
    calls.push_back({taken, loops.longest(), double(routed.experts)});
  }
  std::sort(seconds.begin(), seconds.end());
  double count = double(seconds.size());
  typical = {INFINITY, INFINITY};
  for (const Call &call : calls) {
    if (call.experts < std::floor(experts / count))
      continue;
    typical.layer = std::min(typical.layer, call.seconds);
    typical.experts = std::min(typical.experts, call.longestLoop);
  }
  result.iterations = int64_t(seconds.size());
  result.bestSeconds = seconds.front();
  result.medianSeconds = seconds[seconds.size() / 2];
  result.touchedExperts = experts / count;
  result.flop = model.flop(double(result.tokens), rows / count);
  result.bytes = model.bytes(result.touchedExperts);
  result.workspace = layer.workspaceBytes();
  result.peakMemory = getPeakMemory() - getEvictionBytes();
  return "";
}

/// Reads a byte of every page of weights, so that no timed call is the first to
/// map one.
void touchWeights(const moec_module *module) {
  moec_module_info info = {};
  info.struct_size = sizeof(info);
  moec_module_get_info(module, &info);
  for (uint32_t i = 0; i < info.num_parameters; ++i) {
    moec_parameter_info parameter = {};
    parameter.struct_size = sizeof(parameter);
    moec_module_get_parameter(module, i, &parameter);
    const auto *bytes = static_cast<const volatile char *>(parameter.data);
    for (uint64_t at = 0; at < parameter.size; at += 4096)
      (void)bytes[at];
  }
}

/// A measurement that the model can predict.
struct Checked {
  LayerModel model;
  Measurement layer;
  TypicalTimes times;
  Roof roof; ///< just before and after
};

/// A table of predictions with the roofs of this run.
std::string compareWithModel(const moec_module *module, uint32_t threads,
                             const std::vector<Checked> &checked) {
  moec::Machine target = getTarget(module);
  target.cores = threads;
  std::vector<ModelRow> rows;
  for (const auto &[model, layer, times, roof] : checked) {
    target.coreGflops = roof.gflops / threads;
    target.readGbps = roof.gbps;
    rows.push_back({layer.function, "experts", layer.tokens, times.experts,
                    model.predictExperts(target, layer.tokens)});
    rows.push_back({layer.function, "layer", layer.tokens, times.layer,
                    model.predictLayer(target, layer.tokens)});
  }
  return toMarkdown(rows);
}

/// The functions that were asked for; empty when the name is unknown.
std::vector<const moec_function *> getFunctions(const moec_module *module,
                                                const std::string &name) {
  std::vector<const moec_function *> functions;
  if (!name.empty()) {
    if (const moec_function *function =
            moec_module_find_function(module, name.c_str()))
      functions.push_back(function);
    return functions;
  }
  moec_module_info info = {};
  info.struct_size = sizeof(info);
  moec_module_get_info(module, &info);
  for (uint32_t i = 0; i < info.num_functions; ++i)
    functions.push_back(moec_module_get_function(module, i));
  return functions;
}

int run(Options &options) {
  Loaded loaded;
  moec_error error;
  moec_context_options contextOptions = {};
  contextOptions.struct_size = sizeof(contextOptions);
  contextOptions.threads = options.threads;
  LoopTimes loops;
  if (options.checkModel) {
    contextOptions.host = &loops;
    contextOptions.trace = LoopTimes::trace;
  }
  if (moec_status status =
          moec_context_create(&contextOptions, &loaded.context, &error))
    return fail(error.text, toExitCode(status));
  if (moec_status status =
          moec_module_load_file(loaded.context, options.artifact.c_str(),
                                nullptr, &loaded.module, &error))
    return fail(error.text, toExitCode(status));
  if (moec_status status =
          moec_session_create(loaded.module, &loaded.session, &error))
    return fail(error.text, toExitCode(status));
  auto functions = getFunctions(loaded.module, options.function);
  if (functions.empty())
    return fail(options.artifact + ": no function '" + options.function + "'",
                InputError);

  Machine machine;
  machine.threads = moec_context_num_workers(loaded.context);
  moec_module_info info = {};
  info.struct_size = sizeof(info);
  moec_module_get_info(loaded.module, &info);
  machine.level = info.level ? info.level : "";
  if (!measureRoof(machine.threads, machine.roof))
    return fail("the roof needs AVX2, FMA and 1 GiB of memory", Environment);

  touchWeights(loaded.module);
  std::vector<Measurement> measurements;
  std::vector<Checked> checked;
  for (const moec_function *function : functions) {
    Layer layer(function);
    WorkModel model = getWorkModel(loaded.module, function);
    LayerModel layerModel(loaded.module, function, layer.slots());
    if (!layer.hidden())
      return fail(options.artifact + ": function '" + layer.name() +
                      "' has no argument hidden_states in f32",
                  InputError);
    std::string wrong = options.routing.bind(
        loaded.module, function, model.experts, layer.slots(), layer.hidden());
    if (!wrong.empty())
      return fail(wrong, InputError);
    for (int64_t tokens : options.tokens) {
      Measurement m;
      m.function = layer.name();
      m.routing = options.routing.name();
      m.tokens = tokens;
      TypicalTimes typical;
      Roof roof;
      if (options.checkModel)
        measureRoof(machine.threads, roof);
      wrong = measure(layer, model, options.routing, loaded.session, loops, m,
                      typical);
      if (!wrong.empty())
        return fail(m.function + ": " + wrong, InputError);
      measurements.push_back(m);
      if (options.checkModel && layerModel.isKnown()) {
        measureRoof(machine.threads, roof);
        checked.push_back({layerModel, measurements.back(), typical, roof});
      }
    }
  }
  // Whatever disturbed the first measurement is gone, or was not there yet.
  measureRoof(machine.threads, machine.roof);
  std::string text = options.format == Format::Json
                         ? toJson(machine, "moe-bench", measurements)
                     : options.format == Format::Csv
                         ? toCsv(machine, measurements)
                         : toMarkdown(machine, measurements);
  std::fputs(text.c_str(), stdout);
  if (options.checkModel)
    std::fputs(
        compareWithModel(loaded.module, machine.threads, checked).c_str(),
        options.format == Format::Markdown ? stdout : stderr);
  return std::fflush(stdout) ? fail("stdout cannot be written", Environment)
                             : Ok;
}
} // namespace

int main(int argc, char **argv) {
  Options options;
  std::string wrong = parseOptions(argc, argv, options);
  if (!wrong.empty()) {
    fail(wrong, Usage);
    std::fputs(usage, stderr);
    return Usage;
  }
  if (options.help) {
    std::fputs(usage, stdout);
    return Ok;
  }
  return run(options);
}
