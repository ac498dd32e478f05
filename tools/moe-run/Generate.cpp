// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Generate.h"
#include "tools/moe-run/Runner.h"
#include "tools/moe-run/Sampler.h"
#include "tools/tokenizer/Tokenizer.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

namespace moec {

using SessionOwner =
    std::unique_ptr<moec_session, decltype(&moec_session_destroy)>;

namespace {
using Clock = std::chrono::steady_clock;

/// Tokens in, the logits of the last one out.
class Decoder {
public:
  Failure open(const moec_module *module, uint64_t context);
  Failure run(const std::vector<int32_t> &ids);
  std::span<const float> getLogits() const { return logits; }

private:
  const moec_function *function = nullptr;
  SessionOwner session{nullptr, moec_session_destroy};
  int32_t idType = 0;
  std::vector<float> logits;
};
} // namespace

Failure Decoder::open(const moec_module *module, uint64_t context) {
  function = moec_module_find_function(module, "prefill");
  moec_function_info info = {};
  info.struct_size = sizeof(info);
  if (!function || moec_function_get_info(function, &info) ||
      info.num_arguments != 1 || info.num_results != 1)
    return inputError("--prompt: the artifact has no function 'prefill'; "
                      "compile a checkpoint with --scope=model");
  moec_tensor_info ids = {};
  ids.struct_size = sizeof(ids);
  moec_function_get_argument(function, 0, &ids);
  idType = ids.dtype;
  std::vector<moec_size> sizes;
  for (int32_t i = 0; i < ids.rank; ++i)
    if (ids.dimensions[i].symbol)
      sizes.push_back({ids.dimensions[i].symbol, 1});
  for (uint32_t i = 0; i < info.num_states; ++i) {
    moec_state_info state = {};
    state.struct_size = sizeof(state);
    moec_module_get_state(module, info.states[i], &state);
    if (state.counts)
      sizes.push_back({state.counts, static_cast<int64_t>(context)});
  }
  moec_session_options options = {};
  options.struct_size = sizeof(options);
  options.num_sizes = static_cast<uint32_t>(sizes.size());
  options.sizes = sizes.data();
  moec_session *created = nullptr;
  moec_error error = {};
  moec_status status =
      moec_session_create_with_options(module, &options, &created, &error);
  session.reset(created);
  return runtimeFailure(status, error);
}

Failure Decoder::run(const std::vector<int32_t> &ids) {
  Tensor input;
  input.dtype = idType;
  input.shape = {1, static_cast<int64_t>(ids.size())};
  input.bytes.resize(ids.size() * moec_dtype_size(idType));
  for (size_t i = 0; i < ids.size(); ++i) {
    int64_t wide = ids[i];
    // Little-endian: the low bytes of either width.
    std::memcpy(input.bytes.data() + i * moec_dtype_size(idType), &wide,
                moec_dtype_size(idType));
  }
  std::vector<Tensor> arguments;
  arguments.push_back(std::move(input));
  std::vector<NamedTensor> results;
  if (Failure failure =
          callInSession(function, session.get(), arguments, results))
    return failure;
  const Tensor &result = results.front().second;
  logits.resize(static_cast<size_t>(result.shape.back()));
  std::memcpy(logits.data(), result.bytes.data(), logits.size() * 4);
  return success();
}

/// How many bytes at the front of `text` are whole UTF-8 characters, or can
/// never become one.
static size_t countComplete(const std::string &text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    auto byte = static_cast<unsigned char>(text[text.size() - back]);
    size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (byte >= 0xC0)
      return length > back ? text.size() - back : text.size();
    if (byte < 0x80)
      break;
  }
  return text.size();
}

/// Speed of `count` tokens on stderr.
static void report(const char *what, size_t count, Clock::duration time) {
  double seconds = std::chrono::duration<double>(time).count();
  std::fprintf(stderr, "moe-run: %s: %zu tokens, %.1f tokens/s\n", what, count,
               seconds > 0 ? double(count) / seconds : 0.0);
}

Failure generate(const moec_module *module, const RunOptions &options) {
  moec_module_info info = {};
  info.struct_size = sizeof(info);
  moec_module_get_info(module, &info);
  if (!info.tokenizer)
    return inputError("--prompt: the artifact has no tokenizer; compile a "
                      "checkpoint that has one (tokenizer.json, or the "
                      "vocabulary of a .gguf file) with --scope=model");
  std::string error;
  auto tokenizer =
      tokenizer::Tokenizer::parse({info.tokenizer, info.tokenizer_size}, error);
  if (!tokenizer)
    return inputError("the artifact's tokenizer: " + error);
  std::vector<int32_t> ids = tokenizer->encode(options.prompt);
  if (ids.empty())
    return inputError("--prompt: the text has no tokens");

  Decoder decoder;
  uint64_t context =
      options.context ? options.context : ids.size() + options.maxTokens;
  if (Failure failure = decoder.open(module, context))
    return failure;
  Sampler sampler(options.temperature, options.topP, options.seed);
  Clock::time_point begin = Clock::now();
  if (Failure failure = decoder.run(ids))
    return failure;
  Clock::time_point first = Clock::now();

  std::string pending;
  size_t made = 0;
  const std::vector<int32_t> &ends = tokenizer->getEndIds();
  while (made < options.maxTokens) {
    int32_t id = sampler.choose(decoder.getLogits());
    ++made;
    if (std::find(ends.begin(), ends.end(), id) != ends.end())
      break;
    pending += tokenizer->decode(id);
    size_t complete = countComplete(pending);
    std::fwrite(pending.data(), 1, complete, stdout);
    std::fflush(stdout);
    pending.erase(0, complete);
    if (made == options.maxTokens)
      break;
    if (Failure failure = decoder.run({id}))
      return failure;
  }
  std::fwrite(pending.data(), 1, pending.size(), stdout);
  std::fputc('\n', stdout);
  report("prompt", ids.size(), first - begin);
  report("answer", made, Clock::now() - first);
  return success();
}

} // namespace moec
