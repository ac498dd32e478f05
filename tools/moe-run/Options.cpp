// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-run/Options.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace moec {

const char *const runUsage =
    R"(usage: moe-run ARTIFACT.moe [options]

Runs one function of an artifact.

  --function=NAME       the function; may be left out when there is only one
  --input=ARG=PLACE     an argument, from FILE.safetensors:TENSOR or FILE.npy
  --output=FILE         where results go: .safetensors, or .npy for one result
  --outputs=A,B         the results to write (moe_out, or all when there is none)
  --set=PARAM=PLACE     a mutable parameter
  --tap=NAME=FILE       writes a value that the function taps
  --target=cpu[:LEVEL]  the code to use, such as cpu:x86-64-v3
  --threads=N           workers, the calling thread included
  --chunk=N             calls a function of a session with N tokens at a time
  --context=N           tokens that the session has room for
  --prompt=TEXT         continues a text with a whole model instead
  --max-tokens=N        tokens of the continuation at most (128)
  --temperature=X       0: the likeliest token (0)
  --top-p=X             draws from the likeliest tokens with this probability (1)
  --seed=N              of the draw (0)
  --reference           interprets the artifact's source instead of its code
  --verify              checks the hashes of all weights first
  --trace=FILE          writes the tasks of the call as Chrome trace JSON

Exit codes: 0 done, 1 error in an input, 2 usage, 3 bad artifact, 4 environment.
)";

static Failure usage(std::string text) { return {ExitUsage, std::move(text)}; }

Failure parseRunOptions(int argc, char **argv, RunOptions &options) {
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (!argument.starts_with("--")) {
      if (argument.starts_with("-"))
        return usage("unknown option " + std::string(argument));
      if (!options.artifact.empty())
        return usage("expected one artifact, found '" + options.artifact +
                     "' and '" + std::string(argument) + "'");
      options.artifact = argument;
      continue;
    }
    size_t equal = argument.find('=');
    std::string name(argument.substr(0, equal));
    std::string value(
        equal == std::string_view::npos ? "" : argument.substr(equal + 1));

    bool *flag = name == "--reference" ? &options.reference
                 : name == "--verify"  ? &options.verify
                 : name == "--help"    ? &options.help
                 : name == "--version" ? &options.version
                                       : nullptr;
    if (flag) {
      if (equal != std::string_view::npos)
        return usage(name + " takes no value");
      *flag = true;
      continue;
    }
    auto *list = name == "--input" ? &options.inputs
                 : name == "--set" ? &options.parameters
                 : name == "--tap" ? &options.taps
                                   : nullptr;
    std::string *text = name == "--function" ? &options.function
                        : name == "--prompt" ? &options.prompt
                        : name == "--output" ? &options.output
                        : name == "--trace"  ? &options.trace
                                             : nullptr;
    uint32_t *number = name == "--threads"      ? &options.threads
                       : name == "--chunk"      ? &options.chunk
                       : name == "--context"    ? &options.context
                       : name == "--max-tokens" ? &options.maxTokens
                                                : nullptr;
    double *real = name == "--temperature" ? &options.temperature
                   : name == "--top-p"     ? &options.topP
                                           : nullptr;
    bool known = list || text || number || real || name == "--seed" ||
                 name == "--outputs" || name == "--target";
    if (!known)
      return usage("unknown option " + name);
    if (value.empty())
      return usage(name + " needs a value: " + name + "=...");
    if (text) {
      *text = value;
    } else if (list) {
      size_t split = value.find('=');
      if (split == std::string::npos || split == 0 || split + 1 == value.size())
        return usage(name + "=" + value + ": expected " + name + "=NAME=FILE");
      list->emplace_back(value.substr(0, split), value.substr(split + 1));
    } else if (name == "--outputs") {
      for (size_t begin = 0; begin <= value.size();) {
        size_t end = std::min(value.find(',', begin), value.size());
        if (end == begin)
          return usage("--outputs=" + value + ": expected names with commas");
        options.outputs.push_back(value.substr(begin, end - begin));
        begin = end + 1;
      }
    } else if (name == "--target") {
      if (value.starts_with("cpu:") && value.size() > 4)
        options.level = value.substr(4);
      else if (value == "cuda")
        return {ExitEnvironment,
                "--target=cuda: this build runs cpu code only"};
      else if (value != "cpu")
        return usage("--target=" + value + ": expected cpu or cpu:LEVEL");
    } else if (real) {
      char *end = nullptr;
      *real = std::strtod(value.c_str(), &end);
      double most = name == "--top-p" ? 1 : 100;
      if (*end || !(*real >= 0 && *real <= most))
        return usage(name + "=" + value + ": expected 0 to " +
                     std::to_string(static_cast<int>(most)));
    } else if (name == "--seed") {
      auto [end, code] = std::from_chars(
          value.data(), value.data() + value.size(), options.seed);
      if (code != std::errc() || end != value.data() + value.size())
        return usage("--seed=" + value + ": expected a whole number");
    } else {
      uint32_t most = name == "--threads" ? 1024 : 1 << 30;
      auto [end, code] =
          std::from_chars(value.data(), value.data() + value.size(), *number);
      if (code != std::errc() || end != value.data() + value.size() ||
          *number == 0 || *number > most)
        return usage(name + "=" + value + ": expected 1 to " +
                     std::to_string(most));
    }
  }
  if (options.help || options.version)
    return success();
  if (options.artifact.empty())
    return usage("expected an artifact; see moe-run --help");
  if (!options.outputs.empty() && options.output.empty())
    return usage("--outputs needs --output");
  if (options.reference && !options.parameters.empty())
    return usage("--set and --reference do not go together");
  if (!options.prompt.empty() &&
      (options.reference || !options.function.empty() ||
       !options.inputs.empty() || !options.output.empty()))
    return usage("--prompt goes with none of --function, --input, --output and "
                 "--reference");
  if (options.reference && options.chunk)
    return usage("--chunk and --reference do not go together");
  if (options.reference && !options.trace.empty())
    return usage("--trace and --reference do not go together");
  return success();
}

} // namespace moec
