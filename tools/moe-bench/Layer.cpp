// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-bench/Layer.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace moec::bench {

static std::unique_ptr<char, void (*)(void *)> allocateBytes(int64_t size) {
  size_t rounded = (size_t(std::max<int64_t>(size, 1)) + 63) / 64 * 64;
  auto *data = static_cast<char *>(std::aligned_alloc(64, rounded));
  if (data)
    std::memset(data, 0, rounded);
  return {data, std::free};
}

int64_t Layer::Tensor::count() const {
  int64_t product = 1;
  for (int64_t size : shape)
    product *= size;
  return product;
}

bool Layer::Tensor::allocate() {
  data = allocateBytes(count() * moec_dtype_size(info.dtype));
  view = {};
  view.data = data.get();
  view.device = {kDLCPU, 0};
  view.ndim = info.rank;
  view.dtype = moec_dtype_to_dlpack(info.dtype);
  view.shape = shape.data();
  return data != nullptr;
}

Layer::Layer(const moec_function *function) : function(function) {
  moec_function_info info = {};
  info.struct_size = sizeof(info);
  moec_function_get_info(function, &info);
  arguments.resize(info.num_arguments);
  results.resize(info.num_results);
  auto describe = [&](std::vector<Tensor> &tensors, auto get) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].info = {};
      tensors[i].info.struct_size = sizeof(moec_tensor_info);
      get(function, uint32_t(i), &tensors[i].info);
    }
  };
  describe(arguments, moec_function_get_argument);
  describe(results, moec_function_get_result);
}

const Layer::Tensor *Layer::find(const std::vector<Tensor> &tensors,
                                 const char *wanted) const {
  for (const Tensor &tensor : tensors)
    if (!std::strcmp(tensor.info.name, wanted) && tensor.info.rank > 0)
      return &tensor;
  return nullptr;
}

const char *Layer::name() const {
  moec_function_info info = {};
  info.struct_size = sizeof(info);
  moec_function_get_info(function, &info);
  return info.name;
}

static int64_t lastSize(const moec_tensor_info &info) {
  return std::max<int64_t>(0, info.dimensions[info.rank - 1].size);
}

int64_t Layer::hidden() const {
  const Tensor *tensor = find(arguments, "hidden_states");
  bool usable = tensor && tensor->info.dtype == MOEC_DTYPE_F32;
  return usable ? lastSize(tensor->info) : 0;
}

int64_t Layer::slots() const {
  const Tensor *tensor = find(results, "topk_ids");
  return tensor ? lastSize(tensor->info) : 0;
}

float *Layer::hiddenStates() {
  return reinterpret_cast<float *>(
      find(arguments, "hidden_states")->data.get());
}

std::string Layer::prepare(moec_session *newSession, int64_t tokens) {
  session = newSession;
  argumentViews.clear();
  resultViews.clear();
  moec_error error;
  for (Tensor &argument : arguments) {
    argument.shape.clear();
    // Of several free sizes (batch, sequence) the last one is the tokens.
    for (int32_t i = argument.info.rank; i-- > 0;) {
      const moec_dimension &dimension = argument.info.dimensions[i];
      bool taken = std::count(argument.shape.begin(), argument.shape.end(), -1);
      argument.shape.push_back(!dimension.symbol ? dimension.size
                               : taken           ? 1
                                                 : -1);
    }
    std::reverse(argument.shape.begin(), argument.shape.end());
    std::replace(argument.shape.begin(), argument.shape.end(), int64_t(-1),
                 tokens);
    if (!argument.allocate())
      return "no memory for argument '" + std::string(argument.info.name) + "'";
    argumentViews.push_back(&argument.view);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    Tensor &result = results[i];
    result.shape.resize(size_t(result.info.rank));
    if (moec_function_result_shape(function, argumentViews.data(),
                                   uint32_t(argumentViews.size()), uint32_t(i),
                                   result.shape.data(), &error))
      return error.text;
    if (!result.allocate())
      return "no memory for result '" + std::string(result.info.name) + "'";
    resultViews.push_back(&result.view);
  }
  if (moec_function_workspace_size(function, argumentViews.data(),
                                   uint32_t(argumentViews.size()),
                                   &workspaceSize, &error))
    return error.text;
  workspace = allocateBytes(workspaceSize);
  return workspace ? "" : "no memory for the workspace";
}

std::string Layer::call() {
  moec_error error;
  if (moec_session_call(session, function, argumentViews.data(),
                        uint32_t(argumentViews.size()), resultViews.data(),
                        uint32_t(resultViews.size()), workspace.get(),
                        workspaceSize, &error))
    return error.text;
  return "";
}

Layer::Routed Layer::routed(int64_t experts) const {
  Routed routed;
  const Tensor *ids = find(results, "topk_ids");
  if (!ids || ids->info.dtype != MOEC_DTYPE_I32)
    return routed;
  std::vector<bool> seen(size_t(experts), false);
  const auto *data = reinterpret_cast<const int32_t *>(ids->data.get());
  for (int64_t i = 0, e = ids->count(); i < e; ++i) {
    if (data[i] < 0 || data[i] >= experts)
      continue;
    ++routed.rows;
    if (!seen[size_t(data[i])])
      ++routed.experts;
    seen[size_t(data[i])] = true;
  }
  return routed;
}

} // namespace moec::bench
