// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/driver/Compiler.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdio>

static const char *orDefault(const char *text, const char *standard) {
  return text ? text : standard;
}

int32_t moec_compile(const moec_compile_options *options) {
  if (!options || options->struct_size < sizeof(moec_compile_options) ||
      !options->input)
    return MOEC_COMPILE_USAGE_ERROR;

  auto message = [&](llvm::StringRef text) {
    if (options->message)
      options->message(options->host, text.str().c_str());
    else
      llvm::errs() << "moec: " << text << '\n';
  };
  auto text = [&](llvm::StringRef data) {
    if (options->text)
      options->text(options->host, data.data(), data.size());
  };

  moec::CompileOptions compileOptions;
  compileOptions.input = options->input;
  compileOptions.output = orDefault(options->output, "");
  for (const std::string &wrong :
       {moec::applyEmit(compileOptions, orDefault(options->emit, "artifact")),
        moec::applyTarget(compileOptions, orDefault(options->target, "cpu")),
        moec::applyScope(compileOptions, orDefault(options->scope, "moe")),
        moec::applyCompute(compileOptions, orDefault(options->compute, "f32")),
        moec::checkOutput(compileOptions)}) {
    if (wrong.empty())
      continue;
    message("error: " + wrong);
    return MOEC_COMPILE_USAGE_ERROR;
  }
  return moec::compile(compileOptions, {message, text});
}
