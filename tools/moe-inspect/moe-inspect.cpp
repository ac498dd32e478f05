// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/moe-inspect/Describe.h"
#include "tools/moe-run/Runner.h"

#include <cstdio>
#include <memory>
#include <string_view>

using namespace moec;

static constexpr const char *usage =
    R"(usage: moe-inspect ARTIFACT.moe [--json] [--ir]

Prints what an artifact holds. Nothing of it is executed.

  --json  as JSON
  --ir    the source module as MLIR text instead
)";

static Failure inspect(const std::string &path, bool json, bool ir) {
  moec_error error = {};
  moec_context_options options = {};
  options.struct_size = sizeof(options);
  options.threads = 1;
  moec_context *context = nullptr;
  if (moec_status status = moec_context_create(&options, &context, &error))
    return runtimeFailure(status, error);
  std::unique_ptr<moec_context, decltype(&moec_context_destroy)> contextOwner(
      context, moec_context_destroy);
  moec_module_options moduleOptions = {};
  moduleOptions.struct_size = sizeof(moduleOptions);
  moduleOptions.flags = MOEC_MODULE_NO_CODE;
  moec_module *module = nullptr;
  if (moec_status status = moec_module_load_file(
          context, path.c_str(), &moduleOptions, &module, &error))
    return runtimeFailure(status, error);
  std::unique_ptr<moec_module, decltype(&moec_module_destroy)> moduleOwner(
      module, moec_module_destroy);

  if (ir) {
    moec_module_info info = {};
    info.struct_size = sizeof(info);
    moec_module_get_info(module, &info);
    return printSource(info);
  }
  nlohmann::ordered_json description = describeModule(module);
  std::string text =
      json ? description.dump(2, ' ', false,
                              nlohmann::json::error_handler_t::replace) +
                 "\n"
           : formatModule(description);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return success();
}

int main(int argc, char **argv) {
  std::string path;
  bool json = false, ir = false;
  Failure failure;
  for (int i = 1; i < argc && !failure; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--help") {
      std::fputs(usage, stdout);
      return ExitOk;
    }
    if (argument == "--version") {
      std::printf("moe-inspect %s\n", moec_version());
      return ExitOk;
    }
    if (argument == "--json")
      json = true;
    else if (argument == "--ir")
      ir = true;
    else if (argument.starts_with("-"))
      failure = {ExitUsage, "unknown option " + std::string(argument)};
    else if (!path.empty())
      failure = {ExitUsage, "expected one artifact"};
    else
      path = argument;
  }
  if (!failure && path.empty())
    failure = {ExitUsage, "expected an artifact; see moe-inspect --help"};
  if (!failure && json && ir)
    failure = {ExitUsage, "--json and --ir do not go together"};
  if (!failure)
    failure = inspect(path, json, ir);
  if (failure)
    std::fprintf(stderr, "moe-inspect: error: %s\n", failure.text.c_str());
  return failure.code;
}
