// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/grouped/Compute.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Passes.h"

namespace moec {
#define GEN_PASS_DEF_MOESELECTCOMPUTEPASS
#include "passes/Passes.h.inc"
} // namespace moec

using namespace mlir;
using namespace moec::grouped;

namespace {
struct SelectCompute : moec::impl::MoeSelectComputePassBase<SelectCompute> {
  using MoeSelectComputePassBase::MoeSelectComputePassBase;

  void runOnOperation() override {
    bool isAny = false;
    getOperation()->walk([&](MatmulOp matmul) {
      std::optional<PanelsAttr> panels = matmul.getPanels();
      if (panels && fitsInt8(panels->getBlocks())) {
        isAny = true;
        matmul->setAttr(kComputeAttr, StringAttr::get(&getContext(), "int8"));
      } else if (explain) {
        matmul.emitRemark("computes in f32: its weights are not int8 or int4 "
                          "blocks of 32 without offsets");
      }
    });
    if (isAny)
      return;
    getOperation().emitError("no weights are int8 or int4 blocks of 32 without "
                             "offsets, which computing in int8 needs");
    signalPassFailure();
  }
};
} // namespace
