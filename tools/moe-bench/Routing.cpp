// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-bench/Routing.h"
#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <sstream>

namespace moec::bench {

/// Logits of the first and of the last choice. Rows of a router are nearly
/// orthogonal, so what is not chosen stays near zero.
static constexpr float firstLogit = 8.0f, lastLogit = 4.0f, noise = 0.02f;

std::string Routing::parse(const std::string &value) {
  text = value;
  if (value == "uniform")
    kind = Kind::Uniform;
  else if (value == "zipf")
    kind = Kind::Zipf;
  else if (value == "hot")
    kind = Kind::Hot;
  else if (value.rfind("trace:", 0) == 0) {
    kind = Kind::Trace;
    return readTrace(value.substr(6));
  } else
    return "--routing=" + value + ": expected uniform, zipf, hot or trace:FILE";
  return "";
}

std::string Routing::readTrace(const std::string &path) {
  std::ifstream file(path);
  if (!file)
    return path + ": cannot be read";
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::vector<int64_t> ids;
    for (int64_t id; words >> id;)
      ids.push_back(id);
    if (!words.eof())
      return path + ":" + std::to_string(trace.size() + 1) +
             ": expected expert ids separated by spaces";
    trace.push_back(std::move(ids));
  }
  return trace.empty() ? path + ": holds no line of expert ids" : "";
}

/// Element of a stored weight as a number; f32 and bf16 only.
static float load(const moec_parameter_info &info, int64_t index) {
  if (info.dtype == MOEC_DTYPE_F32) {
    float value;
    std::memcpy(&value, static_cast<const char *>(info.data) + 4 * index, 4);
    return value;
  }
  uint16_t value;
  std::memcpy(&value, static_cast<const char *>(info.data) + 2 * index, 2);
  return std::bit_cast<float>(uint32_t(value) << 16);
}

/// Position of (row, column) of a matrix in how it is stored.
static int64_t position(const moec_parameter_info &info, int64_t row,
                        int64_t column, int64_t columns) {
  if (info.encoding == MOEC_ENCODING_ROW_MAJOR)
    return row * columns + column;
  int64_t lanes = info.shape[3], step = info.shape[4];
  return ((row / lanes * info.shape[2] + column / step) * lanes + row % lanes) *
             step +
         column % step;
}

std::string Routing::bind(const moec_module *module,
                          const moec_function *function, int64_t numExperts,
                          int64_t numSlots, int64_t hidden) {
  experts = numExperts;
  slots = numSlots;
  rows.clear();
  if (kind == Kind::Uniform)
    return "";
  for (const std::vector<int64_t> &ids : trace)
    for (int64_t id : ids)
      if (id < 0 || id >= experts)
        return text + ": expert " + std::to_string(id) + " of " +
               std::to_string(experts);
  moec_function_info info = {};
  info.struct_size = sizeof(info);
  moec_function_get_info(function, &info);
  for (uint32_t i = 0; i < info.num_parameters; ++i) {
    moec_parameter_info weight = {};
    weight.struct_size = sizeof(weight);
    moec_module_get_parameter(module, info.parameters[i], &weight);
    const moec_part_info &part = weight.parts[0];
    bool isRouter =
        weight.num_parts == 1 && part.rank == 2 && part.shape[0] == experts &&
        part.shape[1] == hidden &&
        (weight.dtype == MOEC_DTYPE_F32 || weight.dtype == MOEC_DTYPE_BF16);
    if (!isRouter)
      continue;
    rows.resize(size_t(experts * hidden));
    for (int64_t e = 0; e < experts; ++e) {
      float *row = &rows[size_t(e * hidden)], square = 0;
      for (int64_t k = 0; k < hidden; ++k) {
        row[k] = load(weight, position(weight, e, k, hidden));
        square += row[k] * row[k];
      }
      for (int64_t k = 0; k < hidden; ++k)
        row[k] /= std::max(square, 1e-12f);
    }
    return "";
  }
  return "--routing=" + text + ": function '" + info.name +
         "' has no router weights of " + std::to_string(experts) +
         " experts in f32 or bf16";
}

std::vector<int64_t> Routing::choose(std::mt19937 &random) {
  if (kind == Kind::Trace)
    return trace[nextLine++ % trace.size()];
  std::vector<double> weights(size_t(experts), 1.0);
  int64_t few = std::max<int64_t>(1, experts / 8);
  for (int64_t e = 0; e < experts; ++e)
    if (kind == Kind::Zipf)
      weights[size_t(e)] = 1.0 / double(e + 1);
    else if (e < few)
      weights[size_t(e)] =
          double(std::max<int64_t>(1, experts - few)) / double(few);
  std::vector<int64_t> ids;
  for (int64_t s = 0; s < std::min(slots, experts); ++s) {
    std::discrete_distribution<int64_t> pick(weights.begin(), weights.end());
    ids.push_back(pick(random));
    weights[size_t(ids.back())] = 0;
  }
  return ids;
}

void Routing::fill(float *tokens, int64_t count, int64_t hidden,
                   std::mt19937 &random) {
  std::normal_distribution<float> normal;
  float scale = rows.empty() ? 1.0f : noise;
  for (int64_t i = 0; i < count * hidden; ++i)
    tokens[i] = scale * normal(random);
  if (rows.empty())
    return;
  for (int64_t t = 0; t < count; ++t) {
    float logit = firstLogit;
    for (int64_t expert : choose(random)) {
      for (int64_t k = 0; k < hidden; ++k)
        tokens[t * hidden + k] += logit * rows[size_t(expert * hidden + k)];
      logit -= (firstLogit - lastLogit) / float(slots);
    }
  }
}

} // namespace moec::bench
