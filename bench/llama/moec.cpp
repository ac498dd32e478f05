// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled model through the C API. Usage: bench-moec MODEL.moe THREADS

#include "bench/llama/Decoder.h"
#include "moec/runtime.h"
#include <memory>

using namespace moec::bench;

static void check(moec_status status, const moec_error &error) {
  if (status)
    fail(error.text);
}

int main(int argc, char **argv) {
  if (argc != 3)
    fail("usage: bench-moec MODEL.moe THREADS");
  moec_error error = {};
  moec_context_options options = {};
  options.struct_size = sizeof(options);
  options.threads = uint32_t(std::atoi(argv[2]));
  moec_context *context = nullptr;
  check(moec_context_create(&options, &context, &error), error);
  // Hashing reads every weight, so that all pages are mapped before a call.
  moec_module_options loading = {};
  loading.struct_size = sizeof(loading);
  loading.flags = MOEC_MODULE_VERIFY_WEIGHTS;
  moec_module *module = nullptr;
  check(moec_module_load_file(context, argv[1], &loading, &module, &error),
        error);
  const moec_function *function = moec_module_find_function(module, "prefill");
  if (!function)
    fail("the artifact has no function prefill");
  moec_tensor_info result = {};
  result.struct_size = sizeof(result);
  moec_function_get_result(function, 0, &result);
  int64_t vocabulary = result.dimensions[result.rank - 1].size;

  moec_size sizes[] = {{"B", 1}, {"C", kContext}};
  moec_session_options sessions = {};
  sessions.struct_size = sizeof(sessions);
  sessions.num_sizes = 2;
  sessions.sizes = sizes;
  moec_session *session = nullptr;
  check(moec_session_create_with_options(module, &sessions, &session, &error),
        error);

  std::vector<int64_t> wide;
  std::vector<float> logits(static_cast<size_t>(vocabulary));
  int64_t workspaceSize = 0;
  std::unique_ptr<char, void (*)(void *)> workspace(nullptr, std::free);
  auto read = [&](std::vector<int32_t> &ids) -> const float * {
    auto count = int64_t(ids.size());
    wide.assign(ids.begin(), ids.end());
    int64_t shape[] = {1, count}, resultShape[] = {1, vocabulary};
    DLTensor argument = {}, output = {};
    argument.data = wide.data();
    argument.device = output.device = {kDLCPU, 0};
    argument.dtype = moec_dtype_to_dlpack(MOEC_DTYPE_I64);
    argument.shape = shape;
    argument.ndim = 2;
    output.data = logits.data();
    output.dtype = moec_dtype_to_dlpack(MOEC_DTYPE_F32);
    output.shape = resultShape;
    output.ndim = 2;
    const DLTensor *arguments[] = {&argument}, *results[] = {&output};
    int64_t size = 0;
    check(moec_session_workspace_size(session, function, arguments, 1, &size,
                                      &error),
          error);
    if (size > workspaceSize) {
      workspaceSize = (size + 63) / 64 * 64;
      workspace.reset(
          static_cast<char *>(std::aligned_alloc(64, size_t(workspaceSize))));
    }
    check(moec_session_call(session, function, arguments, 1, results, 1,
                            workspace.get(), size, &error),
          error);
    return logits.data();
  };
  auto clear = [&] { moec_session_reset(session); };
  return converse(moec_version(), vocabulary, clear, read);
}
