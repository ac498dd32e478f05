// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tokens that llama.cpp gives to texts, for
// tools/dev/make_gguf_tokenizer_cases.py. Usage: bench-tokenize
// VOCAB.gguf Reads "LENGTH\n" and as many bytes, again and again; answers a
// line of ids.

#include "bench/llama/Decoder.h"
#include "llama.h"

using namespace moec::bench;

int main(int argc, char **argv) {
  if (argc != 2)
    fail("usage: bench-tokenize VOCAB.gguf");
  llama_log_set(
      [](ggml_log_level level, const char *text, void *) {
        if (level >= GGML_LOG_LEVEL_ERROR)
          std::fputs(text, stderr);
      },
      nullptr);
  llama_model_params loading = llama_model_default_params();
  loading.vocab_only = true;
  llama_model *model = llama_model_load_from_file(argv[1], loading);
  if (!model)
    fail(std::string("cannot load ") + argv[1]);
  const llama_vocab *vocabulary = llama_model_get_vocab(model);
  unsigned length;
  while (std::scanf("%u", &length) == 1) {
    std::string text(length, '\0');
    std::getchar();
    if (std::fread(text.data(), 1, length, stdin) != length)
      fail("a text ends early");
    std::vector<llama_token> ids(length + 16);
    int32_t count =
        llama_tokenize(vocabulary, text.data(), int32_t(length), ids.data(),
                       int32_t(ids.size()), /*add_special=*/true,
                       /*parse_special=*/true);
    for (int32_t i = 0; i < count; ++i)
      std::printf("%d ", ids[size_t(i)]);
    std::printf("\n");
  }
  return 0;
}
