// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"
#include "passes/Passes.h"
#include "llvm/Support/GlobPattern.h"

namespace moec {
#define GEN_PASS_DEF_MOESTRIPTAPSPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;

namespace {
struct StripTaps : moec::impl::MoeStripTapsPassBase<StripTaps> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<llvm::GlobPattern> patterns;
    for (const std::string &text : keep) {
      llvm::Expected<llvm::GlobPattern> pattern =
          llvm::GlobPattern::create(text);
      if (!pattern) {
        getOperation()->emitError("tap pattern '")
            << text << "': " << llvm::toString(pattern.takeError());
        return signalPassFailure();
      }
      patterns.push_back(std::move(*pattern));
    }
    getOperation()->walk([&](moec::moe::TapOp tap) {
      if (llvm::none_of(patterns, [&](const llvm::GlobPattern &pattern) {
            return pattern.match(tap.getName());
          }))
        tap.erase();
    });
  }
};
} // namespace
