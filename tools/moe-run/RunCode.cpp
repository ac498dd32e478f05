// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Runner.h"

#include <cstdlib>
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

Failure runCode(Call &call, const std::vector<NamedTensor> &parameters) {
  moec_error error = {};
  moec_session *created = nullptr;
  if (moec_status status = moec_session_create(call.module, &created, &error))
    return runtimeFailure(status, error);
  std::unique_ptr<moec_session, decltype(&moec_session_destroy)> session(
      created, moec_session_destroy);
  for (const auto &[name, value] : parameters) {
    Tensor copy = value;
    DLTensor borrowed = copy.borrow();
    if (moec_status status = moec_session_set_parameter(
            session.get(), name.c_str(), &borrowed, &error))
      return runtimeFailure(status, error);
  }
  moec_session_set_tap(session.get(), recordTap, &call.taps);

  std::vector<DLTensor> tensors;
  for (Tensor &argument : call.arguments)
    tensors.push_back(argument.borrow());
  std::vector<const DLTensor *> arguments;
  for (DLTensor &tensor : tensors)
    arguments.push_back(&tensor);
  auto numArguments = static_cast<uint32_t>(arguments.size());

  moec_function_info info = {};
  info.struct_size = sizeof(info);
  moec_function_get_info(call.function, &info);
  for (uint32_t i = 0; i < info.num_results; ++i) {
    moec_tensor_info type = {};
    type.struct_size = sizeof(type);
    moec_function_get_result(call.function, i, &type);
    Tensor result;
    result.dtype = type.dtype;
    result.shape.resize(type.rank);
    if (moec_status status = moec_function_result_shape(
            call.function, arguments.data(), numArguments, i,
            result.shape.data(), &error))
      return runtimeFailure(status, error);
    uint64_t size = 0;
    if (!countBytes(result.dtype, result.shape, size))
      return inputError(std::string(info.name) + ": result '" + type.name +
                        "' would have the impossible shape " +
                        describeShape(result.shape));
    result.bytes.resize(size);
    call.results.emplace_back(type.name, std::move(result));
  }
  std::vector<DLTensor> resultTensors;
  for (auto &[name, result] : call.results)
    resultTensors.push_back(result.borrow());
  std::vector<const DLTensor *> results;
  for (DLTensor &tensor : resultTensors)
    results.push_back(&tensor);

  int64_t size = 0;
  if (moec_status status = moec_function_workspace_size(
          call.function, arguments.data(), numArguments, &size, &error))
    return runtimeFailure(status, error);
  std::unique_ptr<void, decltype(&std::free)> workspace(
      std::aligned_alloc(64, size), std::free);
  if (!workspace)
    return {ExitEnvironment, std::string(info.name) +
                                 ": cannot allocate a workspace of " +
                                 std::to_string(size) + " bytes"};
  return runtimeFailure(moec_session_call(session.get(), call.function,
                                          arguments.data(), numArguments,
                                          results.data(), info.num_results,
                                          workspace.get(), size, &error),
                        error);
}

} // namespace moec
