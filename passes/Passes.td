// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All passes on the moe and grouped dialects, in the order in which the
// pipelines run them (Pipelines.cpp).

#ifndef MOEC_PASSES_PASSES_TD
#define MOEC_PASSES_PASSES_TD

include "mlir/Pass/PassBase.td"

def MoeStripTapsPass : Pass<"moe-strip-taps"> {
  let summary = "Remove taps that nobody asked for";
  let description = [{
    Removes every `moe.tap` whose name matches none of the `keep` patterns, so
    that taps never stand in the way of fusion. Bit-exact.
  }];
  let options = [
    ListOption<"keep", "keep", "std::string", "Glob patterns of taps to keep">
  ];
  let dependentDialects = ["::moec::moe::MoeDialect"];
}

#endif // MOEC_PASSES_PASSES_TD
