// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Generate.h"
#include "tools/moe-run/Options.h"
#include "tools/moe-run/Runner.h"
#include "tools/moe-run/Trace.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>

using namespace moec;

/// The function of that name, or the only one.
static Failure findFunction(const moec_module *module,
                            const RunOptions &options,
                            const moec_function *&function) {
  if (!options.function.empty()) {
    function = moec_module_find_function(module, options.function.c_str());
    if (function)
      return success();
  } else if (moec_module_get_function(module, 0) &&
             !moec_module_get_function(module, 1)) {
    function = moec_module_get_function(module, 0);
    return success();
  }
  std::string names;
  moec_function_info info = {};
  info.struct_size = sizeof(info);
  constexpr uint32_t shown = 8;
  uint32_t count = 0;
  for (; const moec_function *each = moec_module_get_function(module, count);
       ++count)
    if (count < shown && moec_function_get_info(each, &info) == MOEC_OK)
      names += (count ? ", " : "") + std::string(info.name);
  if (count > shown)
    names += ", .. (" + std::to_string(count) + " in all)";
  if (options.function.empty())
    return {ExitUsage, options.artifact +
                           ": --function is needed: the functions are " +
                           names};
  return inputError(options.artifact + ": there is no function '" +
                    options.function + "', only " + names);
}

/// Merges leading dimensions of [B, S, H] for an argument [T, H]; [T, H] is one
/// sequence for an argument [B, S, H].
static void fitLeading(Tensor &tensor, size_t rank) {
  if (tensor.shape.size() + 1 == rank)
    tensor.shape.insert(tensor.shape.begin(), 1);
  if (rank == 0 || tensor.shape.size() <= rank)
    return;
  auto end = tensor.shape.begin() + (tensor.shape.size() - rank + 1);
  int64_t merged = std::accumulate(tensor.shape.begin(), end, int64_t(1),
                                   std::multiplies<int64_t>());
  tensor.shape.erase(tensor.shape.begin(), end - 1);
  tensor.shape.front() = merged;
}

static Failure convertTo(Tensor &tensor, int32_t dtype, const std::string &what,
                         const std::string &place) {
  std::string found = moec_dtype_name(tensor.dtype);
  if (convertTensor(tensor, dtype))
    return success();
  return inputError(place + ": " + found + " values cannot become the " +
                    moec_dtype_name(dtype) + " of " + what);
}

static Failure readArguments(const RunOptions &options, Call &call) {
  moec_function_info info = {};
  info.struct_size = sizeof(info);
  moec_function_get_info(call.function, &info);
  std::vector<bool> used(options.inputs.size());
  for (uint32_t i = 0; i < info.num_arguments; ++i) {
    moec_tensor_info type = {};
    type.struct_size = sizeof(type);
    moec_function_get_argument(call.function, i, &type);
    const std::string *place = nullptr;
    for (size_t j = 0; j < options.inputs.size(); ++j)
      if (options.inputs[j].first == type.name) {
        if (place)
          return {ExitUsage,
                  "--input=" + options.inputs[j].first + " is given twice"};
        place = &options.inputs[j].second;
        used[j] = true;
      }
    if (!place)
      return {ExitUsage, std::string(info.name) + ": --input=" + type.name +
                             "=... is needed"};
    Tensor &tensor = call.arguments.emplace_back();
    if (Failure failure = readTensor(*place, tensor))
      return failure;
    if (Failure failure =
            convertTo(tensor, type.dtype,
                      "argument '" + std::string(type.name) + "'", *place))
      return failure;
    fitLeading(tensor, type.rank);
  }
  for (size_t j = 0; j < used.size(); ++j)
    if (!used[j])
      return {ExitUsage, std::string(info.name) + ": there is no argument '" +
                             options.inputs[j].first + "'"};
  return success();
}

static Failure readParameters(const RunOptions &options,
                              const moec_module *module,
                              std::vector<NamedTensor> &parameters) {
  for (const auto &[name, place] : options.parameters) {
    Tensor tensor;
    if (Failure failure = readTensor(place, tensor))
      return failure;
    moec_parameter_info info = {};
    info.struct_size = sizeof(info);
    for (uint32_t i = 0; moec_module_get_parameter(module, i, &info) == MOEC_OK;
         ++i)
      if (name == info.name)
        if (Failure failure = convertTo(tensor, info.dtype,
                                        "parameter '" + name + "'", place))
          return failure;
    parameters.emplace_back(name, std::move(tensor));
  }
  return success();
}

static Tensor *findTensor(std::vector<NamedTensor> &tensors,
                          const std::string &name) {
  for (auto &[each, tensor] : tensors)
    if (each == name)
      return &tensor;
  return nullptr;
}

/// Sorts the ids of each row in ascending order, -1 last, and their weights
/// with them: files are compared, and the rank order is not part of the format.
static void sortRouting(std::vector<NamedTensor> &results) {
  Tensor *ids = findTensor(results, "topk_ids");
  if (!ids || ids->dtype != MOEC_DTYPE_I32 || ids->shape.size() != 2)
    return;
  Tensor *weights = findTensor(results, "topk_weights");
  if (weights &&
      (weights->dtype != MOEC_DTYPE_F32 || weights->shape != ids->shape))
    weights = nullptr;
  size_t slots = ids->shape[1];
  std::vector<size_t> order(slots);
  for (int64_t row = 0; row < ids->shape[0]; ++row) {
    auto *rowIds = reinterpret_cast<int32_t *>(ids->bytes.data()) + row * slots;
    std::iota(order.begin(), order.end(), 0);
    // As unsigned numbers -1 comes last; equal ids keep their order.
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return std::pair(static_cast<uint32_t>(rowIds[a]), a) <
             std::pair(static_cast<uint32_t>(rowIds[b]), b);
    });
    auto permute = [&](auto *values) {
      auto copy = std::vector(values, values + slots);
      for (size_t i = 0; i < slots; ++i)
        values[i] = copy[order[i]];
    };
    if (weights)
      permute(reinterpret_cast<float *>(weights->bytes.data()) + row * slots);
    permute(rowIds);
  }
}

static Failure writeResults(const RunOptions &options, Call &call) {
  for (const auto &[name, path] : options.taps) {
    Tensor *value = findTensor(call.taps, name);
    if (!value)
      return inputError("--tap=" + name +
                        ": the function recorded no such "
                        "value");
    if (Failure failure = writeTensors(path, {{name, *value}}))
      return failure;
  }
  if (options.output.empty())
    return success();
  sortRouting(call.results);
  moec_function_info info = {};
  info.struct_size = sizeof(info);
  moec_function_get_info(call.function, &info);

  std::vector<std::string> wanted = options.outputs;
  if (wanted.empty()) {
    for (const auto &[name, value] : call.results)
      wanted.push_back(name);
    if (findTensor(call.results, "moe_out"))
      wanted = {"moe_out"};
  }
  // layers.3.moe gives layers.3.moe_out.
  std::string_view prefix = info.name;
  if (prefix.ends_with(".moe"))
    prefix.remove_suffix(3);
  else
    prefix = "";
  std::vector<NamedTensor> written;
  for (const std::string &name : wanted) {
    Tensor *value = findTensor(call.results, name);
    if (!value) {
      std::string names;
      for (const auto &[each, tensor] : call.results)
        names += (names.empty() ? "" : ", ") + each;
      return {ExitUsage, "--outputs: " + std::string(info.name) +
                             " has no result '" + name + "', only " + names};
    }
    std::string full = std::string(prefix) + name;
    if (!findTensor(written, full))
      written.emplace_back(full, *value);
  }
  return writeTensors(options.output, written);
}

static Failure run(const RunOptions &options) {
  moec_error error = {};
  Trace trace;
  moec_context_options contextOptions = {};
  contextOptions.struct_size = sizeof(contextOptions);
  contextOptions.threads = options.reference ? 1 : options.threads;
  contextOptions.host = &trace;
  if (!options.trace.empty())
    contextOptions.trace = Trace::record;
  moec_context *context = nullptr;
  if (moec_status status =
          moec_context_create(&contextOptions, &context, &error))
    return runtimeFailure(status, error);
  std::unique_ptr<moec_context, decltype(&moec_context_destroy)> contextOwner(
      context, moec_context_destroy);

  moec_module_options moduleOptions = {};
  moduleOptions.struct_size = sizeof(moduleOptions);
  if (options.verify)
    moduleOptions.flags |= MOEC_MODULE_VERIFY_WEIGHTS;
  if (options.reference)
    moduleOptions.flags |= MOEC_MODULE_NO_CODE;
  if (!options.level.empty())
    moduleOptions.level = options.level.c_str();
  moec_module *module = nullptr;
  if (moec_status status = moec_module_load_file(
          context, options.artifact.c_str(), &moduleOptions, &module, &error))
    return runtimeFailure(status, error);
  std::unique_ptr<moec_module, decltype(&moec_module_destroy)> moduleOwner(
      module, moec_module_destroy);

  if (!options.prompt.empty())
    return generate(module, options);
  Call call = {module, nullptr, {}, {}, {}};
  if (Failure failure = findFunction(module, options, call.function))
    return failure;
  if (Failure failure = readArguments(options, call))
    return failure;
  if (options.reference) {
    if (Failure failure = runReference(call))
      return failure;
  } else {
    std::vector<NamedTensor> parameters;
    if (Failure failure = readParameters(options, module, parameters))
      return failure;
    if (Failure failure = runCode(call, options, parameters))
      return failure;
  }
  if (Failure failure = writeResults(options, call))
    return failure;
  return options.trace.empty() ? success() : trace.write(options.trace);
}

int main(int argc, char **argv) {
  RunOptions options;
  Failure failure = parseRunOptions(argc, argv, options);
  if (!failure && options.help) {
    std::fputs(runUsage, stdout);
    return ExitOk;
  }
  if (!failure && options.version) {
    std::printf("moe-run %s\n", moec_version());
    return ExitOk;
  }
  if (!failure)
    failure = run(options);
  if (failure)
    std::fprintf(stderr, "moe-run: error: %s\n", failure.text.c_str());
  return failure.code;
}
