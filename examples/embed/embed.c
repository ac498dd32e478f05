// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// embed ARTIFACT FUNCTION: calls a function of an artifact with tokens of ones
// and prints the first numbers of the result.
//
//   cc -I runtime/include examples/embed/embed.c -L build/lib -lmoec -o embed
//   LD_LIBRARY_PATH=build/lib ./embed tiny.moe layers.0.moe

#include "moec/runtime.h"
#include <stdio.h>
#include <stdlib.h>

enum { maxResults = 8, maxRank = 8 };

static DLTensor describe(const moec_tensor_info *info, int64_t *shape) {
  DLTensor tensor = {0};
  tensor.device.device_type = kDLCPU;
  tensor.dtype = moec_dtype_to_dlpack(info->dtype);
  tensor.ndim = info->rank;
  tensor.shape = shape;
  int64_t size = moec_dtype_size(info->dtype);
  for (int i = 0; i < info->rank; ++i)
    size *= shape[i];
  tensor.data = calloc(1, (size_t)size);
  return tensor;
}

int main(int argc, char **argv) {
  moec_error error = {""};
  moec_context *context = NULL;
  moec_module *module = NULL;
  moec_session *session = NULL;
  if (argc != 3)
    return 2;
  if (moec_context_create(NULL, &context, &error) ||
      moec_module_load_file(context, argv[1], NULL, &module, &error) ||
      moec_session_create(module, &session, &error)) {
    fprintf(stderr, "%s\n", error.text);
    return 1;
  }
  const moec_function *function = moec_module_find_function(module, argv[2]);
  moec_function_info info = {.struct_size = sizeof(info)};
  if (moec_function_get_info(function, &info) || info.num_results > maxResults)
    return 1;

  // Four tokens of ones.
  moec_tensor_info hidden = {.struct_size = sizeof(hidden)};
  moec_function_get_argument(function, 0, &hidden);
  int64_t shape[2] = {4, hidden.dimensions[1].size};
  DLTensor argument = describe(&hidden, shape);
  for (int64_t i = 0; i < shape[0] * shape[1]; ++i)
    ((float *)argument.data)[i] = 1.0f;
  const DLTensor *arguments[] = {&argument};

  DLTensor results[maxResults];
  const DLTensor *resultViews[maxResults];
  int64_t shapes[maxResults][maxRank];
  for (uint32_t i = 0; i < info.num_results; ++i) {
    moec_tensor_info result = {.struct_size = sizeof(result)};
    moec_function_get_result(function, i, &result);
    if (moec_function_result_shape(function, arguments, 1, i, shapes[i],
                                   &error))
      return 1;
    results[i] = describe(&result, shapes[i]);
    resultViews[i] = &results[i];
  }
  int64_t size = 0;
  moec_function_workspace_size(function, arguments, 1, &size, &error);
  void *workspace = aligned_alloc(64, (size_t)size);
  if (moec_session_call(session, function, arguments, 1, resultViews,
                        info.num_results, workspace, size, &error)) {
    fprintf(stderr, "%s\n", error.text);
    return 1;
  }
  const float *out = results[0].data;
  printf("%f %f %f %f\n", out[0], out[1], out[2], out[3]);

  moec_session_destroy(session);
  moec_module_destroy(module);
  moec_context_destroy(context);
  return 0;
}
