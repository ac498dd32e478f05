// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Runner.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace moec {

static void recordTap(void *host, const char *name, const moec_tensor *value) {
  Tensor tensor;
  tensor.dtype = value->dtype;
  tensor.shape.assign(value->shape, value->shape + value->rank);
  uint64_t size = 0;
  if (!countBytes(tensor.dtype, tensor.shape, size))
    return;
  auto *bytes = static_cast<const char *>(value->data);
  tensor.bytes.assign(bytes, bytes + size);
  static_cast<std::vector<NamedTensor> *>(host)->emplace_back(
      name, std::move(tensor));
}

using SessionOwner =
    std::unique_ptr<moec_session, decltype(&moec_session_destroy)>;

static moec_function_info infoOf(const moec_function *function) {
  moec_function_info info = {};
  info.struct_size = sizeof(info);
  moec_function_get_info(function, &info);
  return info;
}

static moec_tensor_info typeOf(const moec_function *function, bool isResult,
                               uint32_t index) {
  moec_tensor_info type = {};
  type.struct_size = sizeof(type);
  if (isResult)
    moec_function_get_result(function, index, &type);
  else
    moec_function_get_argument(function, index, &type);
  return type;
}

/// The dimension of this symbol, or -1.
static int findDimension(const moec_tensor_info &type, const char *symbol) {
  for (int32_t i = 0; symbol && i < type.rank; ++i)
    if (type.dimensions[i].symbol &&
        std::strcmp(type.dimensions[i].symbol, symbol) == 0)
      return i;
  return -1;
}

/// The size of what the call appends to the session's states; 0: nothing.
static int64_t appendedSize(const Call &call, const moec_function_info &info) {
  for (uint32_t i = 0; i < info.num_arguments; ++i) {
    int dim = findDimension(typeOf(call.function, false, i), info.appends);
    if (dim >= 0)
      return call.arguments[i].shape[dim];
  }
  return 0;
}

/// A session that fits the arguments: states have their sizes, and room for
/// what is appended.
static Failure makeSession(const Call &call, const RunOptions &options,
                           moec_session **session) {
  moec_function_info info = infoOf(call.function);
  std::vector<moec_size> sizes;
  for (uint32_t i = 0; i < info.num_arguments; ++i) {
    moec_tensor_info type = typeOf(call.function, false, i);
    for (int32_t j = 0; j < type.rank; ++j)
      if (const char *symbol = type.dimensions[j].symbol)
        sizes.push_back({symbol, call.arguments[i].shape[j]});
  }
  int64_t appended = appendedSize(call, info);
  moec_state_info counter = {};
  counter.struct_size = sizeof(counter);
  for (uint32_t i = 0; i < info.num_states; ++i) {
    moec_module_get_state(call.module, info.states[i], &counter);
    if (!counter.counts)
      continue;
    moec_state_info state = {};
    state.struct_size = sizeof(state);
    int64_t room = 0;
    for (uint32_t j = 0;
         moec_module_get_state(call.module, j, &state) == MOEC_OK; ++j)
      for (int32_t k = 0; k < state.rank; ++k)
        if (state.dimensions[k].symbol &&
            std::strcmp(state.dimensions[k].symbol, counter.counts) == 0)
          room = state.dimensions[k].size;
    if (room < appended)
      room = appended;
    sizes.push_back({counter.counts, options.context ? options.context : room});
  }
  moec_session_options sessionOptions = {};
  sessionOptions.struct_size = sizeof(sessionOptions);
  sessionOptions.num_sizes = static_cast<uint32_t>(sizes.size());
  sessionOptions.sizes = sizes.data();
  moec_error error = {};
  return runtimeFailure(moec_session_create_with_options(
                            call.module, &sessionOptions, session, &error),
                        error);
}

/// Copies entries of one dimension from `from` to `to`, which are alike but for
/// its size.
static void copyPart(const Tensor &from, int64_t fromOffset, Tensor &to,
                     int64_t toOffset, int dim, int64_t count) {
  int64_t outer = 1;
  for (int i = 0; i < dim; ++i)
    outer *= from.shape[i];
  size_t inner = moec_dtype_size(from.dtype);
  for (size_t i = dim + 1; i < from.shape.size(); ++i)
    inner *= from.shape[i];
  for (int64_t i = 0; i < outer; ++i)
    std::memcpy(to.bytes.data() + (i * to.shape[dim] + toOffset) * inner,
                from.bytes.data() + (i * from.shape[dim] + fromOffset) * inner,
                count * inner);
}

Failure callInSession(const moec_function *function, moec_session *session,
                      std::vector<Tensor> &given,
                      std::vector<NamedTensor> &made) {
  moec_error error = {};
  std::vector<DLTensor> tensors;
  for (Tensor &argument : given)
    tensors.push_back(argument.borrow());
  std::vector<const DLTensor *> arguments;
  for (DLTensor &tensor : tensors)
    arguments.push_back(&tensor);
  auto numArguments = static_cast<uint32_t>(arguments.size());

  moec_function_info info = infoOf(function);
  for (uint32_t i = 0; i < info.num_results; ++i) {
    moec_tensor_info type = typeOf(function, true, i);
    Tensor result;
    result.dtype = type.dtype;
    result.shape.resize(type.rank);
    if (moec_status status =
            moec_function_result_shape(function, arguments.data(), numArguments,
                                       i, result.shape.data(), &error))
      return runtimeFailure(status, error);
    uint64_t size = 0;
    if (!countBytes(result.dtype, result.shape, size))
      return inputError(std::string(info.name) + ": result '" + type.name +
                        "' would have the impossible shape " +
                        describeShape(result.shape));
    result.bytes.resize(size);
    made.emplace_back(type.name, std::move(result));
  }
  std::vector<DLTensor> resultTensors;
  for (auto &[name, result] : made)
    resultTensors.push_back(result.borrow());
  std::vector<const DLTensor *> results;
  for (DLTensor &tensor : resultTensors)
    results.push_back(&tensor);

  int64_t size = 0;
  if (moec_status status = moec_session_workspace_size(
          session, function, arguments.data(), numArguments, &size, &error))
    return runtimeFailure(status, error);
  std::unique_ptr<void, decltype(&std::free)> workspace(
      std::aligned_alloc(64, size), std::free);
  if (!workspace)
    return {ExitEnvironment, std::string(info.name) +
                                 ": cannot allocate a workspace of " +
                                 std::to_string(size) + " bytes"};
  return runtimeFailure(moec_session_call(session, function, arguments.data(),
                                          numArguments, results.data(),
                                          info.num_results, workspace.get(),
                                          size, &error),
                        error);
}

/// Calls with `chunk` entries of the appended dimension at a time, and joins
/// the results.
static Failure callInChunks(Call &call, moec_session *session, int64_t total,
                            int64_t chunk) {
  moec_function_info info = infoOf(call.function);
  for (int64_t first = 0; first < total; first += chunk) {
    int64_t count = std::min(chunk, total - first);
    std::vector<Tensor> arguments = call.arguments;
    for (uint32_t i = 0; i < info.num_arguments; ++i) {
      int dim = findDimension(typeOf(call.function, false, i), info.appends);
      if (dim < 0)
        continue;
      arguments[i].bytes.resize(arguments[i].bytes.size() / total * count);
      arguments[i].shape[dim] = count;
      copyPart(call.arguments[i], first, arguments[i], 0, dim, count);
    }
    std::vector<NamedTensor> results;
    if (Failure failure =
            callInSession(call.function, session, arguments, results))
      return failure;
    for (uint32_t i = 0; i < info.num_results; ++i) {
      auto &[name, part] = results[i];
      int dim = findDimension(typeOf(call.function, true, i), info.appends);
      if (first == 0) {
        Tensor whole = part;
        if (dim >= 0) {
          whole.bytes.resize(part.bytes.size() / count * total);
          whole.shape[dim] = total;
        }
        call.results.emplace_back(name, std::move(whole));
      }
      if (dim >= 0)
        copyPart(part, 0, call.results[i].second, first, dim, count);
      else
        call.results[i].second = part;
    }
  }
  return success();
}

Failure runCode(Call &call, const RunOptions &options,
                const std::vector<NamedTensor> &parameters) {
  moec_error error = {};
  moec_session *created = nullptr;
  if (Failure failure = makeSession(call, options, &created))
    return failure;
  SessionOwner session(created, moec_session_destroy);
  for (const auto &[name, value] : parameters) {
    Tensor copy = value;
    DLTensor borrowed = copy.borrow();
    if (moec_status status = moec_session_set_parameter(
            session.get(), name.c_str(), &borrowed, &error))
      return runtimeFailure(status, error);
  }
  moec_session_set_tap(session.get(), recordTap, &call.taps);
  moec_function_info info = infoOf(call.function);
  int64_t appended = appendedSize(call, info);
  if (options.chunk && !info.appends)
    return {ExitUsage, std::string("--chunk: ") + info.name +
                           " does not append to a session"};
  if (options.chunk && appended > 0)
    return callInChunks(call, session.get(), appended, options.chunk);
  return callInSession(call.function, session.get(), call.arguments,
                       call.results);
}

} // namespace moec
