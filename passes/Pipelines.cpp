// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Pipelines.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;
using namespace moec;

ArrayRef<StringRef> moec::getOptimizationPasses() {
  static constexpr StringRef names[] = {
      "moe-canonicalize",    "moe-hoist-shared",   "moe-split-members",
      "moe-index-experts",   "moe-fuse-router",    "moe-fuse-dispatch",
      "moe-fuse-maps",       "moe-merge-gate-up",  "moe-fuse-epilogue",
      "moe-fuse-combine",    "moe-encode-weights", "moe-select-compute",
      "moe-select-strategy",
  };
  return names;
}

std::string moec::checkPipelineOptions(const PipelineOptions &options) {
  for (const std::string &name : options.disabled)
    if (!llvm::is_contained(getOptimizationPasses(), name))
      return "'" + name + "' is not an optimisation pass; expected one of " +
             llvm::join(getOptimizationPasses(), ", ");
  return "";
}

/// Adds the pass unless it is disabled.
static void addOptional(OpPassManager &pm, const PipelineOptions &options,
                        std::unique_ptr<Pass> pass) {
  if (!llvm::is_contained(options.disabled, pass->getArgument()))
    pm.addPass(std::move(pass));
}

void moec::buildMoePipeline(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createMoeVerifyInputPass());
  MoeStripTapsPassOptions taps;
  taps.keep.assign(options.taps.begin(), options.taps.end());
  pm.addPass(createMoeStripTapsPass(taps));
  pm.addPass(createMoeDecomposeTransformerPass());
  // Arithmetic on tensors and linalg are one form from here on.
  pm.addPass(createConvertElementwiseToLinalgPass());
  MoeCanonicalizePassOptions canonicalize;
  canonicalize.exact = options.exact;
  addOptional(pm, options, createMoeCanonicalizePass(canonicalize));
  addOptional(pm, options, createMoeHoistSharedPass({options.explain}));
  if (!options.exact) {
    MoeSplitMembersPassOptions split;
    split.explain = options.explain;
    addOptional(pm, options, createMoeSplitMembersPass(split));
    addOptional(pm, options, createMoeIndexExpertsPass({options.explain}));
  }
  addOptional(pm, options, createMoeFuseRouterPass());
}

void moec::buildGroupedPipeline(OpPassManager &pm,
                                const PipelineOptions &options) {
  ConvertMoeToGroupedPassOptions convert;
  convert.explain = options.explain;
  pm.addPass(createConvertMoeToGroupedPass(convert));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  addOptional(pm, options, createMoeFuseDispatchPass());
  addOptional(pm, options, createMoeFuseMapsPass());
  addOptional(pm, options, createMoeMergeGateUpPass());
  addOptional(pm, options, createMoeFuseEpiloguePass());
  addOptional(pm, options, createMoeFuseCombinePass());
  addOptional(pm, options, createMoeEncodeWeightsPass({options.quantize}));
  if (options.compute != "f32")
    addOptional(pm, options,
                createMoeSelectComputePass({options.explain, options.compute}));
  addOptional(pm, options, createMoeSelectStrategyPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void moec::buildMoeToGroupedPipeline(OpPassManager &pm,
                                     const PipelineOptions &options) {
  buildMoePipeline(pm, options);
  buildGroupedPipeline(pm, options);
}

namespace {
/// PipelineOptions on the command line.
struct CommandLineOptions : PassPipelineOptions<CommandLineOptions> {
  ListOption<std::string> disable{
      *this, "disable",
      llvm::cl::desc("Names of optimisation passes to leave out")};
  ListOption<std::string> tap{*this, "tap",
                              llvm::cl::desc("Glob patterns of taps to keep")};
  Option<bool> exact{*this, "exact", llvm::cl::desc("Bit-exact passes only"),
                     llvm::cl::init(false)};
  Option<bool> explain{
      *this, "explain",
      llvm::cl::desc("Say in remarks what the passes chose and why"),
      llvm::cl::init(false)};
};
} // namespace

void moec::registerMoeToGroupedPipeline() {
  PassPipelineRegistration<CommandLineOptions>(
      "moe-to-grouped", "Lower the moe dialect to the grouped dialect",
      [](OpPassManager &pm, const CommandLineOptions &commandLine) {
        PipelineOptions options;
        options.disabled.assign(commandLine.disable.begin(),
                                commandLine.disable.end());
        options.taps.assign(commandLine.tap.begin(), commandLine.tap.end());
        options.exact = commandLine.exact;
        options.explain = commandLine.explain;
        std::string problem = checkPipelineOptions(options);
        if (!problem.empty())
          llvm::report_fatal_error(StringRef(problem), false);
        buildMoeToGroupedPipeline(pm, options);
      });
}
