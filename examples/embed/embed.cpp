// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// embed ARTIFACT.moe FUNCTION: what embed.c does, in C++: calls a function of
// one f32 argument on one row of ones and prints the first numbers of its first
// result.

#include "moec/runtime.h"
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <vector>

template <auto destroy> struct Destroy {
  template <typename T> void operator()(T *object) const { destroy(object); }
};
using Context = std::unique_ptr<moec_context, Destroy<moec_context_destroy>>;
using Module = std::unique_ptr<moec_module, Destroy<moec_module_destroy>>;
using Session = std::unique_ptr<moec_session, Destroy<moec_session_destroy>>;

static moec_error error;

static void check(moec_status status) {
  if (status == MOEC_OK)
    return;
  std::fprintf(stderr, "embed: %s\n", error.text);
  std::exit(1);
}

/// A tensor with memory of its own.
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<char> data;
  DLTensor view = {};

  Tensor(std::vector<int64_t> sizes, int32_t dtype) : shape(std::move(sizes)) {
    int64_t count = std::accumulate(shape.begin(), shape.end(), int64_t(1),
                                    std::multiplies<>());
    data.resize(size_t(count) * moec_dtype_size(dtype));
    view.data = data.data();
    view.device = {kDLCPU, 0};
    view.ndim = int32_t(shape.size());
    view.dtype = moec_dtype_to_dlpack(dtype);
    view.shape = shape.data();
  }
  float *floats() { return reinterpret_cast<float *>(data.data()); }
};

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  moec_context *context;
  check(moec_context_create(nullptr, &context, &error));
  Context ownedContext(context);
  moec_module *module;
  check(moec_module_load_file(context, argv[1], nullptr, &module, &error));
  Module ownedModule(module);
  moec_session *session;
  check(moec_session_create(module, &session, &error));
  Session ownedSession(session);
  const moec_function *function = moec_module_find_function(module, argv[2]);
  moec_function_info info = {};
  info.struct_size = sizeof(info);
  moec_tensor_info argument = {};
  argument.struct_size = sizeof(argument);
  if (moec_function_get_info(function, &info) || info.num_arguments != 1 ||
      moec_function_get_argument(function, 0, &argument)) {
    std::fprintf(stderr, "embed: there is no such function of one argument\n");
    return 1;
  }

  std::vector<int64_t> shape;
  for (int32_t i = 0; i < argument.rank; ++i)
    shape.push_back(
        argument.dimensions[i].symbol ? 1 : argument.dimensions[i].size);
  Tensor input(shape, MOEC_DTYPE_F32);
  std::fill_n(input.floats(), input.data.size() / sizeof(float), 1.0f);
  const DLTensor *arguments[] = {&input.view};
  std::vector<Tensor> results;
  for (uint32_t i = 0; i < info.num_results; ++i) {
    moec_tensor_info result = {};
    result.struct_size = sizeof(result);
    check(moec_function_get_result(function, i, &result));
    std::vector<int64_t> sizes(size_t(result.rank));
    check(moec_function_result_shape(function, arguments, 1, i, sizes.data(),
                                     &error));
    results.emplace_back(sizes, result.dtype);
  }
  std::vector<const DLTensor *> views;
  for (Tensor &result : results)
    views.push_back(&result.view);

  int64_t size;
  check(moec_function_workspace_size(function, arguments, 1, &size, &error));
  std::unique_ptr<void, Destroy<std::free>> workspace(
      std::aligned_alloc(64, size_t(size)));
  check(moec_session_call(session, function, arguments, 1, views.data(),
                          info.num_results, workspace.get(), size, &error));
  for (int i = 0; i < 4; ++i)
    std::printf("%s%.6f", i ? " " : "", double(results[0].floats()[i]));
  std::printf("\n");
}
