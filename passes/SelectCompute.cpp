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

  /// Whether the matmul can do without f32 rows. Routers and gates keep them:
  /// they decide, and are small.
  bool fits(MatmulOp matmul) {
    if (compute == "bf16")
      return matmul.isGrouped() && fitsBf16(matmul);
    return matmul.getPanels() && fitsInt8(matmul.getPanels()->getBlocks());
  }

  void runOnOperation() override {
    if (compute != "int8" && compute != "bf16") {
      getOperation().emitError("expects compute to be int8 or bf16, got ")
          << compute.getValue();
      return signalPassFailure();
    }
    StringRef needed = compute == "bf16"
                           ? "bf16"
                           : "int8 or int4 blocks of 32 without offsets";
    bool isAny = false;
    getOperation()->walk([&](MatmulOp matmul) {
      if (fits(matmul)) {
        isAny = true;
        matmul->setAttr(kComputeAttr,
                        StringAttr::get(&getContext(), compute.getValue()));
      } else if (explain) {
        if (compute == "bf16" && fitsBf16(matmul))
          matmul.emitRemark("computes in f32: it is not of experts");
        else
          matmul.emitRemark("computes in f32: its weights are not ") << needed;
      }
    });
    if (isAny)
      return;
    getOperation().emitError("no ")
        << (compute == "bf16" ? "experts' " : "") << "weights are " << needed
        << ", which computing in " << compute.getValue() << " needs";
    signalPassFailure();
  }
};
} // namespace
