// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of the passes, in one place.

#ifndef MOEC_PASSES_PIPELINES_H
#define MOEC_PASSES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include <string>
#include <vector>

namespace moec {

struct PipelineOptions {
  /// Names of optimisation passes to leave out (see getOptimizationPasses).
  std::vector<std::string> disabled;
  /// Glob patterns of the taps to keep.
  std::vector<std::string> taps;
  /// Bit-exact passes only.
  bool exact = false;
  /// Say in remarks what the passes chose and why.
  bool explain = false;
  /// What the float weights of experts are quantised to: "q8_0", "q4_0" or
  /// nothing.
  std::string quantize;
  /// What rows are multiplied as: "int8", "bf16" (moe-select-compute), or
  /// "f32".
  std::string compute = "f32";
};

/// Names of the passes that may be left out, in the order in which they run.
/// Results stay right without any of them.
llvm::ArrayRef<llvm::StringRef> getOptimizationPasses();

/// What is wrong with the names in `disabled`; empty if they are all known.
std::string checkPipelineOptions(const PipelineOptions &options);

/// Phase `moe`: passes on the moe dialect.
void buildMoePipeline(mlir::OpPassManager &pm, const PipelineOptions &options);

/// Phase `grouped`: conversion and passes on the grouped dialect.
void buildGroupedPipeline(mlir::OpPassManager &pm,
                          const PipelineOptions &options);

/// Both phases, one after the other.
void buildMoeToGroupedPipeline(mlir::OpPassManager &pm,
                               const PipelineOptions &options);

/// Registers --moe-to-grouped.
void registerMoeToGroupedPipeline();

} // namespace moec

#endif // MOEC_PASSES_PIPELINES_H
