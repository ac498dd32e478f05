// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-bench/ModelCheck.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace moec::bench {

void LoopTimes::trace(void *host, const moec_trace_event *event) {
  auto &times = *static_cast<LoopTimes *>(host);
  if (event->loop < 0)
    return;
  std::lock_guard<std::mutex> lock(times.mutex);
  size_t loop = size_t(event->loop);
  if (loop >= times.loops.size())
    times.loops.resize(loop + 1, {INT64_MAX, 0});
  times.loops[loop].begin = std::min(times.loops[loop].begin, event->begin);
  times.loops[loop].end = std::max(times.loops[loop].end, event->end);
}

void LoopTimes::begin() { loops.clear(); }

double LoopTimes::longest() const {
  int64_t nanoseconds = 0;
  for (const Loop &loop : loops)
    nanoseconds = std::max(nanoseconds, loop.end - loop.begin);
  return 1e-9 * double(nanoseconds);
}

/// What a module that computes in int8 multiplies with this weight; see
/// moe-select-compute.
static Product getIntegerProduct(const moec_parameter_info &weight) {
  constexpr int kBlock = 32;
  if (weight.encoding != MOEC_ENCODING_BLOCK_PANELS ||
      weight.block_has_offset || weight.depth != kBlock * weight.shape[2])
    return Product::Float;
  switch (weight.block_code) {
  case MOEC_BLOCK_INT8:
    return Product::Int8;
  case MOEC_BLOCK_INT4:
    return Product::Int4;
  default:
    return Product::Float;
  }
}

/// The matmul that a packed weight stands for.
static MatmulShape getShape(const moec_parameter_info &weight, int64_t slots,
                            bool isInt8) {
  MatmulShape shape;
  shape.groups = weight.groups;
  shape.columns = weight.columns;
  shape.depth = weight.depth;
  shape.parts = weight.num_parts;
  shape.numPanels = weight.shape[1];
  double bytes = double(weight.size) /
                 double(std::max<int64_t>(1, weight.groups * weight.shape[1] *
                                                 16 * weight.depth));
  if (weight.encoding == MOEC_ENCODING_BLOCK_PANELS)
    shape.quantizedBytes = bytes;
  else
    shape.elementBytes = int64_t(bytes);
  if (isInt8)
    shape.product = getIntegerProduct(weight);
  shape.rowsPerToken = slots;
  return shape;
}

moec::Machine getTarget(const moec_module *module) {
  moec::Machine machine;
  moec_module_info info = {};
  info.struct_size = sizeof(info);
  moec_module_get_info(module, &info);
  for (uint32_t i = 0; i < info.num_target_entries; ++i) {
    moec_target_entry entry = {};
    entry.struct_size = sizeof(entry);
    moec_module_get_target_entry(module, i, &entry);
    machine.set(entry.key, std::strtod(entry.value, nullptr));
  }
  return machine;
}

LayerModel::LayerModel(const moec_module *module, const moec_function *function,
                       int64_t slots) {
  moec_function_info info = {};
  info.struct_size = sizeof(info);
  moec_function_get_info(function, &info);
  moec_module_info all = {};
  all.struct_size = sizeof(all);
  moec_module_get_info(module, &all);
  bool isInt8 = std::strcmp(all.compute, "int8") == 0;
  std::vector<MatmulShape> perExpert;
  for (uint32_t i = 0; i < info.num_parameters; ++i) {
    moec_parameter_info weight = {};
    weight.struct_size = sizeof(weight);
    moec_module_get_parameter(module, info.parameters[i], &weight);
    if (weight.encoding != MOEC_ENCODING_PANELS &&
        weight.encoding != MOEC_ENCODING_BLOCK_PANELS)
      continue;
    if (weight.groups > 1)
      perExpert.push_back(getShape(weight, slots, isInt8));
    else
      dense.push_back(getShape(weight, 1, isInt8));
  }
  // Layers that do not give topk_ids have a number of rows that is not known.
  for (MatmulShape first : perExpert)
    for (MatmulShape second : perExpert)
      if (first.columns == second.depth && first.groups == second.groups &&
          second.parts == 1 && slots > 0 && !experts) {
        first.gather = second.reduce = true;
        experts = {first, second, choosePair(getTarget(module), first, second)};
      }
}

double LayerModel::predictExperts(const moec::Machine &machine,
                                  int64_t tokens) const {
  int64_t rows = tokens * experts->first.rowsPerToken;
  const PairStrategy &strategy = experts->strategy;
  return predictSeconds(
      machine, experts->first, experts->second,
      rows < strategy.threshold ? strategy.decode : strategy.prefill, rows);
}

double LayerModel::predictLayer(const moec::Machine &machine,
                                int64_t tokens) const {
  double seconds = predictExperts(machine, tokens);
  for (const MatmulShape &shape : dense)
    seconds += predictSeconds(
        machine, shape, chooseTile(machine, shape, tokens, false), tokens);
  return seconds;
}

std::string toMarkdown(const std::vector<ModelRow> &rows) {
  std::string text = "\n| function | kernel | tokens | measured ms | predicted "
                     "ms | predicted / measured |\n"
                     "|---|---|---:|---:|---:|---:|\n";
  for (const ModelRow &row : rows) {
    char line[256];
    std::snprintf(line, sizeof(line), " | %s | %lld | %.3f | %.3f | %.2f |\n",
                  row.kernel.c_str(), static_cast<long long>(row.tokens),
                  1e3 * row.measured, 1e3 * row.predicted,
                  row.predicted / row.measured);
    text += "| " + row.function + line;
  }
  return text;
}

} // namespace moec::bench
