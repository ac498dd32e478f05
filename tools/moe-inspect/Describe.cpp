// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-inspect/Describe.h"

#include <cstdio>

using Json = nlohmann::ordered_json;

namespace moec {

template <typename Info> static Info sized() {
  Info info = {};
  info.struct_size = sizeof(info);
  return info;
}

static std::string hexHash(const uint64_t hash[2]) {
  char text[40];
  std::snprintf(text, sizeof(text), "%016llx%016llx",
                static_cast<unsigned long long>(hash[1]),
                static_cast<unsigned long long>(hash[0]));
  return text;
}

static Json describeTensor(const moec_tensor_info &info) {
  Json dims = Json::array();
  for (int32_t i = 0; i < info.rank; ++i) {
    const moec_dimension &dim = info.dimensions[i];
    if (dim.symbol)
      dims.push_back(dim.symbol);
    else
      dims.push_back(dim.size);
  }
  return {{"name", info.name},
          {"dtype", moec_dtype_name(info.dtype)},
          {"dims", std::move(dims)}};
}

static Json describeFunction(const moec_module *module,
                             const moec_function *function) {
  auto info = sized<moec_function_info>();
  moec_function_get_info(function, &info);
  Json result = {{"name", info.name},        {"c_name", info.c_name},
                 {"entry", info.entry},      {"arguments", Json::array()},
                 {"results", Json::array()}, {"parameters", Json::array()},
                 {"taps", Json::array()}};
  auto tensor = sized<moec_tensor_info>();
  for (uint32_t i = 0;
       moec_function_get_argument(function, i, &tensor) == MOEC_OK; ++i)
    result["arguments"].push_back(describeTensor(tensor));
  for (uint32_t i = 0;
       moec_function_get_result(function, i, &tensor) == MOEC_OK; ++i)
    result["results"].push_back(describeTensor(tensor));
  auto parameter = sized<moec_parameter_info>();
  for (uint32_t i = 0; i < info.num_parameters; ++i)
    if (moec_module_get_parameter(module, info.parameters[i], &parameter) ==
        MOEC_OK)
      result["parameters"].push_back(parameter.name);
  for (uint32_t i = 0; i < info.num_taps; ++i)
    result["taps"].push_back(info.taps[i]);
  return result;
}

static Json describeParameter(const moec_parameter_info &info) {
  Json parts = Json::array();
  for (uint32_t i = 0; i < info.num_parts; ++i)
    parts.push_back({{"symbol", info.parts[i].symbol},
                     {"dims", std::vector<int64_t>(info.parts[i].shape,
                                                   info.parts[i].shape +
                                                       info.parts[i].rank)}});
  bool panels = info.encoding != MOEC_ENCODING_ROW_MAJOR;
  Json result = {
      {"name", info.name},
      {"dtype", moec_dtype_name(info.dtype)},
      {"dims", std::vector<int64_t>(info.shape, info.shape + info.rank)},
      {"encoding", info.encoding == MOEC_ENCODING_BLOCK_PANELS ? "block_panels"
                   : panels                                    ? "panels"
                                                               : "row_major"}};
  if (panels) {
    result["groups"] = info.groups;
    result["columns"] = info.columns;
    result["depth"] = info.depth;
  }
  result["parts"] = std::move(parts);
  result["mutable"] = info.is_mutable != 0;
  result["segment"] = info.segment;
  result["offset"] = info.offset;
  result["size"] = info.size;
  result["hash"] = hexHash(info.hash);
  return result;
}

static Json describeState(const moec_state_info &info) {
  Json dims = Json::array(), sizes = Json::array();
  for (int32_t i = 0; i < info.rank; ++i) {
    const moec_dimension &dim = info.dimensions[i];
    dims.push_back(dim.symbol ? Json(dim.symbol) : Json(dim.size));
    sizes.push_back(dim.size);
  }
  Json result = {{"name", info.name},
                 {"dtype", moec_dtype_name(info.dtype)},
                 {"dims", std::move(dims)},
                 {"default", std::move(sizes)}};
  if (info.counts)
    result["counts"] = info.counts;
  return result;
}

Json describeModule(const moec_module *module) {
  auto info = sized<moec_module_info>();
  moec_module_get_info(module, &info);
  Json result = {{"version", std::to_string(info.version_major) + "." +
                                 std::to_string(info.version_minor)},
                 {"producer", info.producer},
                 {"compute", info.compute},
                 {"file_size", info.file_size},
                 {"header_size", info.header_size},
                 {"header_hash", hexHash(info.header_hash)},
                 {"target", Json::object()},
                 {"segments", Json::array()},
                 {"variants", Json::array()},
                 {"functions", Json::array()},
                 {"parameters", Json::array()},
                 {"states", Json::array()}};
  auto entry = sized<moec_target_entry>();
  for (uint32_t i = 0;
       moec_module_get_target_entry(module, i, &entry) == MOEC_OK; ++i)
    result["target"][entry.key] = entry.value;
  auto segment = sized<moec_segment_info>();
  for (uint32_t i = 0; moec_module_get_segment(module, i, &segment) == MOEC_OK;
       ++i) {
    Json described = {{"kind", segment.kind},
                      {"offset", segment.offset},
                      {"size", segment.size},
                      {"alignment", segment.alignment}};
    if (segment.hash[0] || segment.hash[1])
      described["hash"] = hexHash(segment.hash);
    result["segments"].push_back(std::move(described));
  }
  auto variant = sized<moec_variant_info>();
  for (uint32_t i = 0; moec_module_get_variant(module, i, &variant) == MOEC_OK;
       ++i) {
    Json features = Json::array();
    for (uint32_t j = 0; j < variant.num_cpu_features; ++j)
      features.push_back(variant.cpu_features[j]);
    result["variants"].push_back({{"level", variant.level},
                                  {"cpu_features", std::move(features)},
                                  {"segment", variant.segment},
                                  {"runs_here", variant.runs_here != 0}});
  }
  for (uint32_t i = 0;
       const moec_function *function = moec_module_get_function(module, i); ++i)
    result["functions"].push_back(describeFunction(module, function));
  auto parameter = sized<moec_parameter_info>();
  for (uint32_t i = 0;
       moec_module_get_parameter(module, i, &parameter) == MOEC_OK; ++i)
    result["parameters"].push_back(describeParameter(parameter));
  auto state = sized<moec_state_info>();
  for (uint32_t i = 0; moec_module_get_state(module, i, &state) == MOEC_OK; ++i)
    result["states"].push_back(describeState(state));
  return result;
}

} // namespace moec
