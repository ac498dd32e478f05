// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// llama.cpp's side, through its library, with its defaults: keys and values in
// f16, logits of the last token only. Usage: bench-llama MODEL.gguf THREADS

#include "llama.h"
#include "bench/llama/Decoder.h"

using namespace moec::bench;

int main(int argc, char **argv) {
  if (argc != 3)
    fail("usage: bench-llama MODEL.gguf THREADS");
  llama_log_set(
      [](ggml_log_level level, const char *text, void *) {
        if (level >= GGML_LOG_LEVEL_ERROR)
          std::fputs(text, stderr);
      },
      nullptr);
  llama_backend_init();
  llama_model_params loading = llama_model_default_params();
  llama_model *model = llama_model_load_from_file(argv[1], loading);
  if (!model)
    fail(std::string("cannot load ") + argv[1]);
  llama_context_params params = llama_context_default_params();
  params.n_ctx = kContext;
  params.n_batch = params.n_ubatch = 512;
  params.n_threads = params.n_threads_batch = std::atoi(argv[2]);
  llama_context *context = llama_init_from_model(model, params);
  if (!context)
    fail("cannot create a context");
  int32_t vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));

  auto clear = [&] { llama_memory_clear(llama_get_memory(context), true); };
  auto read = [&](std::vector<int32_t> &ids) {
    llama_batch batch = llama_batch_get_one(ids.data(), int32_t(ids.size()));
    if (llama_decode(context, batch))
      fail("llama_decode failed");
    return llama_get_logits_ith(context, -1);
  };
  return converse(llama_print_system_info(), vocabulary, clear, read);
}
