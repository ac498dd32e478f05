// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled layer through the C API. The rest of the command line names one
// artifact a copy of the weights.

#include "bench/peers/Peer.h"
#include "moec/runtime.h"
#include <memory>

using namespace moec::peers;

namespace {
/// One copy of the layer: module, session and the tensors of a call.
struct Copy {
  moec_module *module = nullptr;
  moec_session *session = nullptr;
};

void check(moec_status status, const moec_error &error) {
  if (status)
    Layer::fail(error.text);
}

DLTensor makeTensor(int32_t dtype, int64_t *shape, int32_t rank,
                    std::vector<char> &data) {
  DLTensor tensor = {};
  tensor.device = {kDLCPU, 0};
  tensor.dtype = moec_dtype_to_dlpack(dtype);
  tensor.shape = shape;
  tensor.ndim = rank;
  int64_t bytes = moec_dtype_size(dtype);
  for (int32_t i = 0; i < rank; ++i)
    bytes *= shape[i];
  data.resize(size_t(bytes));
  tensor.data = data.data();
  return tensor;
}
} // namespace

int main(int argc, char **argv) {
  Layer layer(argc, argv);
  moec_error error = {};
  moec_context_options options = {};
  options.struct_size = sizeof(options);
  options.threads = uint32_t(layer.threads);
  moec_context *context = nullptr;
  check(moec_context_create(&options, &context, &error), error);
  // Hashing reads every weight, so that all pages are mapped before a call, as
  // those of engines that copy their weights are.
  moec_module_options loading = {};
  loading.struct_size = sizeof(loading);
  loading.flags = MOEC_MODULE_VERIFY_WEIGHTS;
  std::vector<Copy> copies(layer.rest.size());
  for (size_t i = 0; i < copies.size(); ++i) {
    check(moec_module_load_file(context, layer.rest[i].c_str(), &loading,
                                &copies[i].module, &error),
          error);
    check(moec_session_create(copies[i].module, &copies[i].session, &error),
          error);
  }
  layer.copies = int(copies.size());

  int64_t workspaceSize = 0;
  std::unique_ptr<char, void (*)(void *)> workspace(nullptr, std::free);
  auto compute = [&](const float *x, int64_t tokens, float *y, int copy) {
    const moec_function *function =
        moec_module_find_function(copies[size_t(copy)].module, "layers.0.moe");
    if (!function)
      Layer::fail("the artifact has no function layers.0.moe");
    moec_function_info info = {};
    info.struct_size = sizeof(info);
    moec_function_get_info(function, &info);
    int64_t shape[] = {tokens, layer.hidden};
    DLTensor argument = {};
    argument.data = const_cast<float *>(x);
    argument.device = {kDLCPU, 0};
    argument.dtype = moec_dtype_to_dlpack(MOEC_DTYPE_F32);
    argument.shape = shape;
    argument.ndim = 2;
    const DLTensor *arguments[] = {&argument};
    std::vector<DLTensor> results(info.num_results);
    std::vector<const DLTensor *> views;
    std::vector<std::vector<int64_t>> shapes(info.num_results);
    std::vector<std::vector<char>> data(info.num_results);
    for (uint32_t i = 0; i < info.num_results; ++i) {
      moec_tensor_info result = {};
      result.struct_size = sizeof(result);
      moec_function_get_result(function, i, &result);
      shapes[i].resize(size_t(result.rank));
      check(moec_function_result_shape(function, arguments, 1, i,
                                       shapes[i].data(), &error),
            error);
      results[i] =
          makeTensor(result.dtype, shapes[i].data(), result.rank, data[i]);
      if (!std::strcmp(result.name, "moe_out"))
        results[i].data = y;
      views.push_back(&results[i]);
    }
    int64_t size = 0;
    check(moec_function_workspace_size(function, arguments, 1, &size, &error),
          error);
    if (size > workspaceSize) {
      workspaceSize = (size + 63) / 64 * 64;
      workspace.reset(
          static_cast<char *>(std::aligned_alloc(64, size_t(workspaceSize))));
      std::memset(workspace.get(), 0, size_t(workspaceSize));
    }
    double begin = now();
    check(moec_session_call(copies[size_t(copy)].session, function, arguments,
                            1, views.data(), info.num_results, workspace.get(),
                            size, &error),
          error);
    return now() - begin;
  };
  return converse(layer, moec_version(), compute);
}
