// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// moec INPUT -o OUT.moe: compiles a model description to a binary.

#include "tools/driver/Compiler.h"
#include "tools/driver/ProgressLine.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

namespace cl = llvm::cl;

namespace {
cl::OptionCategory category("moec options");

cl::opt<std::string> input(cl::Positional, cl::Required, cl::cat(category),
                           cl::desc("INPUT: checkpoint directory, .json, .mlir"
                                    ", .mlirbc, .gguf or .onnx"));
cl::opt<std::string> output("o", cl::cat(category), cl::value_desc("file"),
                            cl::desc("output file"));
cl::opt<std::string> target("target", cl::cat(category), cl::init("cpu"),
                            cl::desc("cpu or cpu:LEVEL,.. with LEVEL "
                                     "x86-64-v3 or x86-64-v4, perhaps with "
                                     "+avxvnni, +avx512vnni or +avx512bf16 "
                                     "after it; cuda or "
                                     "cuda:ARCH,.. with ARCH sm_80, sm_90a, "
                                     "sm_100a or sm_120"));
cl::opt<std::string> scope("scope", cl::cat(category), cl::init("moe"),
                           cl::desc("moe: one function for each MoE layer; "
                                    "model: forward and decode of the whole"));
cl::opt<std::string> compute("compute", cl::cat(category), cl::init("f32"),
                             cl::desc("f32; int8: experts of int8 or int4 "
                                      "weights multiply integers; bf16: "
                                      "experts of bf16 weights round rows"));
cl::opt<std::string> quantize("quantize", cl::cat(category),
                              cl::desc("q8_0 or q4_0: quantise the float "
                                       "weights of experts"));
cl::opt<std::string> emit("emit", cl::cat(category), cl::init("artifact"),
                          cl::desc("artifact, object, shared, mlir, llvm, "
                                   "asm, cuda, ptx or cubin"));
cl::opt<std::string> weights("weights", cl::cat(category), cl::init("linked"),
                             cl::desc("of an object: linked (into it), file "
                                      "(NAME.weights) or "
                                      "pointers (each call hands them over)"));
cl::opt<std::string> abi("abi", cl::cat(category), cl::init("c"),
                         cl::desc("of a shared object: c, or tvm-ffi in "
                                  "addition"));
cl::list<std::string> taps("tap", cl::cat(category), cl::value_desc("glob"),
                           cl::desc("keep the taps whose name matches"));
cl::opt<bool> exact("exact", cl::cat(category),
                    cl::desc("allow only bit-exact passes"));
cl::opt<bool> explain("explain", cl::cat(category),
                      cl::desc("print why each strategy was chosen"));
cl::opt<std::string> dumpPhases("dump-phases", cl::cat(category),
                                cl::value_desc("dir"),
                                cl::desc("write the IR after each phase"));
cl::opt<bool> stripSource("strip-source", cl::cat(category),
                          cl::desc("leave the moe module out of the artifact"));
cl::list<std::string> disabled("disable-pass", cl::cat(category), cl::Hidden,
                               cl::desc("leave an optimisation pass out"));
cl::opt<bool> verifyEach("verify-each", cl::cat(category), cl::Hidden,
                         cl::desc("verify the IR after each pass"));

/// The first wrong word of the command line, or an empty text.
std::string readOptions(moec::CompileOptions &options) {
  options.input = input;
  options.output = output;
  options.taps = taps;
  options.exact = exact;
  options.explain = explain;
  options.dumpPhases = dumpPhases;
  options.stripSource = stripSource;
  options.disabledPasses = disabled;
  options.verifyEach = verifyEach;
  options.quantize = quantize;
  for (const std::string &wrong :
       {moec::applyEmit(options, emit), moec::applyTarget(options, target),
        moec::applyScope(options, scope), moec::applyCompute(options, compute),
        moec::applyWeights(options, weights), moec::applyAbi(options, abi),
        moec::checkOutput(options)})
    if (!wrong.empty())
      return wrong;
  if (!quantize.empty() && quantize != "q8_0" && quantize != "q4_0")
    return "--quantize=" + quantize + ": expected q8_0 or q4_0";
  if (!quantize.empty() && exact)
    return "--quantize is not exact: leave out --exact";
  return "";
}
} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  moec::ProgressLine line(llvm::errs(), llvm::errs().is_displayed());
  auto message = [&](llvm::StringRef text) {
    line.endLine();
    llvm::errs() << "moec: " << text << '\n';
  };
  std::string usage;
  llvm::raw_string_ostream usageStream(usage);
  if (!cl::ParseCommandLineOptions(
          argc, argv, "Mixture-of-Experts graph compiler\n", &usageStream)) {
    llvm::errs() << usage;
    return MOEC_COMPILE_USAGE_ERROR;
  }

  moec::CompileOptions options;
  if (std::string wrong = readOptions(options); !wrong.empty()) {
    message("error: " + wrong);
    return MOEC_COMPILE_USAGE_ERROR;
  }
  auto progress = [&](uint64_t written, uint64_t total) {
    std::chrono::duration<double> now =
        std::chrono::steady_clock::now().time_since_epoch();
    line.report(written, total, now.count());
  };
  return moec::compile(
      options,
      {message, [](llvm::StringRef text) { llvm::outs() << text; }, progress});
}
